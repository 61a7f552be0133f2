"""Figures over several settings: by hand."""

import pytest

from aloe.bench.report.over_settings import mean_over, share_over


def test_settings_count_alike_under_each_seed():
    found = mean_over([{0: 1.0, 1: 3.0}, {0: 5.0, 1: 5.0}, {}])
    assert found is not None
    assert (found.value, found.run_count) == (3.5, 2)
    # Means of 3 and 4: a distance of one, whatever the settings differ by.
    assert found.low == pytest.approx(3.5 - 12.706 * 0.5, abs=1e-3)


def test_only_seeds_that_all_settings_have_count():
    found = mean_over([{0: 1.0, 1: 9.0}, {1: 3.0, 2: 7.0}])
    assert found is not None
    assert (found.value, found.low, found.run_count) == (6.0, None, 1)
    assert mean_over([{0: 1.0}, {1: 1.0}]) is None
    assert mean_over([]) is None


def test_shares_are_of_all_runs_and_large_settings_do_not_count_more():
    # 2 of 20 wrong among 100 clips, and 10 of 500 among 1,000.
    small, large = {0: (2, 10, 50), 1: (0, 10, 50)}, {0: (4, 300, 500), 1: (6, 200, 500)}
    found = share_over([small, large])
    assert found is not None
    assert found.value == pytest.approx((2 / 100 + 10 / 1000) / (20 / 100 + 500 / 1000))
    assert (found.low, found.run_count) == (None, 2)


def test_a_setting_with_nothing_says_nothing():
    nothing = {0: (0, 0, 50), 1: (0, 0, 50)}
    found = share_over([nothing, {0: (1, 10, 50), 1: (1, 10, 50)}])
    assert found is not None
    assert found.value == pytest.approx(0.1)
    assert share_over([nothing]) is None
    assert share_over([]) is None


def test_interval_leaves_out_resamples_that_have_none():
    found = share_over([{seed: (1, 5, 50) if seed == 3 else (0, 0, 50) for seed in range(8)}])
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2, 0.2))
