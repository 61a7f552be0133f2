"""Pairs of clips whose embeddings point the same way, found block by block."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from aloe.client import Float32Array

_BLOCK_ROWS = 2_048
"""Two blocks' products take 16 MB."""


def near_pairs(
    embeddings: Float32Array, least_cosine: float, on_progress: Callable[[int], None]
) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of rows whose cosine is at least so high, the earlier row first.

    Zero vectors have no direction, and are near to nothing.

    Args:
        embeddings: (n_clips, embedding_dim) float32; they are scaled to unit length in place.
        least_cosine: up to 1.
        on_progress: told now and then how many rows are compared with all others.
    """
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    np.divide(embeddings, norms, out=embeddings, where=norms > 0)
    for first in range(0, len(embeddings), _BLOCK_ROWS):
        block = embeddings[first : first + _BLOCK_ROWS]
        for second in range(first, len(embeddings), _BLOCK_ROWS):
            cosines = block @ embeddings[second : second + _BLOCK_ROWS].T
            near = cosines >= least_cosine
            if first == second:
                near = np.triu(near, 1)
            yield from _places(cosines, near, first, second)
        on_progress(first + len(block))


def _places(
    cosines: NDArray[np.float32], near: NDArray[np.bool_], first: int, second: int
) -> Iterator[tuple[int, int, float]]:
    rows, columns = np.nonzero(near)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        # Rounding may lead past 1.
        yield first + row, second + column, min(1.0, float(cosines[row, column]))
