"""TypiClust: the most typical clip of each cluster without a label.

Hacohen, Dekel and Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High and Low
Budgets" (ICML 2022). The typicality of a clip is 1 / its mean distance to its 20 nearest
neighbours. The clips fall into as many k-means clusters as are covered and asked for, at most 500;
the clusters with the fewest covered clips, of these the largest, give their most typical clip.
"""

from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.clustering import k_means_clusters
from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.batches.stages import stages
from aloe.learner.domain.kernels.distances import smallest_of_rows

_NEIGHBOUR_COUNT = 20
_MAX_CLUSTER_COUNT = 500
_ROWS_AT_ONCE = 240
_LEAST_DISTANCE = 1e-30


def typiclust(situation: Situation) -> Picks:
    """Pick by TypiClust. Gains are typicalities."""
    typicalities = typicality(situation.candidates, situation.references)
    batch = _Batch(situation, typicalities)
    for end, size in stages(situation.pick_count):
        batch.extend(end, size)
    places = np.array(batch.places, np.int64)
    return Picks(places, typicalities[places])


def typicality(candidates: Float32Array, references: Float32Array) -> Float32Array:
    """Return 1 / the mean distance to the 20 nearest references.

    Args:
        candidates: (m, dim) float32; one that is a reference is no neighbour of itself.
        references: (r, dim) float32.

    Returns:
        (m,) float32, finite; 0 where there are no references.
    """
    if not len(references):
        return np.zeros(len(candidates), np.float32)
    distances = DistancesTo(references)
    count = min(_NEIGHBOUR_COUNT + 1, len(references))
    smallest = np.zeros((len(candidates), count), np.float32)
    for begin in range(0, len(candidates), _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        smallest_of_rows(distances.of(candidates[rows]), smallest[rows])
    is_reference = smallest[:, 0] == 0
    near = np.where(is_reference[:, None], smallest[:, 1:], smallest[:, :-1])
    means = np.sqrt(near).mean(axis=1) if near.shape[1] else np.sqrt(smallest[:, 0])
    return (1 / np.maximum(means, _LEAST_DISTANCE)).astype(np.float32)


@dataclass(slots=True)
class _Batch:
    """The picks so far."""

    situation: Situation
    typicalities: Float32Array
    places: list[int] = field(default_factory=list)

    def extend(self, end: int, size: int) -> None:
        """Pick until there are `end`, by the clusters of a batch of `size`."""
        candidates, covered = self.situation.candidates, self.situation.covered
        count = min(len(covered) + size, _MAX_CLUSTER_COUNT)
        clusters = k_means_clusters(
            np.concatenate([candidates, covered]), count, self.situation.seed
        )
        sizes = np.bincount(clusters, minlength=count)
        own = clusters[: len(candidates)]
        covered_counts = np.bincount(
            np.r_[clusters[len(candidates) :], own[self.places]], minlength=count
        )
        waiting = self._by_typicality(own, count)
        while len(self.places) < end:
            able = [cluster for cluster in range(count) if waiting[cluster]]
            best = min(able, key=lambda each: (covered_counts[each], -sizes[each], each))
            self.places.append(waiting[best].pop())
            covered_counts[best] += 1

    def _by_typicality(self, own: IntArray, count: int) -> list[list[int]]:
        """Return the candidates of each cluster that are not picked, the most typical last."""
        waiting: list[list[int]] = [[] for _ in range(count)]
        picked = set(self.places)
        for place in np.argsort(-self.typicalities, kind="stable")[::-1].tolist():
            if place not in picked:
                waiting[own[place]].append(place)
        return waiting
