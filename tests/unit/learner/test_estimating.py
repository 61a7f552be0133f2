"""Estimates of accuracy: by hand, and against the truth where that is known."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from aloe.learner.domain.estimating import (
    LEAST_LABELS,
    AccuracyEstimate,
    _regression,
    chances_of,
    estimate_accuracy,
)
from aloe.learner.domain.holding_out import HeldOut


def sigmoid(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.asarray(values, np.float64))))


def uncertainties_of(logits: ArrayLike) -> NDArray[np.float32]:
    return (1 - sigmoid(logits)).astype(np.float32)


def held_out(logits, is_right, is_audit=None) -> HeldOut:
    logits, is_right = np.asarray(logits, np.float64), np.asarray(is_right, np.bool_)
    audits = np.zeros(len(logits), np.bool_) if is_audit is None else np.asarray(is_audit, np.bool_)
    return HeldOut(logits, is_right, audits)


def estimated(
    labels: HeldOut, pool: NDArray[np.float32], unanswered_count: int = 10**9
) -> AccuracyEstimate | None:
    """Estimate for a pool that is so large that its labels are nothing, unless it is told."""
    return estimate_accuracy(
        labels, pool, label_count=len(labels.logits), unanswered_count=unanswered_count
    )


def drawn(seed: int, count: int, *, intercept: float, slope: float, hard: float = 0.0):
    """Draw held-out labels and an unanswered pool whose predictions are right by one rule."""
    generator = np.random.default_rng(seed)
    logits = generator.gamma(2, 1.2, count) * (1 - hard)
    pool = generator.gamma(2, 1.2, 3_000)
    is_right = generator.random(count) < sigmoid(intercept + slope * logits)
    truth = float(sigmoid(intercept + slope * pool).mean())
    return held_out(logits, is_right), uncertainties_of(pool), truth


def test_a_regression_of_two_values_by_hand():
    # 800 and 400 of 1,000 are right; Platt's targets are 1,201 / 1,202 and 1 / 802.
    logits = [2.0] * 1_000 + [0.0] * 1_000
    is_right = [True] * 800 + [False] * 200 + [True] * 400 + [False] * 600
    targets = np.where(is_right, 1_201 / 1_202, 1 / 802)
    means = [targets[:1_000].mean(), targets[1_000:].mean()]
    intercept, slope, covariance = _regression(np.array(logits), np.array(is_right))
    assert sigmoid(intercept) == pytest.approx(means[1], abs=0.01)
    assert sigmoid(intercept + 2 * slope) == pytest.approx(means[0], abs=0.01)
    assert covariance[0, 0] == pytest.approx(1 / (1_000 * means[1] * (1 - means[1])), rel=0.05)


@pytest.mark.parametrize("right", [True, False])
def test_labels_that_are_all_right_or_all_wrong_give_a_finite_estimate(right):
    found = estimated(held_out(np.linspace(0, 3, 30), [right] * 30), uncertainties_of([1.0]))
    assert found is not None
    assert np.isfinite([found.intercept, found.slope]).all()
    assert (found.value > 0.9) is right
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("logit", [-13.8, 0.0, 13.8])
def test_confidence_that_is_always_the_same_gives_a_finite_estimate(logit):
    labels = held_out(np.full(40, logit), np.arange(40) < 30)
    found = estimated(labels, uncertainties_of(np.full(100, logit)))
    assert found is not None
    assert found.value == pytest.approx(0.75, abs=0.03)
    assert found.low < found.value - 0.05
    assert found.high > found.value + 0.05


def test_too_few_labels_and_no_clips_have_no_estimate():
    few = held_out(np.ones(LEAST_LABELS - 1), np.ones(LEAST_LABELS - 1))
    assert estimated(few, uncertainties_of([1.0])) is None
    enough = held_out(np.ones(LEAST_LABELS), np.ones(LEAST_LABELS))
    assert estimated(enough, np.empty(0, np.float32)) is None


@pytest.mark.parametrize("hard", [0.0, 0.6])
def test_the_estimate_is_right_on_average_also_where_the_labels_are_the_hard_clips(hard):
    errors = []
    for seed in range(40):
        labels, pool, truth = drawn(seed, 400, intercept=0.2, slope=0.8, hard=hard)
        found = estimated(labels, pool)
        assert found is not None
        errors.append((found.value - truth, labels.is_right.mean() - truth))
    off, plain = np.mean(errors, axis=0)
    assert abs(off) < 0.02
    if hard:
        assert plain < -0.05


def test_the_interval_narrows_with_the_labels():
    widths = []
    for count in (30, 100, 400):
        of_this_count = []
        for seed in range(20):
            labels, pool, _ = drawn(seed, count, intercept=0.2, slope=0.8)
            found = estimated(labels, pool)
            assert found is not None
            assert found.label_count == count
            of_this_count.append(found.high - found.low)
        widths.append(np.mean(of_this_count))
    assert widths == sorted(widths, reverse=True)


def test_audits_correct_what_the_others_get_wrong():
    generator = np.random.default_rng(3)
    logits = generator.gamma(2, 1.2, 600)
    # The hard clips that were asked for are wrong more often than their confidence says elsewhere.
    is_audit = np.arange(600) < 200
    chances = np.where(is_audit, sigmoid(1 + logits), sigmoid(logits - 1))
    labels = held_out(logits, generator.random(600) < chances, is_audit)
    pool = generator.gamma(2, 1.2, 3_000)
    truth = float(sigmoid(1 + pool).mean())
    with_audits = estimated(labels, uncertainties_of(pool))
    without = estimated(held_out(labels.logits, labels.is_right), uncertainties_of(pool))
    assert with_audits is not None
    assert without is not None
    assert with_audits.audit_label_count == 200
    assert abs(with_audits.value - truth) < 0.5 * abs(without.value - truth)
    assert with_audits.high - with_audits.low < without.high - without.low
    # What predictions are worth by themselves is not raised.
    assert with_audits.intercept == without.intercept


def test_one_audit_says_little():
    labels, pool, _ = drawn(1, 100, intercept=0.2, slope=0.8)
    before = estimated(labels, pool)
    is_audit = np.arange(100) == int(np.flatnonzero(~labels.is_right)[0])
    after = estimated(HeldOut(labels.logits, labels.is_right, is_audit), pool)
    assert before is not None
    assert after is not None
    assert before.value - 0.1 < after.value < before.value
    # It was wrong: predictions are worth less by themselves, too.
    assert chances_of(before, pool).mean() == pytest.approx(before.value, abs=1e-6)
    assert chances_of(after, pool).mean() == pytest.approx(after.value, abs=1e-4)


def test_labels_stand_for_themselves():
    labels = held_out(np.full(40, 1.0), np.arange(40) < 10)
    pool = uncertainties_of(np.full(60, 9.0))
    whole, half = estimated(labels, pool), estimated(labels, pool, 40)
    assert whole is not None
    assert half is not None
    assert half.value == pytest.approx((0.25 + whole.value) / 2)
    assert (half.intercept, half.slope) == (whole.intercept, whole.slope)


def test_audits_do_not_count_double_where_few_labels_are_held_out():
    # 20 audits and 380 of 3,980 others were held out; 20 and 190 were right.
    is_right = np.r_[np.ones(20), np.arange(380) % 2]
    labels = held_out(np.full(400, 1.0), is_right, np.arange(400) < 20)
    found = estimate_accuracy(
        labels, uncertainties_of([1.0]), label_count=4_000, unanswered_count=0
    )
    assert found is not None
    assert found.value == pytest.approx((20 + 3_980 * 0.5) / 4_000)


def test_the_same_labels_give_the_same_bits():
    labels, pool, _ = drawn(1, 100, intercept=0.2, slope=0.8)
    assert estimated(labels, pool) == estimated(labels, pool)
