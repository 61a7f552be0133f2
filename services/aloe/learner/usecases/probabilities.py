"""Class probabilities of many inputs: their cost before the work, and the work in pieces."""

import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from aloe.admission.budget import Bound, Budget
from aloe.learner.bulkheads import PREDICTING, Threads
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.representations.pool_map import PoolMap

MAX_ANSWER_BYTES = 32 * 1024**2
"""Of one answer, with its labels; what failed may take as much again in a message."""
_BYTES_IN_WORK = 1024**3
"""Of inputs and answers of all calls at once."""
_S_PER_BYTE = 1e-8
"""A first guess of how long the work takes."""
_LABEL_BYTES = 4
"""That a label takes besides its characters."""
_QUICK_PRODUCTS = 1 << 20
"""Products of values and weights that take less time than another thread takes to begin."""
_PIECE_PRODUCTS = 1 << 26
"""In some 50 ms: so long a thread works for a caller who has gone."""


def check_answer(classes: Sequence[str], input_count: int) -> None:
    """Check that the answer for some inputs fits into a message, before anything is computed.

    Raises:
        InvalidInput: it does not.
    """
    longest = max(len(each.encode()) for each in classes)
    row_bytes = 4 * len(classes) + longest + _LABEL_BYTES
    if input_count * row_bytes > MAX_ANSWER_BYTES:
        raise InvalidInput.of(
            "input",
            f"{input_count:,} inputs of {len(classes):,} classes do not fit into one answer; give"
            f" at most {MAX_ANSWER_BYTES // row_bytes:,} at a time",
        )


class Probabilities:
    """Computes class probabilities: few at once, many in pieces on threads of their own."""

    def __init__(self) -> None:
        self._threads = Threads(PREDICTING)
        bound = Bound(_BYTES_IN_WORK, "input", "send fewer inputs a call")
        self._budget = Budget({"bytes": bound}, unit_s={"bytes": _S_PER_BYTE})

    async def of(
        self, head: Head, vectors: Float32Array, pool_map: PoolMap | None = None
    ) -> Float32Array:
        """Return a row for each clip, (n_clips, n_classes) float32.

        Args:
            head: the classifier.
            vectors: (n_clips, dim) float32, what it reads of the clips, or is mapped to that.
            pool_map: maps them; None where nothing is to be mapped.

        Raises:
            Overloaded: too much is in work.
        """
        row_count, class_count = len(vectors), len(head.biases)
        row_products = head.weights.size + (pool_map.row_products if pool_map else 0)
        work = partial(_probabilities, head, pool_map)
        if row_count * row_products <= _QUICK_PRODUCTS:
            return work(vectors)
        byte_count = vectors.nbytes + 4 * row_count * class_count
        with self._budget.enter(bytes=byte_count):
            began = time.monotonic()
            piece = max(1, _PIECE_PRODUCTS // row_products)
            pieces = [
                await self._threads.run(partial(work, vectors[begin : begin + piece]))
                for begin in range(0, row_count, piece)
            ]
            self._budget.record("bytes", byte_count, time.monotonic() - began)
            return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]


def _probabilities(head: Head, pool_map: PoolMap | None, vectors: Float32Array) -> Float32Array:
    return class_probabilities(head, pool_map.map(vectors) if pool_map else vectors)
