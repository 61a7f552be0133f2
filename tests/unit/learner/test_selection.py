"""Which clips are asked in which order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.learner.reference import order_of

from aloe.learner.domain.selection import first_clips, first_open
from aloe.values.strategies import SelectionRule

AWARE, AGNOSTIC = SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC


def order(rule: SelectionRule, rows, scores, predicted, count: int = 1_000):
    """Order the clips in `rows` of a pool that holds others, too, which nobody may ask for."""
    clip_count = max(rows, default=0) + 2
    all_scores = np.full(clip_count, 9.0, dtype=np.float32)
    all_predicted = np.zeros(clip_count, dtype=np.int16)
    is_open = np.zeros(clip_count, dtype=np.bool_)
    places = list(rows)
    all_scores[places], all_predicted[places], is_open[places] = scores, predicted, True
    found = first_clips(
        rule,
        scores=all_scores,
        predicted=all_predicted,
        is_open=is_open,
        class_count=9,
        count=count,
    )
    assert found.dtype == np.int64
    return found.tolist()


def test_class_agnostic_goes_by_score_alone():
    assert order(AGNOSTIC, [3, 5, 7, 9], [0.1, 0.9, 0.8, 0.7], [0, 1, 1, 1]) == [5, 7, 9, 3]


def test_class_aware_takes_the_best_of_each_predicted_class_in_turn():
    # Class 1 has rows 5, 7, 9 by score, class 0 rows 3, 4.
    # First turn: 5 (0.9), 3 (0.2); second: 7 (0.8), 4 (0.1); third: 9 (0.7).
    ranked = order(AWARE, [3, 4, 5, 7, 9], [0.2, 0.1, 0.9, 0.8, 0.7], [0, 0, 1, 1, 1])
    assert ranked == [5, 3, 7, 4, 9]


def test_within_a_turn_the_higher_score_comes_first():
    assert order(AWARE, [0, 1, 2], [0.1, 0.3, 0.2], [0, 1, 2]) == [1, 2, 0]


@pytest.mark.parametrize("rule", [AWARE, AGNOSTIC])
def test_equal_scores_go_by_clip_order(rule):
    assert order(rule, [2, 4, 6, 8], [0.5] * 4, [1] * 4) == [2, 4, 6, 8]


def test_equal_scores_of_different_classes_go_by_clip_order_within_the_turn():
    # Turns: {2 (class 1), 4 (class 0)}, {6 (class 1), 8 (class 0)}.
    assert order(AWARE, [2, 4, 6, 8], [0.5] * 4, [1, 0, 1, 0]) == [2, 4, 6, 8]
    # Class 1 has 2, 4, 8; class 0 has 6: the first turn is 2 and 6.
    assert order(AWARE, [2, 4, 6, 8], [0.5] * 4, [1, 1, 0, 1]) == [2, 6, 4, 8]


def test_a_class_that_nobody_is_predicted_to_be_gets_no_clip_and_leaves_no_gap():
    assert order(AWARE, [0, 1, 2], [0.1, 0.2, 0.3], [7, 2, 7]) == [2, 1, 0]


@pytest.mark.parametrize("rule", [AWARE, AGNOSTIC])
def test_no_clips_give_an_empty_order(rule):
    assert order(rule, [], [], []) == []


@pytest.mark.parametrize("rule", [AWARE, AGNOSTIC])
def test_one_clip_is_an_order(rule):
    assert order(rule, [41], [-1.0], [3]) == [41]


# Few different scores and classes, so that ties are common.
CLIPS = st.lists(
    st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5]), st.integers(0, 3)), max_size=24
)


@given(CLIPS, st.sampled_from([AWARE, AGNOSTIC]), st.integers(0, 100), st.integers(1, 30))
def test_the_first_clips_are_those_of_the_order_that_the_rule_words_give(
    clips, rule, first_row, count
):
    rows = list(range(first_row, first_row + 3 * len(clips), 3))
    scores = [score for score, _ in clips]
    predicted = [class_index for _, class_index in clips]
    expected = order_of(rule, list(zip(rows, scores, predicted, strict=True)))
    assert order(rule, rows, scores, predicted) == expected
    assert order(rule, rows, scores, predicted, count) == expected[:count]


@given(CLIPS, st.integers(1, 24))
def test_the_first_k_hold_no_class_twice_before_each_has_come_once(clips, count):
    predicted = [class_index for _, class_index in clips]
    ranked = order(AWARE, range(len(clips)), [score for score, _ in clips], predicted)
    first = [predicted[row] for row in ranked[: min(count, len(set(predicted)))]]
    assert len(set(first)) == len(first)


@given(st.integers(0, 5_000), st.integers(0, 3_000), st.integers(0, 2**32 - 1))
def test_the_first_open_clips_of_an_order_are_those_left_when_the_others_are_crossed_out(
    clip_count, count, seed
):
    rng = np.random.default_rng(seed)
    order, is_open = rng.permutation(clip_count), rng.random(clip_count) < rng.random()
    found = first_open(order, is_open, count)
    assert found.tolist() == [row for row in order.tolist() if is_open[row]][:count]
