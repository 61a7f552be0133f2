"""Clips that are like an example: all are compared, in one pass over their embeddings."""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.similarity import cosines_of_rows, products_of_rows
from aloe.values.similarities import Similarity


class Comparison:
    """One pass over some clips, done in shares by any number of threads."""

    def __init__(
        self, vectors: Float32Array, rows: IntArray, example: Float32Array, similarity: Similarity
    ) -> None:
        """Prepare the pass; `share` does the work.

        Args:
            vectors: (n_clips, dim) float32.
            rows: (n,) int64, of vectors.
            example: (dim,) float32, longer than 0 for cosines.
            similarity: what to compute.
        """
        if vectors.shape[1:] != example.shape:  # Kernels do not check it.
            raise ValueError(f"an example of {example.shape} for vectors of {vectors.shape}")
        self._vectors, self._rows = frozen(vectors), rows
        is_cosine = similarity is Similarity.COSINE
        self._work = cosines_of_rows if is_cosine else products_of_rows
        length = np.sqrt(np.square(example, dtype=np.float64).sum()) if is_cosine else 1.0
        self._example = frozen((example / length).astype(np.float32))
        self.similarities: Float32Array = np.empty(len(rows), np.float32)
        """(n,) float32; cosines may leave [-1, 1] by a rounding, and are 0 for a clip of length
        0."""

    def share(self, begin: int, end: int) -> None:
        """Compare the clips rows[begin:end]."""
        self._work(self._vectors, self._rows, self._example, begin, end, self.similarities)


def most_similar(similarities: Float32Array, count: int) -> IntArray:
    """Return the places of the highest ones, (at most count,) int64; of equals the first ones."""
    if count < len(similarities):
        least = np.partition(similarities, -count)[-count]
        higher = np.flatnonzero(similarities > least)
        equal = np.flatnonzero(similarities == least)[: count - len(higher)]
        places = np.sort(np.concatenate([higher, equal]))
    else:
        places = np.arange(len(similarities))
    return places[np.argsort(-similarities[places], kind="stable")]
