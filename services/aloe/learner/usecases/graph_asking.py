"""Batches by functions on a pool's graph.

What is picked follows from the head, the answers and leases since, and the pool's clips alone, so
that the log tells every pick again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloe.learner.cache.graphs import PoolGraph
from aloe.learner.domain.arrays import BoolArray, Float32Array, Int16Array, IntArray
from aloe.learner.domain.events import are
from aloe.learner.domain.graphs.acquisition import (
    GraphSituation,
    graph_picks,
    graph_scores,
    unknown,
)
from aloe.learner.domain.leases import Reason
from aloe.learner.domain.selection import first_clips
from aloe.learner.usecases.asking import ANSWERED, LEASED
from aloe.learner.usecases.explaining import reasons_of
from aloe.values.strategies import QueryStrategy, SelectionRule


@dataclass(frozen=True, slots=True, eq=False)
class GraphRequest:
    """All that decides a batch; taken on the event loop, used on a thread."""

    strategy: QueryStrategy
    class_count: int
    graph: PoolGraph
    vectors: Float32Array
    """(n_clips, dim) float32, what the head reads."""
    states: NDArray[np.int8]
    """(n_clips,) int8, ClipState now."""
    is_open: BoolArray
    """(n_clips,) bool, clips that may be picked."""
    wanted: int
    """How many to pick, spare ones included."""
    margins: Float32Array | None = None
    """(at least n_clips,) float32, -(p1 - p2) of the open clips by the head; None before one."""
    predicted: Int16Array | None = None
    """(at least n_clips,) int16, predicted classes of the open clips; None before a head."""


@dataclass(frozen=True, slots=True, eq=False)
class GraphBatch:
    """The outcome."""

    rows: IntArray
    """(n,) int64, in the order to ask."""
    scores: Float32Array
    """(n,) float32"""
    reasons: list[Reason]


def pick_on_graph(request: GraphRequest) -> GraphBatch:
    """Pick, in one thread: greedily, or the best by score of each predicted class in turn.

    Clips that are not on the graph yet come last, with a score of 0.
    """
    states, on_graph = request.states, request.graph.rows
    candidates = np.flatnonzero(request.is_open[on_graph])
    rows = on_graph[candidates]
    situation = GraphSituation(
        request.graph.spectrum,
        np.flatnonzero(are(states[on_graph], (*ANSWERED, *LEASED))),
        candidates,
        _uncertainties(request.margins, rows),
    )
    function = request.strategy.acquisition_function
    scores = np.zeros(len(states), np.float32)
    if request.strategy.selection_rule is SelectionRule.CLASS_AWARE and (
        request.predicted is not None
    ):
        scores[rows] = graph_scores(function, situation)
        picked = first_clips(
            SelectionRule.CLASS_AWARE,
            scores=scores,
            predicted=request.predicted[: len(states)],
            is_open=request.is_open,
            class_count=request.class_count,
            count=request.wanted,
        )
    else:
        picks = graph_picks(function, situation, request.wanted)
        picked = rows[picks.places]
        scores[picked] = picks.gains
        others = request.is_open.copy()
        others[on_graph] = False
        picked = np.r_[picked, np.flatnonzero(others)[: request.wanted - len(picked)]]
    scores = scores[picked]
    gains = scores / np.float32(unknown(function, situation))
    gains[~np.isin(picked, rows)] = np.inf
    reasons = reasons_of(picked, gains, request.vectors, states)
    return GraphBatch(picked, scores, reasons)


def _uncertainties(margins: Float32Array | None, rows: IntArray) -> Float32Array:
    if margins is None:
        return np.ones(len(rows), np.float32)
    return np.clip(1 + margins[rows], 0, 1)
