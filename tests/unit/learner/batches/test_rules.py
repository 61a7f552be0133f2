"""What holds of every rule, in whatever situation."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from tests.unit.learner.batches.scenes import random_situation

from aloe.learner.domain.batches.rules import FROM_REFERENCES, RULES, rule_before_head
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.kernels import covering, distances, gradients
from aloe.learner.domain.warming import warm_up
from aloe.values.strategies import SelectionRule

BY_SCORE = {SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC}
EVERY_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.value)
SEEDS = st.integers(0, 2**32 - 1)


def pick(rule: SelectionRule, situation: Situation) -> Picks:
    """Pick, and check what holds of any answer."""
    picks = RULES[rule](situation)
    assert picks.places.dtype == np.int64
    assert picks.gains.dtype == np.float32
    assert len(picks.places) == len(picks.gains) == situation.pick_count
    assert len(set(picks.places.tolist())) == len(picks.places)
    assert set(picks.places.tolist()) <= set(range(len(situation.candidates)))
    assert not np.isnan(picks.gains).any()
    return picks


def same(situation: Situation, **changed: Any) -> Situation:
    """Make the situation of the same clips in other arrays."""
    arrays = {
        each.name: getattr(situation, each.name).copy()
        for each in fields(situation)
        if isinstance(getattr(situation, each.name), np.ndarray)
    }
    return replace(situation, **(arrays | changed))


def test_every_rule_that_is_not_by_score_alone_has_its_function():
    assert RULES.keys() == set(SelectionRule) - BY_SCORE
    assert RULES.keys() > FROM_REFERENCES


@pytest.mark.slow
def test_no_rule_waits_for_the_compiler_once_the_learner_is_warm():
    kernels = [
        each
        for module in (covering, distances, gradients)
        for each in vars(module).values()
        if hasattr(each, "signatures")
    ]
    warm_up()
    compiled = [list(each.signatures) for each in kernels]
    for rule in RULES:
        for seed in range(3):
            pick(rule, random_situation(seed))
    assert [list(each.signatures) for each in kernels] == compiled
    assert any(compiled)


def test_until_there_is_a_head_rules_that_live_by_it_leave_the_picks_to_herding():
    of_heads = {SelectionRule.BADGE, SelectionRule.BAIT, SelectionRule.CLUSTERED_MARGIN}
    for rule in RULES:
        expected = SelectionRule.HERDING if rule in of_heads else rule
        assert rule_before_head(rule) is expected


@EVERY_RULE
@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, count=st.integers(0, 45))
def test_the_first_k_of_a_longer_batch_are_the_batch_of_k(rule, seed, count):
    longer = pick(rule, random_situation(seed, count=45))
    batch = pick(rule, random_situation(seed, count=count))
    assert_array_equal(batch.places, longer.places[:count])
    assert_array_equal(batch.gains, longer.gains[:count])


@EVERY_RULE
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_no_clip_is_picked_twice_and_no_array_changed(rule, seed):
    situation = random_situation(seed)
    before = same(situation)
    pick(rule, situation)
    for each in fields(situation):
        assert_array_equal(getattr(situation, each.name), getattr(before, each.name))


@EVERY_RULE
def test_clips_that_are_all_equal_are_picked_in_their_order(rule):
    def equal(array):
        return np.repeat(array[:1], len(array), axis=0)

    given_arrays = random_situation(5, count=50)
    situation = same(
        given_arrays,
        candidates=equal(given_arrays.candidates),
        probabilities=equal(given_arrays.probabilities),
        scores=equal(given_arrays.scores),
        references=np.repeat(given_arrays.candidates[:1], len(given_arrays.references), axis=0),
    )
    for covered_count in (0, len(situation.covered)):
        some = same(
            situation,
            covered=situation.covered[:covered_count],
            covered_labels=np.zeros(covered_count, np.int64),
            covered_probabilities=situation.covered_probabilities[:covered_count],
        )
        places = pick(rule, some).places.tolist()
        assert places == list(range(len(some.candidates)))


def nothing(situation: Situation, *names: str) -> Situation:
    """Take the clips of some kinds away."""
    of = {
        "candidates": ("candidates", "probabilities", "scores"),
        "covered": ("covered", "covered_labels", "covered_probabilities"),
        "references": ("references", "reference_probabilities"),
    }
    fields = [field for name in names for field in of[name]]
    return replace(situation, **{field: getattr(situation, field)[:0] for field in fields})


@EVERY_RULE
@pytest.mark.parametrize("missing", ["candidates", "covered", "references"])
def test_any_kind_of_clip_may_be_missing(rule, missing):
    situation = random_situation(11, count=7)
    pick(rule, nothing(situation, missing))
    pick(rule, nothing(situation, missing, "covered"))


@EVERY_RULE
@pytest.mark.parametrize("class_count", [1, 2])
def test_one_clip_is_a_batch_before_and_after_the_first_head(rule, class_count):
    clip, none = np.ones((1, 3), np.float32), np.empty((0, 3), np.float32)
    situation = Situation.without_head(
        clip, clip, none, np.empty(0, np.int64), class_count=class_count, seed=0, count=5
    )
    assert pick(rule, situation).places.tolist() == [0]
    labeled = Situation.without_head(
        clip, clip, 2 * clip, np.array([0]), class_count=class_count, seed=0, count=5
    )
    assert pick(rule, labeled).places.tolist() == [0]


@EVERY_RULE
@pytest.mark.parametrize("size", [0, 1e-30, 1e-9, 1e9])
def test_vectors_of_any_size_give_numbers(rule, size):
    for seed in range(5):
        situation = random_situation(seed, count=50)
        pick(rule, same(situation, candidates=situation.candidates * np.float32(size)))
        pick(rule, same(situation, references=situation.references * np.float32(size)))
        pick(rule, same(situation, covered=situation.covered * np.float32(size)))


@EVERY_RULE
def test_a_head_that_is_certain_of_all_leaves_picks(rule):
    situation = random_situation(2, count=50)

    def certain(probabilities):
        return np.eye(probabilities.shape[1], dtype=np.float32)[probabilities.argmax(axis=1)]

    pick(
        rule,
        same(
            situation,
            probabilities=certain(situation.probabilities),
            reference_probabilities=certain(situation.reference_probabilities),
            covered_probabilities=certain(situation.covered_probabilities),
        ),
    )


@EVERY_RULE
def test_what_is_picked_does_not_depend_on_how_arrays_lie_in_memory(rule):
    situation = random_situation(8, count=20)
    otherwise = same(
        situation,
        candidates=np.asfortranarray(situation.candidates),
        references=np.repeat(situation.references, 2, axis=0)[::2],
    )
    assert_array_equal(pick(rule, situation).places, pick(rule, otherwise).places)
