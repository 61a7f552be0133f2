"""ProbCover: clips whose balls hold the most of the pool that no ball holds yet.

Yehuda, Dekel, Hacohen and Weinshall, "Active Learning Through a Covering Lens" (NeurIPS 2022). The
radius is the largest at which at least 95 % of the balls are pure: all in one of as many k-means
clusters as there are classes.
"""

import numpy as np

from aloe.learner.domain.arrays import BoolArray, Float32Array, IntArray
from aloe.learner.domain.batches.clustering import k_means_clusters
from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.kernels.covering import cover_greedily

_IMPURE_SHARE = 0.05
_BALL_COUNT = 1_024
"""Whose purity is looked at: the first references, which are random clips."""


def probcover(situation: Situation) -> Picks:
    """Pick by ProbCover. Gains are how many references each pick newly covers."""
    references = situation.references
    class_count = situation.probabilities.shape[1]
    clusters = k_means_clusters(references, class_count, situation.seed)
    distances = DistancesTo(references)
    radius = squared_radius(distances, references[:_BALL_COUNT], clusters)
    _, nearest = DistancesTo(situation.covered).nearest_to(references)
    count = situation.pick_count
    places, gains = np.empty(count, np.int64), np.empty(count, np.float32)
    cover_greedily(
        _is_within(distances.of(situation.candidates), radius).astype(np.float32),
        np.ones(len(references), np.float32),
        _is_within(nearest, radius).astype(np.float32),
        np.ones(len(situation.candidates), np.bool_),
        places,
        gains,
    )
    return Picks(places, gains)


def squared_radius(distances: DistancesTo, centres: Float32Array, clusters: IntArray) -> float:
    """Return the squared radius of the largest balls of which at least 95 % are pure.

    Args:
        distances: to the references.
        centres: (n, dim) float32, of balls: the first references.
        clusters: (r,) int64, of the references.

    Returns:
        Infinity where all are in one cluster.
    """
    found = distances.of(centres)
    found[clusters[: len(centres), None] == clusters] = np.inf
    # Up to the nearest reference of another cluster a ball is pure.
    pure_up_to = np.sort(found.min(axis=1, initial=np.inf))
    return float(pure_up_to[int(_IMPURE_SHARE * len(centres))]) if len(centres) else np.inf


def _is_within(distances: Float32Array, radius: float) -> BoolArray:
    """Say which squared distances are inside a ball; its centre always is."""
    is_within: BoolArray = (distances < radius) | (distances == 0)
    return is_within
