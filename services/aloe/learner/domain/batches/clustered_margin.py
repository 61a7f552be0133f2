"""Clustered margin: the best clips by score, spread over clusters, the smallest cluster first.

Citovsky et al., "Batch Active Learning at Scale" (NeurIPS 2021). The ten times as many clips as are
asked for that are best by score fall into clusters, by average linkage, of ten in the mean.
Clusters come in order of their size, again and again; where the paper draws a clip of the cluster,
its best by score is picked.
"""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.batches.stages import stages

_CLIPS_PER_PICK = 10
_CLUSTER_SIZE = 10
_MAX_LINKED = 1_024
"""So many are linked, in tens of milliseconds; others join the cluster of the nearest of them."""


def clustered_margin(situation: Situation) -> Picks:
    """Pick by clustered margin. Gains are scores.

    A clip that waits for an answer takes one turn of its cluster, that of the nearest candidate.
    """
    ranked = np.argsort(-situation.scores, kind="stable")
    waiting = situation.covered[situation.waiting]
    picked = np.empty(0, np.int64)
    for end, size in stages(situation.pick_count):
        among = ranked[: size * _CLIPS_PER_PICK]
        vectors, is_picked = situation.candidates[among], np.isin(among, picked)
        clusters = _clusters(vectors)
        nearest, _ = DistancesTo(vectors).nearest_to(waiting)
        had = np.bincount(np.r_[clusters[nearest], clusters[is_picked]], minlength=len(among))
        order = _in_turns(clusters, np.flatnonzero(~is_picked), had)
        picked = np.r_[picked, among[order[: end - len(picked)]]]
    return Picks(picked, situation.scores[picked])


def _clusters(vectors: Float32Array) -> IntArray:
    """Return the cluster of each vector, (n,) int64."""
    linked = vectors[:_MAX_LINKED]
    if len(linked) < 2:
        return np.zeros(len(linked), np.int64)
    to_linked = DistancesTo(linked)
    distances = np.sqrt(to_linked.of(linked)[np.triu_indices(len(linked), 1)])
    tree = linkage(distances, "average")
    found = fcluster(tree, -(-len(linked) // _CLUSTER_SIZE), "maxclust").astype(np.int64) - 1
    others, _ = to_linked.nearest_to(vectors[_MAX_LINKED:])
    clusters: IntArray = np.r_[found, found[others]]
    return clusters


def _in_turns(clusters: IntArray, ranks: IntArray, had: IntArray) -> IntArray:
    """Order clips so that each cluster gives one in turn, the smallest cluster first.

    Args:
        clusters: (n,) int64, of the clips, the best by score in front; not negative.
        ranks: (m,) int64, places in clusters, ascending, of the clips to order.
        had: (at least n_clusters,) int64, the turns that each cluster has had.

    Returns:
        (m,) int64, ranks.
    """
    sizes, turns, next_turn = np.bincount(clusters), np.empty(len(ranks), np.int64), had.copy()
    for place, cluster in enumerate(clusters[ranks].tolist()):
        turns[place] = next_turn[cluster]
        next_turn[cluster] += 1
    _, best = np.unique(clusters, return_index=True)
    own = clusters[ranks]
    return ranks[np.lexsort((best[own], sizes[own], turns))]
