"""The part of a map that turns two views of an embedding into Gaussian kernel features."""

from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.alignment import aligned_empty
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.panels import PANEL

DIRECTION_COUNT = 256
"""Kernel features of a clip. Where there are fewer landmarks, the last ones are 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Nystroem features: (similarities to the landmarks - their mean) @ directions.

    The similarity of views z and l is exp(-|z - l|^2 steepness), with z = [scaled; angle] / sqrt 2.
    """

    count: int
    """Landmarks."""
    unit_mean: Float32Array
    """(embedding_dim,) float32, read-only: of the pool's unit vectors."""
    steepness: float
    """By squared distance."""
    packed_views: Float32Array = field(repr=False)
    """(n_panels, 2 embedding_dim, PANEL) float32, read-only: `views`, as the kernels take them."""
    squares: Float32Array = field(repr=False)
    """(n_panels * PANEL,) float32, read-only: |l|^2; with 0 for the padding."""
    packed_mean: Float32Array = field(repr=False)
    """(n_panels * PANEL,) float32, read-only: `similarity_mean`."""
    packed_directions: Float32Array = field(repr=False)
    """(n_direction_panels, n_panels * PANEL, PANEL) float32, read-only: `directions`."""

    @classmethod
    def of(
        cls,
        unit_mean: Float32Array,
        views: Float32Array,
        steepness: float,
        similarity_mean: Float32Array,
        directions: Float32Array,
    ) -> "Landmarks":
        """Pack what the properties give back; what was given need not be kept."""
        squares = np.square(views, dtype=np.float64).sum(axis=1) / 2
        return cls(
            len(views),
            frozen(unit_mean.copy()),
            steepness,
            frozen(panels_of(views.T)),
            frozen(_padded(squares.astype(np.float32))),
            frozen(_padded(similarity_mean)),
            frozen(panels_of(_padded(directions))),
        )

    @property
    def views(self) -> Float32Array:
        """(n_landmarks, 2 embedding_dim) float32: scaled view, angle view; of length 1 or 0."""
        return columns_of(self.packed_views, self.count).T

    @property
    def similarity_mean(self) -> Float32Array:
        """(n_landmarks,) float32, over the pool."""
        return self.packed_mean[: self.count]

    @property
    def directions(self) -> Float32Array:
        """(n_landmarks, DIRECTION_COUNT) float32, which similarities are multiplied by."""
        return columns_of(self.packed_directions, DIRECTION_COUNT)[: self.count]


def panels_of(columns: Float32Array) -> Float32Array:
    """Lay a matrix out in panels of columns.

    Args:
        columns: (depth, n_columns) float32.

    Returns:
        (n_panels, depth, PANEL) float32, aligned, with zeros for the columns beyond the last.
    """
    depth, column_count = columns.shape
    panels = aligned_empty((-(-column_count // PANEL), depth, PANEL))
    panels[:] = 0
    for place, panel in enumerate(panels):
        part = columns[:, place * PANEL : (place + 1) * PANEL]
        panel[:, : part.shape[1]] = part
    return panels


def columns_of(panels: Float32Array, column_count: int) -> Float32Array:
    """Return the matrix that panels_of laid out, (depth, column_count) float32."""
    depth = panels.shape[1]
    return panels.transpose(1, 0, 2).reshape(depth, -1)[:, :column_count]


def _padded(rows: Float32Array) -> Float32Array:
    """Append rows of zeros up to a multiple of PANEL."""
    padded = np.zeros((-(-len(rows) // PANEL) * PANEL, *rows.shape[1:]), np.float32)
    padded[: len(rows)] = rows
    return padded
