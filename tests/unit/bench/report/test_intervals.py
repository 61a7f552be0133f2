from math import nan

import numpy as np
import pytest

from aloe.bench.report.intervals import (
    Estimate,
    mean_band,
    mean_estimate,
    resampling_weights,
)


@pytest.mark.parametrize("run_count", [2, 3, 4, 5, 6, 10])
def test_interval_of_a_mean_covers_it_as_often_as_it_says(run_count):
    experiments = np.random.default_rng(1).normal(size=(run_count, 4000))
    low, high = mean_band(experiments)
    assert 0.935 <= np.mean((low <= 0) & (high >= 0)) <= 0.965


@pytest.mark.parametrize("run_count", [2, 3, 5, 10])
def test_interval_of_skewed_accuracies_is_not_far_too_narrow(run_count):
    """Accuracies near 1: a bootstrap of two and three runs covers 0.47 and 0.71."""
    experiments = np.random.default_rng(1).beta(9, 1, size=(run_count, 4000))
    low, high = mean_band(experiments)
    assert np.mean((low <= 0.9) & (high >= 0.9)) >= 0.87


def test_interval_of_two_runs_by_hand():
    found = mean_estimate([0.4, 0.6])
    assert found is not None
    # 12.706 is the 0.975 quantile of t with one degree of freedom.
    assert found.low == pytest.approx(0.5 - 12.706 * 0.1, abs=1e-4)


def test_interval_of_many_runs_is_that_of_the_normal_distribution():
    values = np.random.default_rng(2).normal(size=400)
    found = mean_estimate(values)
    assert found is not None
    half = 1.96 * values.std(ddof=1) / 20
    assert found.low == pytest.approx(values.mean() - half, abs=0.01)
    assert found.high == pytest.approx(values.mean() + half, abs=0.01)


def test_same_values_give_the_same_interval():
    values = np.random.default_rng(3).normal(size=10)
    assert mean_estimate(values) == mean_estimate(values)


def test_weights_of_a_resample_sum_to_one():
    weights = resampling_weights(7)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights.mean(axis=0) == pytest.approx(1 / 7, abs=0.01)


def test_one_run_has_no_interval():
    assert mean_estimate([0.5]) == Estimate(0.5, None, None, 1)


def test_values_that_are_missing_are_left_out():
    assert mean_estimate([0.5, nan]) == Estimate(0.5, None, None, 1)
    assert mean_estimate([nan]) is None
    assert mean_estimate([]) is None
