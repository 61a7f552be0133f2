"""Heads applied to embeddings: class probabilities to predict with, scores to query by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.alignment import aligned
from aloe.learner.domain.arrays import Float32Array, Int16Array, IntArray
from aloe.learner.domain.head import Head
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.scoring import (
    FUNCTION_CODES,
    MAX_OF_SIGMOIDS,
    MEAN_OF_SIGMOIDS,
    SOFTMAX,
    all_of_few_within,
    probabilities_of_few_rows,
    probabilities_of_rows,
    score_rows,
    sigmoids_of_few_rows,
    sigmoids_of_rows,
)
from aloe.learner.domain.pool import MAX_MAGNITUDE, in_range
from aloe.values.labels import LabelMode
from aloe.values.strategies import DEFAULT_COMBINATION, AcquisitionFunction, ClassCombination

_KINDS = {
    ClassCombination.MAX: MAX_OF_SIGMOIDS,
    ClassCombination.MEAN: MEAN_OF_SIGMOIDS,
}
_FEW = 64
"""Up to so many clips take microseconds: less than letting go of the GIL may cost."""


def _fitting(embeddings: Float32Array, head: Head) -> Float32Array:
    """Return embeddings as the kernels take them. Checks their size, since kernels do not."""
    if embeddings.shape[1:] != head.weights.shape[:1]:
        raise ValueError(
            f"embeddings of {embeddings.shape[1:]} do not fit a head of {len(head.weights)} values"
        )
    return frozen(embeddings)


def class_probabilities(
    head: Head, embeddings: Float32Array, rows: IntArray | None = None
) -> Float32Array:
    """Return the class probabilities of clips; in tasks of several labels each stands for itself.

    Args:
        head: the classifier.
        embeddings: (n_clips, embedding_dim) float32.
        rows: (n,) int64, of embeddings; all of them by default.

    Returns:
        (n, n_classes) float32
    """
    if rows is None:
        rows = np.arange(len(embeddings))
    probabilities = np.empty((len(rows), len(head.biases)), np.float32)
    if head.label_mode is LabelMode.MULTIPLE:
        work = sigmoids_of_few_rows if len(rows) <= _FEW else sigmoids_of_rows
    else:
        work = probabilities_of_few_rows if len(rows) <= _FEW else probabilities_of_rows
    work(_fitting(embeddings, head), rows, head.packed_weights, head.packed_biases, probabilities)
    return probabilities


def all_in_range(embeddings: Float32Array) -> bool:
    """Whether in_range holds for every value of embeddings, (n_clips, embedding_dim) float32."""
    if len(embeddings) <= _FEW:
        return all_of_few_within(frozen(embeddings), MAX_MAGNITUDE)
    return bool(in_range(embeddings).all())


def _one_below_the_other(parts: Sequence[Float32Array]) -> Float32Array:
    return frozen(aligned(np.concatenate(parts) if len(parts) > 1 else parts[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """A head that scores clips by an acquisition function."""

    head: Head
    function: AcquisitionFunction
    combination: ClassCombination = DEFAULT_COMBINATION
    """Of a head of several labels a clip, whose classes are scored one by one."""

    @property
    def kind(self) -> int:
        """What the kernel is to make of the logits."""
        if self.head.label_mode is LabelMode.SINGLE:
            return SOFTMAX
        return _KINDS[self.combination]


class Judgement:
    """One pass of some judges over some clips, done in shares by any number of threads."""

    def __init__(self, judges: Sequence[Judge], embeddings: Float32Array, rows: IntArray) -> None:
        """Prepare the pass; `share` does the work.

        Args:
            judges: all on one pool; those of one head, next to each other, cost little more than
                one of them.
            embeddings: (n_clips, embedding_dim) float32.
            rows: (n,) int64, of embeddings.
        """
        heads = list({id(judge.head): judge.head for judge in judges}.values())
        firsts = np.cumsum([0, *(len(head.packed_biases) for head in heads)])
        first_of = {id(head): first for head, first in zip(heads, firsts.tolist(), strict=False)}
        self._weights = _one_below_the_other([head.packed_weights for head in heads])
        self._biases = _one_below_the_other([head.packed_biases for head in heads])
        self._heads = np.array(
            [
                (
                    first_of[id(judge.head)],
                    len(judge.head.biases),
                    FUNCTION_CODES[judge.function],
                    judge.kind,
                )
                for judge in judges
            ],
            dtype=np.int64,
        )
        self._embeddings, self._rows = _fitting(embeddings, heads[0]), rows
        self.scores: Float32Array = np.empty((len(judges), len(rows)), np.float32)
        """(n_judges, n) float32; 0 for RANDOM, see random_scores."""
        self.predicted: Int16Array = np.empty((len(judges), len(rows)), np.int16)
        """(n_judges, n) int16, predicted classes"""

    def share(self, begin: int, end: int) -> None:
        """Judge the clips rows[begin:end]."""
        score_rows(
            self._embeddings,
            self._rows,
            self._weights,
            self._biases,
            self._heads,
            begin,
            end,
            self.scores,
            self.predicted,
        )
