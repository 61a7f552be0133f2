"""One pass over embeddings: logits, softmax, informativeness and predicted class of each clip."""

from collections.abc import Callable

import numpy as np

from aloe.learner.domain.acquisition import FORMULAS, SoftmaxRow
from aloe.learner.domain.arrays import Float32Array, Int16Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel, part_of_kernel
from aloe.learner.domain.kernels.dense import BLOCK, exp, logits_of_block, sigmoid
from aloe.values.strategies import AcquisitionFunction

_NO_FORMULA = -1
SOFTMAX, MAX_OF_SIGMOIDS, MEAN_OF_SIGMOIDS = range(3)
"""What a head's logits are, and which of its classes' scores a clip has."""
FUNCTION_CODES = dict.fromkeys(AcquisitionFunction, _NO_FORMULA) | {
    function: code for code, function in enumerate(FORMULAS)
}

_ZERO = np.float32(0)
_LEAD, _SECOND, _LEAST, _REST, _SQUARES, _SPREAD = range(6)
_BEST = _LEAD
"""The best logit, in the place that the lead takes in the end."""


@kernel
def _summarise(
    logits: Float32Array, first: int, stop: int, sums: Float32Array, best: Int16Array
) -> None:
    """Reduce the logits of a block to a SoftmaxRow for each clip.

    The inner loops run over clips, side by side in the lanes of a register.

    Args:
        logits: (n_padded_classes, BLOCK) float32.
        first: the head's first class in logits.
        stop: one past its last class.
        sums: (6, BLOCK) float32, filled: see SoftmaxRow.
        best: (BLOCK,) int16, filled: the predicted classes, the first one of equals.
    """
    for i in range(BLOCK):
        sums[_BEST, i] = sums[_LEAST, i] = logits[first, i]
        sums[_SECOND, i] = -np.inf
        sums[_REST, i] = sums[_SQUARES, i] = sums[_SPREAD, i] = _ZERO
        best[i] = 0
    for c in range(first + 1, stop):
        for i in range(BLOCK):
            z, top = logits[c, i], sums[_BEST, i]
            higher = z > top
            sums[_SECOND, i] = top if higher else max(sums[_SECOND, i], z)
            sums[_BEST, i] = z if higher else top
            best[i] = c - first if higher else best[i]
            sums[_LEAST, i] = min(sums[_LEAST, i], z)
    for c in range(first, stop):
        for i in range(BLOCK):
            distance = logits[c, i] - sums[_BEST, i]
            e = exp(distance) if c - first != best[i] else _ZERO
            sums[_REST, i] += e
            sums[_SQUARES, i] += e * e
            sums[_SPREAD, i] -= e * distance
    for i in range(BLOCK):
        top = sums[_BEST, i]
        sums[_LEAD, i] = top - sums[_SECOND, i]
        sums[_SECOND, i] = exp(sums[_SECOND, i] - top)
        sums[_LEAST, i] = exp(sums[_LEAST, i] - top)


def _score_by(codes: dict[AcquisitionFunction, int]) -> Callable[[int, SoftmaxRow], float]:
    """Compile a score by code and row: a chain of branches, 0 for a code without a formula."""

    def without_formula(code: int, row: SoftmaxRow) -> float:  # noqa: ARG001
        return 0.0

    def with_branch(
        own: int,
        formula: Callable[[SoftmaxRow], float],
        others: Callable[[int, SoftmaxRow], float],
    ) -> Callable[[int, SoftmaxRow], float]:
        def score(code: int, row: SoftmaxRow) -> float:
            return formula(row) if code == own else others(code, row)

        return part_of_kernel(score)

    scores: Callable[[int, SoftmaxRow], float] = part_of_kernel(without_formula)
    for function, formula in FORMULAS.items():
        scores = with_branch(codes[function], part_of_kernel(formula), scores)
    return scores


_score = _score_by(FUNCTION_CODES)


@kernel
def _score_block(code: int, sums: Float32Array, scores: Float32Array) -> None:
    """Set scores, (at most BLOCK,) float32, to the informativeness of the summarised clips."""
    for i in range(len(scores)):
        row = SoftmaxRow(
            float(sums[_LEAD, i]),
            float(sums[_SECOND, i]),
            float(sums[_LEAST, i]),
            float(sums[_REST, i]),
            float(sums[_SQUARES, i]),
            float(sums[_SPREAD, i]),
        )
        scores[i] = _score(code, row)


