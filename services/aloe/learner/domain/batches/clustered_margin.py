"""Clustered margin: the best clips by score, spread over clusters, the smallest cluster first.

Citovsky et al., "Batch Active Learning at Scale" (NeurIPS 2021). The clusters, by average linkage,
hold ten candidates each in the mean. Clusters come in order of their size, again and again; where
the paper draws from a cluster, its best clip by score is picked.
"""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.situation import Picks, Situation

_CLUSTER_SIZE = 10
_MAX_LINKED = 1_024
"""So many are linked, in tens of milliseconds; others join the cluster of the nearest of them."""


def clustered_margin(situation: Situation) -> Picks:
    """Pick by clustered margin. Gains are scores.

    A clip that waits for an answer takes one turn of its cluster, that of the nearest candidate.
    """
    ranked = np.argsort(-situation.scores, kind="stable")
    clusters = _clusters(situation.candidates, ranked)
    sizes = np.bincount(clusters)
    turns = np.empty(len(ranked), np.int64)
    next_turn = _turns_taken(situation, clusters)
    for place in ranked.tolist():
        turns[place] = next_turn[clusters[place]]
        next_turn[clusters[place]] += 1
    rank = np.empty(len(ranked), np.int64)
    rank[ranked] = np.arange(len(ranked))
    best_ranks = np.full(len(sizes), len(ranked))
    np.minimum.at(best_ranks, clusters, rank)
    order = np.lexsort((rank, best_ranks[clusters], sizes[clusters], turns))
    places = order[: situation.pick_count]
    return Picks(places, situation.scores[places])


def _clusters(candidates: Float32Array, ranked: IntArray) -> IntArray:
    """Return the cluster of each candidate, (m,) int64."""
    linked = ranked[:_MAX_LINKED]
    if len(linked) < 2:
        return np.zeros(len(candidates), np.int64)
    distances = np.sqrt(DistancesTo(candidates[linked]).of(candidates[linked]))
    tree = linkage(distances[np.triu_indices(len(linked), 1)], "average")
    found = fcluster(tree, -(-len(linked) // _CLUSTER_SIZE), "maxclust").astype(np.int64) - 1
    nearest, _ = DistancesTo(candidates[linked]).nearest_to(candidates)
    clusters: IntArray = found[nearest]
    clusters[linked] = found
    return clusters


def _turns_taken(situation: Situation, clusters: IntArray) -> IntArray:
    """Return how many clips of each cluster wait for an answer, (n_clusters,) int64."""
    waiting = situation.covered[situation.waiting]
    nearest, _ = DistancesTo(situation.candidates).nearest_to(waiting)
    count = int(clusters.max(initial=-1)) + 1
    return np.bincount(clusters[nearest] if count else nearest[:0], minlength=count)
