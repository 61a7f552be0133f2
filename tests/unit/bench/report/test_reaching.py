"""The head from which on a curve has an accuracy, whatever single heads do."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.bench.report.reaching import smoothed, wait_of


def count(*accuracies: float, accuracy: float = 0.9) -> float:
    labels = [10.0 * (place + 1) for place in range(len(accuracies))]
    return wait_of(np.array([labels, accuracies]), accuracy).count


def test_curve_that_rises_is_reached_at_its_first_head_there():
    assert count(0.1, 0.5, 0.9, 0.95, 0.97) == 30


def test_one_lucky_head_reaches_nothing():
    assert count(0.1, 0.95, 0.2, 0.3, 0.4, 0.9, 0.9, 0.9) == 60


def test_two_lucky_heads_are_averaged_with_those_that_do_not_confirm_them():
    assert count(0.1, 0.95, 0.95, 0.2, 0.3, 0.4, 0.9, 0.9, 0.9) == 70


def test_one_unlucky_head_undoes_nothing():
    assert count(0.5, 0.9, 0.9, 0.9, 0.2, 0.9, 0.9, 0.9) == 20


def test_last_head_alone_reaches_nothing_and_two_do():
    assert count(0.1, 0.2, 0.3, 0.95) == inf
    assert count(0.1, 0.2, 0.95, 0.95) == 30


def test_curve_that_falls_for_good_is_not_at_its_height():
    assert count(0.9, 0.9, 0.9, 0.1, 0.1, 0.1) == inf
    assert count(0.9, 0.9, 0.9, 0.1, 0.1, 0.1, accuracy=0.5) == 10


def test_wait_that_is_censored_knows_where_the_run_ended():
    assert wait_of(np.array([[10.0, 25.0], [0.1, 0.2]]), 0.9).end == 25


def test_single_head_is_as_good_as_it_is():
    assert count(0.9) == 10
    assert count(0.8) == inf


@pytest.mark.parametrize("accuracy", [0.1, 0.3, 0.7, 0.9 * 0.77])
def test_equal_accuracies_reach_themselves_whatever_is_rounded(accuracy):
    assert count(*[accuracy] * 7, accuracy=accuracy) == 10


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_smoothed_curve_never_falls_and_stays_within_the_accuracies(accuracies):
    found = smoothed(np.array(accuracies))
    assert len(found) == len(accuracies)
    assert (np.diff(found) >= 0).all()
    assert min(accuracies) - 1e-9 <= found.min()
    assert found.max() <= max(accuracies) + 1e-9
