"""Which predictions are accepted: by hand."""

import math

import numpy as np
import pytest

from aloe.learner.domain.accepting import accept
from aloe.learner.domain.estimating import AccuracyEstimate

# A prediction of probability p1 is right with probability p1.
HONEST = AccuracyEstimate(0.9, 0.8, 1.0, 50, 0, intercept=0.0, slope=1.0)
NAN = float("nan")


def of(*confidences: float) -> np.ndarray:
    return np.array([(each, 1 - each) for each in confidences], np.float32)


@pytest.mark.parametrize(
    ("max_error", "accepted", "error"),
    [
        # Errors .01, .03, .2: means .01, .02, .08.
        (0.005, [False, False, False], None),
        (0.01001, [False, True, False], 0.01),
        (0.021, [True, True, False], 0.02),
        (0.079, [True, True, False], 0.02),
        (0.081, [True, True, True], 0.08),
        (1, [True, True, True], 0.08),
    ],
)
def test_the_surest_are_accepted_while_their_mean_error_is_small(max_error, accepted, error):
    found = accept(of(0.97, 0.99, 0.8), HONEST, max_error)
    assert found.accepted.tolist() == accepted
    assert found.expected_error == (None if error is None else pytest.approx(error, abs=1e-6))


def test_equal_ones_are_accepted_together_or_not_at_all():
    found = accept(of(0.99, 0.9, 0.9, 0.9, 0.9), HONEST, 0.08)
    assert found.accepted.tolist() == [True, False, False, False, False]


def test_what_failed_is_never_accepted():
    found = accept(of(0.99, NAN), HONEST, 1)
    assert found.accepted.tolist() == [True, False]
    assert accept(of(NAN), HONEST, 1).expected_error is None


def test_confidence_counts_by_what_it_is_worth():
    # Twice the odds of being right: p1 = .8 is right with 8 / 9.
    found = accept(of(0.8), AccuracyEstimate(0.9, 0.8, 1, 50, 0, math.log(2), 1.0), 0.2)
    assert found.expected_error == pytest.approx(1 / 9)


def test_where_confidence_tells_nothing_all_are_alike():
    flat = AccuracyEstimate(0.9, 0.8, 1, 50, 0, intercept=math.log(9), slope=0.0)
    assert accept(of(0.99, 0.51), flat, 0.0999).accepted.tolist() == [False, False]
    assert accept(of(0.99, 0.51), flat, 0.1001).accepted.tolist() == [True, True]
