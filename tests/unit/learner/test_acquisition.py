"""Every formula against values worked by hand."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.reference import Float64Array, scores_of, softmax, softmax_row

from aloe.learner.domain.acquisition import (
    FORMULAS,
    entropy,
    largest_margin,
    least_confidence,
    norm,
    random_scores,
    smallest_margin,
)
from aloe.values.strategies import AcquisitionFunction

THREE_CLASSES = np.array(
    [
        [0.5, 0.3, 0.2],
        [0.1, 0.8, 0.1],
        [0.0, 0.0, 1.0],
        [0.25, 0.5, 0.25],
    ],
    dtype=np.float32,
)
TWO_CLASSES = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]], dtype=np.float32)


def score(formula, probabilities):
    """Apply a formula to rows of probabilities."""
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(np.asarray(probabilities, dtype=np.float64)), -700.0)
    return [formula(softmax_row(row)) for row in logits]


def plain_smallest_margin(p: Float64Array) -> Float64Array:
    in_order = np.sort(p, axis=1)
    scores: Float64Array = in_order[:, -2] - in_order[:, -1]
    return scores


def plain_largest_margin(p: Float64Array) -> Float64Array:
    scores: Float64Array = 1 - (p.max(axis=1) - p.min(axis=1))
    return scores


def plain_least_confidence(p: Float64Array) -> Float64Array:
    scores: Float64Array = 1 - p.max(axis=1)
    return scores


def plain_entropy(p: Float64Array) -> Float64Array:
    scores: Float64Array = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1)
    return scores


def plain_norm(p: Float64Array) -> Float64Array:
    nearest = np.eye(p.shape[1])[p.argmax(axis=1)]
    scores: Float64Array = np.sqrt(np.square(p - nearest).sum(axis=1))
    return scores


PLAIN: dict[AcquisitionFunction, Callable[[Float64Array], Float64Array]] = {
    AcquisitionFunction.SMALLEST_MARGIN: plain_smallest_margin,
    AcquisitionFunction.LARGEST_MARGIN: plain_largest_margin,
    AcquisitionFunction.LEAST_CONFIDENCE: plain_least_confidence,
    AcquisitionFunction.ENTROPY: plain_entropy,
    AcquisitionFunction.NORM: plain_norm,
}
"""Each function by its definition, of (n_clips, n_classes) probabilities."""

LOGITS = st.lists(
    st.lists(st.floats(-30, 30, width=32), min_size=4, max_size=4), min_size=1, max_size=6
).map(np.array)


@pytest.mark.parametrize("function", [each for each in FORMULAS if each.name != "MARGIN_LOGITS"])
@given(logits=LOGITS)
def test_every_formula_is_its_plain_definition(function, logits):
    assert_allclose(scores_of(function, logits), PLAIN[function](softmax(logits)), atol=1e-12)


@given(logits=LOGITS)
def test_the_margin_of_logits_is_the_plain_definition_on_logits(logits):
    expected = plain_smallest_margin(logits)
    assert_allclose(scores_of(AcquisitionFunction.MARGIN_LOGITS, logits), expected, atol=1e-12)


def test_smallest_margin_is_minus_the_lead_of_the_best_class():
    # By hand: -(0.5-0.3), -(0.8-0.1), -(1-0), -(0.5-0.25)
    assert_allclose(score(smallest_margin, THREE_CLASSES), [-0.2, -0.7, -1.0, -0.25], atol=1e-7)
    # By hand: -(0.75-0.25), -(0.5-0.5), -(1-0)
    assert_allclose(score(smallest_margin, TWO_CLASSES), [-0.5, 0.0, -1.0], atol=1e-7)


def test_largest_margin_is_one_less_the_lead_over_the_worst_class():
    # By hand: 1-(0.5-0.2), 1-(0.8-0.1), 1-(1-0), 1-(0.5-0.25)
    assert_allclose(score(largest_margin, THREE_CLASSES), [0.7, 0.3, 0.0, 0.75], atol=1e-7)
    # with two classes the worst is the second best: 1 + the smallest margin
    assert_allclose(score(largest_margin, TWO_CLASSES), [0.5, 1.0, 0.0], atol=1e-7)


def test_least_confidence_is_what_the_best_class_lacks():
    assert_allclose(score(least_confidence, THREE_CLASSES), [0.5, 0.2, 0.0, 0.5], atol=1e-7)
    assert_allclose(score(least_confidence, TWO_CLASSES), [0.25, 0.5, 0.0], atol=1e-7)


def test_entropy_is_in_nats_and_a_zero_probability_adds_nothing():
    # 0.5 ln 2 + 0.3 ln(10/3) + 0.2 ln 5       = 0.346574 + 0.361192 + 0.321888
    # 0.8 ln 1.25 + 2 * 0.1 ln 10              = 0.178515 + 0.460517
    # 1 ln 1 + 2 * 0                           = 0
    # 0.5 ln 2 + 2 * 0.25 ln 4 = 1.5 ln 2      = 1.039721
    expected = [1.029653, 0.639032, 0.0, 1.039721]
    assert_allclose(score(entropy, THREE_CLASSES), expected, atol=1e-6)
    # 0.75 ln(4/3) + 0.25 ln 4 = 0.215762 + 0.346574; ln 2; 0
    assert_allclose(score(entropy, TWO_CLASSES), [0.562335, 0.693147, 0.0], atol=1e-6)


def test_norm_is_the_distance_from_the_vertex_of_the_best_class():
    # sqrt(0.5^2+0.3^2+0.2^2) = sqrt(0.38); sqrt(0.1^2+0.2^2+0.1^2) = sqrt(0.06); 0;
    # sqrt(0.25^2+0.5^2+0.25^2) = sqrt(0.375)
    expected = [0.616441, 0.244949, 0.0, 0.612372]
    assert_allclose(score(norm, THREE_CLASSES), expected, atol=1e-6)
    # two classes: sqrt(2) times what the best one lacks
    assert_allclose(score(norm, TWO_CLASSES), [0.353553, 0.707107, 0.0], atol=1e-6)


def test_ties_between_classes_give_the_same_score_whichever_class_comes_first():
    tied = np.array([[0.4, 0.4, 0.2], [0.4, 0.2, 0.4], [0.2, 0.4, 0.4]], dtype=np.float32)
    # margin 0; 1-(0.4-0.2); 1-0.4; 0.8 ln 2.5 + 0.2 ln 5; sqrt(0.6^2+0.4^2+0.2^2)
    assert_allclose(score(smallest_margin, tied), [0.0] * 3, atol=1e-7)
    assert_allclose(score(largest_margin, tied), [0.8] * 3, atol=1e-6)
    assert_allclose(score(least_confidence, tied), [0.6] * 3, atol=1e-6)
    assert_allclose(score(entropy, tied), [1.054920] * 3, atol=1e-6)
    assert_allclose(score(norm, tied), [0.748331] * 3, atol=1e-6)


@pytest.mark.parametrize(
    "function", [smallest_margin, largest_margin, least_confidence, entropy, norm]
)
def test_the_undecided_clip_is_asked_before_the_certain_one(function):
    certain, undecided = score(function, [[0.98, 0.01, 0.01], [0.34, 0.33, 0.33]])
    assert undecided > certain


def test_random_scores_of_a_grown_pool_begin_with_those_it_had():
    few, many = random_scores(7, 3, 10), random_scores(7, 3, 1_000)
    assert_array_equal(few, many[:10])
    assert many.dtype == np.float32
    assert ((many >= 0) & (many < 1)).all()


def test_random_scores_differ_by_seed_and_by_head_version():
    draws = [
        tuple(random_scores(seed, version, 8)) for seed in (0, 1, 2**40) for version in (0, 1, 2)
    ]
    assert len(set(draws)) == len(draws)


@given(logits=LOGITS)
def test_scores_stay_within_the_bounds_of_their_formulas(logits):
    class_count = 4
    probabilities = softmax(logits)
    bounds = {
        smallest_margin: (-1, 0),
        largest_margin: (0, 1),
        least_confidence: (0, 1 - 1 / class_count),
        entropy: (0, np.log(class_count)),
        norm: (0, np.sqrt(1 - 1 / class_count)),
    }
    for function, (low, high) in bounds.items():
        scores = np.array(score(function, probabilities))
        assert (scores >= low - 1e-9).all(), function
        assert (scores <= high + 1e-9).all(), function