@kernel
def _score_sigmoids(
    code: int,
    takes_mean: bool,
    logits: Float32Array,
    first: int,
    stop: int,
    scores: Float32Array,
    best: Int16Array,
) -> None:
    """Score each clip by its classes, of each of which it is or is not: a softmax of two.

    Args:
        code: of the function.
        takes_mean: whether a clip has the mean of its classes' scores, or the largest.
        logits: (n_padded_classes, BLOCK) float32.
        first: the head's first class in logits.
        stop: one past its last class.
        scores: (at most BLOCK,) float32, filled.
        best: (BLOCK,) int16, filled: the likeliest classes, the first one of equals.
    """
    for i in range(len(scores)):
        top, total, most = logits[first, i], 0.0, -np.inf
        best[i] = 0
        for c in range(first, stop):
            z = logits[c, i]
            if z > top:
                top = z
                best[i] = c - first
            lead = abs(z)
            odds = exp(-lead)
            q = float(odds)
            own = _score(code, SoftmaxRow(float(lead), q, q, q, q * q, q * float(lead)))
            total += own
            most = max(most, own)
        scores[i] = total / (stop - first) if takes_mean else most


@kernel
def score_rows(
    vectors: Float32Array,
    rows: IntArray,
    packed: Float32Array,
    biases: Float32Array,
    heads: IntArray,
    start: int,
    stop: int,
    scores: Float32Array,
    predicted: Int16Array,
) -> None:
    """Score some clips by several heads, reading each vector once.

    Args:
        vectors: (n_clips, embedding_dim) float32.
        rows: (n,) int64, into vectors.
        packed: (n_padded_classes, embedding_dim) float32, the heads' one below the other.
        biases: (n_padded_classes,) float32.
        heads: (n_heads, 4) int64: first row in packed, number of classes, function code, and
            SOFTMAX or what else its logits are.
        start: of this call's share of `rows`.
        stop: one past its end.
        scores: (n_heads, n) float32, filled; 0 for functions that do not depend on the head.
        predicted: (n_heads, n) int16, filled.
    """
    logits = np.zeros((packed.shape[0], BLOCK), np.float32)
    sums = np.empty((6, BLOCK), np.float32)
    best = np.empty(BLOCK, np.int16)
    for begin in range(start, stop, BLOCK):
        end = min(begin + BLOCK, stop)
        logits_of_block(vectors, rows, begin, end, packed, biases, logits)
        for h in range(len(heads)):
            first, class_count, code, kind = heads[h]
            past = first + class_count
            if kind != SOFTMAX:
                takes_mean = kind == MEAN_OF_SIGMOIDS
                _score_sigmoids(code, takes_mean, logits, first, past, scores[h, begin:end], best)
            else:
                if h == 0 or first != heads[h - 1, 0]:
                    _summarise(logits, first, past, sums, best)
                _score_block(code, sums, scores[h, begin:end])
            predicted[h, begin:end] = best[: end - begin]


def _probabilities(
    vectors: Float32Array,
    rows: IntArray,
    packed: Float32Array,
    biases: Float32Array,
    out: Float32Array,
) -> None:
    """Set out, (n, n_classes) float32, to the class probabilities of the clips in `rows`."""
    logits = np.zeros((packed.shape[0], BLOCK), np.float32)
    class_count = out.shape[1]
    for begin in range(0, len(rows), BLOCK):
        end = min(begin + BLOCK, len(rows))
        logits_of_block(vectors, rows, begin, end, packed, biases, logits)
        for i in range(end - begin):
            top = logits[0, i]
            for c in range(1, class_count):
                top = max(top, logits[c, i])
            total = _ZERO
            for c in range(class_count):
                total += exp(logits[c, i] - top)
            for c in range(class_count):
                out[begin + i, c] = exp(logits[c, i] - top) / total


probabilities_of_rows = kernel(_probabilities)
probabilities_of_few_rows = kernel(_probabilities, nogil=False)


def _sigmoids(
    vectors: Float32Array,
    rows: IntArray,
    packed: Float32Array,
    biases: Float32Array,
    out: Float32Array,
) -> None:
    """Set out, (n, n_classes) float32, to the probability of each class by itself."""
    logits = np.zeros((packed.shape[0], BLOCK), np.float32)
    for begin in range(0, len(rows), BLOCK):
        end = min(begin + BLOCK, len(rows))
        logits_of_block(vectors, rows, begin, end, packed, biases, logits)
        for i in range(end - begin):
            for c in range(out.shape[1]):
                out[begin + i, c] = sigmoid(logits[c, i])


sigmoids_of_rows = kernel(_sigmoids)
sigmoids_of_few_rows = kernel(_sigmoids, nogil=False)


def _all_within(values: Float32Array, limit: float) -> bool:
    """Say whether no value, (n, m) float32, is NaN or beyond the limit in size."""
    fit = True
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            fit &= abs(values[row, column]) <= limit
    return fit


all_of_few_within = kernel(_all_within, nogil=False)
