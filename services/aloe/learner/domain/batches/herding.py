"""Uncertainty herding: clips that lie where the head wavers and nothing near is labeled.

Bae, Oliveira and Sutherland, "Uncertainty Herding: One Active Learning Method for All Label
Budgets" (ICLR 2025, arXiv 2412.20644), with a fixed width and the head's own probabilities. With
u = 1 - (p1 - p2) of each reference r, h the width, and cover_r = max over the covered clips of
e^(-d^2 / h), the gain of candidate c is sum_r u_r max(e^(-d_cr^2 / h) - cover_r, 0); the best one
is picked, counts as covered, and so on. Without a head u is 1.
"""

from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.situation import Picks, Situation, uncertainty
from aloe.learner.domain.kernels.covering import cover_greedily
from aloe.learner.domain.kernels.distances import smallest_of_rows, to_gaussian

_NEIGHBOUR = 10
_LEAST_WIDTH = 1e-5
"""Of the mean squared distance to the mean: below are the last digits of a distance."""
_NOT_ZERO = 1e-30
"""The width where all references are equal."""
_ROWS_AT_ONCE = 240
_NO_PLACES = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """Clips that stand for a pool, and how far each of them reaches. Made once per map."""

    vectors: Float32Array
    """(r, dim) float32"""
    width: float = field(init=False)
    """2 x the median squared distance to the 10th neighbour among them."""
    _distances: DistancesTo = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_distances", DistancesTo(self.vectors))
        object.__setattr__(self, "width", self._width())

    def similarities(self, points: Float32Array) -> Float32Array:
        """Return e^(-d^2 / width), (m, r) float32 in [0, 1], of points, (m, dim) float32."""
        distances = self._distances.of(points)
        to_gaussian(distances, self.width)
        return distances

    def cover(self, clips: Float32Array) -> Float32Array:
        """Return how much of each reference clips, (n, dim) float32, cover: (r,) in [0, 1]."""
        cover = np.zeros(len(self.vectors), np.float32)
        for begin in range(0, len(clips), _ROWS_AT_ONCE):
            similarities = self.similarities(clips[begin : begin + _ROWS_AT_ONCE])
            np.maximum(cover, similarities.max(axis=0), out=cover)
        return cover

    def _width(self) -> float:
        """Return the width; what is left of it where most vectors are equal."""
        count = len(self.vectors)
        # The nearest to each is itself.
        smallest = np.zeros((count, min(_NEIGHBOUR + 1, count)), np.float32)
        for begin in range(0, count, _ROWS_AT_ONCE):
            rows = slice(begin, begin + _ROWS_AT_ONCE)
            smallest_of_rows(self._distances.of(self.vectors[rows]), smallest[rows])
        median = float(np.median(smallest[:, -1])) if count else 0.0
        return max(2 * median, _LEAST_WIDTH * self._distances.mean_square, _NOT_ZERO)


class HerdingState:
    """Candidates under one head, for any number of queries; it does not change.

    It holds (m, r) float32: 5 MB at m = 300, r = 4,096.
    """

    def __init__(self, weights: Float32Array, similarities: Float32Array) -> None:
        """Take a head's candidates.

        Args:
            weights: (r,) float32, how unsure the head is of each reference; 1 without a head.
            similarities: (m, r) float32, of the candidates: see References.similarities.
        """
        self.weights, self.similarities = weights, similarities

    @property
    def byte_count(self) -> int:
        """Bytes that it takes."""
        return self.similarities.nbytes

    def pick(self, count: int, cover: Float32Array, taken: IntArray = _NO_PLACES) -> Picks:
        """Pick candidates.

        Which clips are leased may change both ways between queries: each says it anew, which costs
        less than to keep it.

        Args:
            count: how many, if there are so many.
            cover: (r,) float32, what the labeled, abstained and leased clips that are no
                candidates cover; it does not change. See References.cover.
            taken: (n,) int64, places of candidates that are labeled, abstained or leased by now:
                they are covered, and not picked.

        Returns:
            The picks; the gain is how many references, weighted by uncertainty, a pick newly
            covers.
        """
        is_open = np.ones(len(self.similarities), np.bool_)
        is_open[taken] = False
        cover = cover.copy()
        if len(taken):
            np.maximum(cover, self.similarities[taken].max(axis=0), out=cover)
        count = min(count, int(is_open.sum()))
        places, gains = np.empty(count, np.int64), np.empty(count, np.float32)
        cover_greedily(self.similarities, self.weights, cover, is_open, places, gains)
        return Picks(places, gains)


def herd(situation: Situation) -> Picks:
    """Pick by uncertainty herding; see HerdingState.pick."""
    references = References(situation.references)
    cover = references.cover(situation.covered)
    similarities = references.similarities(situation.candidates)
    state = HerdingState(uncertainty(situation.reference_probabilities), similarities)
    return state.pick(situation.count, cover)
