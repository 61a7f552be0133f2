"""Batches on a pool's graph: who may be picked, in which order, and why."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from aloe.learner.cache.graphs import PoolGraph
from aloe.learner.domain.graphs.acquisition import GraphSituation, graph_picks, unknown
from aloe.learner.usecases.graph_asking import GraphRequest, pick_on_graph
from aloe.values.states import ClipState
from aloe.values.strategies import (
    GRAPH_FUNCTIONS,
    GRAPH_RULES,
    AcquisitionFunction,
    QueryStrategy,
    SelectionRule,
)

COUNT, ON_GRAPH = 60, np.delete(np.arange(56), 50)
"""The last four came after the graph, and the row 50 was retired before."""
VECTORS = np.random.default_rng(1).normal(size=(COUNT, 4)).astype(np.float32)
GRAPH = PoolGraph.of(ON_GRAPH, VECTORS)
LABELED, LEASED, OTHERS = [0, 1, 2, 57], [3, 4], [5, 6]
STATES = np.full(COUNT, ClipState.UNLABELED, np.int8)
STATES[LABELED], STATES[LEASED], STATES[OTHERS] = (
    ClipState.LABELED,
    ClipState.LEASED,
    ClipState.TEST,
)
STATES[[7, 50]] = ClipState.RETIRED
OPEN = np.flatnonzero(STATES == ClipState.UNLABELED)
FUNCTIONS = [each for each in AcquisitionFunction if each in GRAPH_FUNCTIONS]
RULES = [each for each in SelectionRule if each in GRAPH_RULES]
ASKABLE = np.intersect1d(OPEN, ON_GRAPH)


def request(
    function: AcquisitionFunction = AcquisitionFunction.MCV_OPT,
    rule: SelectionRule = SelectionRule.CLASS_AGNOSTIC,
    wanted: int = COUNT,
    *,
    has_head: bool = True,
) -> GraphRequest:
    generator = np.random.default_rng(2)
    found = GraphRequest(
        strategy=QueryStrategy(function, rule),
        class_count=3,
        graph=GRAPH,
        vectors=VECTORS,
        states=STATES,
        is_open=STATES == ClipState.UNLABELED,
        wanted=wanted,
    )
    if not has_head:
        return found
    # More than the clips: a head scores those that came since, too.
    margins = -generator.random(COUNT + 3, np.float32)
    predicted = generator.integers(3, size=COUNT + 3).astype(np.int16)
    return replace(found, margins=margins, predicted=predicted)


@pytest.mark.parametrize("has_head", [True, False])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_open_clip_is_picked_once_and_those_off_the_graph_last(function, rule, has_head):
    batch = pick_on_graph(request(function, rule, has_head=has_head))
    assert_array_equal(np.sort(batch.rows), OPEN)
    assert len(batch.scores) == len(batch.reasons) == len(OPEN)
    off_graph = [56, 58, 59]
    if rule is SelectionRule.CLASS_AGNOSTIC or not has_head:
        assert batch.rows[-3:].tolist() == off_graph
    for row, score, reason in zip(batch.rows.tolist(), batch.scores, batch.reasons, strict=True):
        assert (reason.gain is None) == (row in off_graph)
        assert score >= 0
        assert reason.nearest_row in LABELED


def test_the_batch_is_that_of_the_graph_given_what_is_labeled_and_leased():
    asked = request(wanted=7)
    assert asked.margins is not None
    covered = np.searchsorted(ON_GRAPH, [0, 1, 2, 3, 4])
    candidates = np.searchsorted(ON_GRAPH, ASKABLE)
    situation = GraphSituation(GRAPH.spectrum, covered, candidates, 1 + asked.margins[ASKABLE])
    expected = graph_picks(AcquisitionFunction.MCV_OPT, situation, 7)
    batch = pick_on_graph(asked)
    assert_array_equal(batch.rows, ASKABLE[expected.places])
    assert_array_equal(batch.scores, expected.gains)
    shares = expected.gains / unknown(AcquisitionFunction.MCV_OPT, situation)
    gains = np.array([each.gain for each in batch.reasons], np.float64)
    assert_allclose(gains, shares, rtol=1e-6)


def test_without_a_head_every_clip_is_as_unsure_as_another():
    by_itself = pick_on_graph(request(AcquisitionFunction.V_OPT, wanted=9, has_head=False))
    times_unsure = pick_on_graph(request(AcquisitionFunction.MCV_OPT, wanted=9, has_head=False))
    assert_array_equal(by_itself.rows, times_unsure.rows)


def test_by_class_the_best_clip_of_each_predicted_class_comes_in_turn():
    asked = request(rule=SelectionRule.CLASS_AWARE, wanted=6)
    assert asked.predicted is not None
    batch = pick_on_graph(asked)
    classes = asked.predicted[batch.rows]
    assert sorted(classes[:3]) == sorted(classes[3:]) == [0, 1, 2]
    everything = pick_on_graph(replace(asked, wanted=COUNT))
    by_row = dict(zip(everything.rows.tolist(), everything.scores.tolist(), strict=True))
    for each in range(3):
        of_class = [row for row in by_row if asked.predicted[row] == each]
        assert batch.rows[:3][classes[:3] == each] == max(of_class, key=lambda row: by_row[row])


@pytest.mark.parametrize("wanted", [0, 1, 5])
@pytest.mark.parametrize("rule", RULES)
def test_fewer_are_the_first_of_more(rule, wanted):
    longest = pick_on_graph(request(rule=rule))
    few = pick_on_graph(request(rule=rule, wanted=wanted))
    assert_array_equal(few.rows, longest.rows[:wanted])
    assert few.reasons == longest.reasons[:wanted]


def test_only_what_may_be_asked_is_picked_and_all_that_is_answered_counts():
    few = np.zeros(COUNT, np.bool_)
    few[[10, 20, 58]] = True
    asked = request()
    some = pick_on_graph(replace(asked, is_open=few))
    assert sorted(some.rows.tolist()) == [10, 20, 58]
    everything = pick_on_graph(replace(asked, wanted=1))
    best = int(everything.rows[0])
    few[best] = True
    again = pick_on_graph(replace(asked, is_open=few, wanted=1))
    assert (again.rows.tolist(), again.reasons) == ([best], everything.reasons)
