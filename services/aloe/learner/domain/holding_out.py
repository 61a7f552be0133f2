"""Labels that heads were trained without, and what those heads predict (cross-validation)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import BoolArray, Float32Array, IntArray
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.training import train_head
from aloe.values.recipes import AdamRecipe, HeadRecipe

FEW_LABELS = 100
"""Up to so many, a tenth of them is held out at a time; without a fifth, heads would be worse than
the one that is judged."""
FOLDS_OF_FEW, FOLDS_OF_MANY = 10, 5
MOST_HELD_OUT = 400
"""Labels that are held out, in turn; more would say little more. So 400 labels take the time of
four heads, more take less, and from 2,000 on it is that of one."""
_LEAST_UNCERTAINTY = 1e-6
"""1 - p1 of less is rounding."""
_PURPOSE = 3
"""Tells these random numbers from those that heads are trained with."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Labels and predictions of heads that were trained without them."""

    logits: NDArray[np.float64]
    """(n,) float64, log(p1 / (1 - p1)), p1 the largest probability"""
    is_right: BoolArray
    """(n,) bool"""
    is_audit: BoolArray
    """(n,) bool, whether the clip was picked at random"""


def logits_of(uncertainties: Float32Array) -> NDArray[np.float64]:
    """Return log(p1 / (1 - p1)) of 1 - p1, (n,) float64, which float32 tells near p1 = 1 too."""
    wide = np.clip(uncertainties.astype(np.float64), _LEAST_UNCERTAINTY, 1 - _LEAST_UNCERTAINTY)
    return np.asarray(np.log1p(-wide) - np.log(wide), np.float64)


class HoldingOut:
    """Labels predicted by heads that were trained without them, in shares by several threads.

    The same arguments give the same bits on one machine.
    """

    def __init__(
        self,
        recipe: HeadRecipe,
        embeddings: Float32Array,
        labels: IntArray,
        is_audit: BoolArray,
        *,
        class_count: int,
        seed: int,
        version: int,
    ) -> None:
        """Draw which labels are held out when; `share` does the work.

        Args:
            recipe: of the heads.
            embeddings: (n_labels, embedding_dim) float32.
            labels: (n_labels,) int64, class indices.
            is_audit: (n_labels,) bool, whether the clip was picked at random. These are held out
                first.
            class_count: number of classes.
            seed: of the task.
            version: of the head that is to be judged; with the seed it fixes the folds.
        """
        self._recipe, self._labels, self._is_audit = recipe, labels, is_audit
        self._inputs = embeddings if isinstance(recipe, AdamRecipe) else _within_span(embeddings)
        self._class_count = class_count
        self._seed, self._version = seed, version
        self._folds = _folds(is_audit, seed, version)
        self._order = np.concatenate(self._folds)
        ends = np.cumsum([0, *map(len, self._folds)]).tolist()
        self._places = [slice(begin, end) for begin, end in pairwise(ends)]
        self._uncertainties = np.empty(len(self._order), np.float32)
        self._predicted = np.empty(len(self._order), np.int64)

    @property
    def share_count(self) -> int:
        """How many shares there are."""
        return len(self._folds)

    def share(self, number: int) -> None:
        """Train a head without some of the labels, and have it predict these."""
        fold, own = self._folds[number], self._places[number]
        rest = np.ones(len(self._labels), np.bool_)
        rest[fold] = False
        head = train_head(
            self._recipe,
            self._inputs[rest],
            self._labels[rest],
            class_count=self._class_count,
            seed=self._seed,
            version=self._version,
        )
        probabilities = class_probabilities(head, self._inputs, fold)
        self._predicted[own] = probabilities.argmax(axis=1)
        self._uncertainties[own] = 1 - probabilities.max(axis=1)

    def outcome(self) -> HeldOut:
        """Return what was found, after all shares."""
        return HeldOut(
            logits_of(self._uncertainties),
            self._predicted == self._labels[self._order],
            self._is_audit[self._order],
        )


def _folds(is_audit: BoolArray, seed: int, version: int) -> list[IntArray]:
    """Return the labels to hold out, each fold ascending, (n,) int64; audits are among all."""
    generator = np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, version, _PURPOSE]))
    )
    shuffled = generator.permutation(len(is_audit))
    shuffled = shuffled[np.argsort(~is_audit[shuffled], kind="stable")]
    most_folds = FOLDS_OF_FEW if len(shuffled) <= FEW_LABELS else FOLDS_OF_MANY
    fold_size = -(-len(shuffled) // most_folds)
    held_count = min(len(shuffled), MOST_HELD_OUT)
    fold_count = -(-held_count // fold_size)
    return [np.sort(shuffled[place:held_count:fold_count]) for place in range(fold_count)]


def _within_span(embeddings: Float32Array) -> Float32Array:
    """Return fewer values a clip, with the same inner products.

    Weights that begin at zero and follow gradients are combinations of the labeled embeddings, so
    that L-BFGS does the same steps on their coordinates in the space that these span.

    Args:
        embeddings: (n, embedding_dim) float32.

    Returns:
        (n, min(n, embedding_dim)) float32
    """
    count, size = embeddings.shape
    if count >= size:
        return embeddings
    wide = embeddings.astype(np.float64)
    values, vectors = np.linalg.eigh(wide @ wide.T)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)), np.float32)
