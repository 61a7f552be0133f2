"""A pool's graph of neighbors: fitting it, once, and what a query on it takes; in one thread."""

import time

import numpy as np
from tests.benchmarks.learner_plain import clusters
from tests.benchmarks.measuring import in_turns
from threadpoolctl import threadpool_limits

from aloe.learner.domain.graphs.acquisition import GraphSituation, graph_picks, graph_scores
from aloe.learner.domain.graphs.spectrum import EIGENPAIR_COUNT, leading_eigenpairs
from aloe.learner.domain.graphs.weights import neighbor_graph
from aloe.values.strategies import AcquisitionFunction

_COVERED_COUNT = 300


def graph_figures(clip_count: int, dim: int, *, repeats: int) -> dict[str, float]:
    """Fit the graph of a pool of kernel features, and ask for 12 clips on it at 300 labels."""
    vectors = clusters(clip_count, dim, 12).embeddings
    function = AcquisitionFunction.MCV_OPT
    with threadpool_limits(limits=1, user_api="blas"):
        began = time.perf_counter()
        graph = neighbor_graph(vectors)
        joined = time.perf_counter()
        spectrum = leading_eigenpairs(graph, EIGENPAIR_COUNT, seed=0)
        fitted = time.perf_counter()
        covered, candidates = np.split(np.arange(clip_count), [_COVERED_COUNT])
        unsure = np.random.default_rng(0).random(len(candidates), dtype=np.float32)
        situation = GraphSituation(spectrum, covered, candidates, unsure)
        scores, picks = in_turns(
            repeats,
            lambda: graph_scores(function, situation),
            lambda: graph_picks(function, situation, 12),
        )
    return {
        "graph_s": joined - began,
        "graph_spectrum_s": fitted - joined,
        "graph_scores_ms": 1e3 * float(np.median(scores)),
        "graph_pick_12_ms": 1e3 * float(np.median(picks)),
    }
