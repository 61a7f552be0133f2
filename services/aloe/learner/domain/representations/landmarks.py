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

    unit_mean: Float32Array
    """(embedding_dim,) float32, of the pool's unit vectors."""
    views: Float32Array
    """(n_landmarks, 2 embedding_dim) float32: scaled view, angle view; each of length 1 or 0."""
    steepness: float
    """By squared distance."""
    similarity_mean: Float32Array
    """(n_landmarks,) float32, over the pool."""
    directions: Float32Array
    """(n_landmarks, DIRECTION_COUNT) float32"""
    packed_views: Float32Array = field(init=False, repr=False)
    """(n_panels, 2 embedding_dim, PANEL) float32, read-only: as the kernels take them."""
    squares: Float32Array = field(init=False, repr=False)
    """(n_panels * PANEL,) float32, read-only: |l|^2; with 0 for the padding."""
    packed_mean: Float32Array = field(init=False, repr=False)
    """(n_panels * PANEL,) float32, read-only"""
    packed_directions: Float32Array = field(init=False, repr=False)
    """(n_direction_panels, n_panels * PANEL, PANEL) float32, read-only"""

    def __post_init__(self) -> None:
        """Pack once for all uses."""
        squares = np.square(self.views, dtype=np.float64).sum(axis=1) / 2
        packed = {
            "unit_mean": self.unit_mean,
            "packed_views": panels_of(self.views.T),
            "squares": _padded(squares.astype(np.float32)),
            "packed_mean": _padded(self.similarity_mean),
            "packed_directions": panels_of(_padded(self.directions)),
        }
        for name, array in packed.items():
            object.__setattr__(self, name, frozen(array))


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


def _padded(rows: Float32Array) -> Float32Array:
    """Append rows of zeros up to a multiple of PANEL."""
    padded = np.zeros((-(-len(rows) // PANEL) * PANEL, *rows.shape[1:]), np.float32)
    padded[: len(rows)] = rows
    return padded
