"""Ratios of waits under the same seeds, worked by hand."""

from math import exp, inf, log

import numpy as np
import pytest

from aloe.bench.report.censored import Wait
from aloe.bench.report.label_tables import ratio_text
from aloe.bench.report.wait_ratios import (
    Bound,
    PairedWaits,
    corrected,
    geometric_mean,
    joint_bound,
    ratio_of,
    swapped_p,
)

NEVER = inf


def pairs_of(first: list[float], second: list[float], end: float = 50) -> PairedWaits:
    return PairedWaits.of_one(
        (Wait(count, end) for count in first), (Wait(count, end) for count in second)
    )


@pytest.mark.parametrize(
    ("first", "second", "ratio", "bound"),
    [
        ([10, 20], [20, 40], 30 / 60, Bound.EXACT),
        # Of the baseline, the second run is only known to need more than 50.
        ([10, 20], [30, NEVER], 30 / 80, Bound.AT_MOST),
        ([30, NEVER], [10, 20], 80 / 30, Bound.AT_LEAST),
        ([10, NEVER], [40, NEVER], 60 / 90, Bound.RESTRICTED),
    ],
)
def test_runs_that_never_got_there_count_up_to_their_end(first, second, ratio, bound):
    found = ratio_of(pairs_of(first, second))
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(ratio)
    assert found.bound is bound
    assert found.limit == (None if bound is Bound.EXACT else 50)


def test_longer_runs_of_the_other_count_up_to_the_shortest_that_never_got_there():
    first = (Wait(10, 100), Wait(60, 100))
    second = (Wait(inf, 50), Wait(20, 100))
    found = ratio_of(PairedWaits.of_one(first, second))
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx((10 + 50) / (50 + 20))
    assert (found.bound, found.limit) == (Bound.RESTRICTED, 50)


def test_a_longer_run_that_got_there_in_time_is_whole():
    first, second = (Wait(40, 200), Wait(30, 200)), (Wait(inf, 50), Wait(inf, 90))
    found = ratio_of(PairedWaits.of_one(first, second))
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx((40 + 30) / (50 + 50))
    assert found.bound is Bound.AT_MOST


def test_nothing_is_compared_where_no_run_got_there():
    never = ratio_of(pairs_of([NEVER, NEVER], [NEVER, NEVER]))
    assert (never.ratio, never.p_value) == (None, None)
    assert ratio_text(never) == "– (neither within 50)"
    # It did, but only where the baseline's runs were over.
    late = ratio_of(PairedWaits.of_one((Wait(400, 500),), (Wait(inf, 150),)))
    assert (late.ratio, late.limit) == (None, 150)


def test_of_several_waits_of_a_run_the_mean_counts():
    own = (Wait(1, 40), Wait(3, 40), Wait(inf, 40))
    random = (Wait(5, 60), Wait(35, 60), Wait(50, 60))
    found = ratio_of(PairedWaits((own,), (random,)))
    assert found.ratio is not None
    # Up to 40, where the first run ended without the third.
    assert found.ratio.value == pytest.approx((1 + 3 + 40) / (5 + 35 + 40))
    assert (found.bound, found.limit) == (Bound.RESTRICTED, 40)


def test_interval_resamples_both_arms_with_the_same_seeds():
    # Seeds differ by far more than the arms, whose ratio is the same under each.
    second = [10.0, 20, 40, 80, 160, 320, 640]
    found = ratio_of(pairs_of([count / 2 for count in second], second, end=1000)).ratio
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_interval_of_exchanged_arms_is_the_reciprocal():
    generator = np.random.default_rng(3)
    first, second = generator.uniform(10, 50, (2, 8)).tolist()
    one, other = (
        ratio_of(each).ratio for each in (pairs_of(first, second), pairs_of(second, first))
    )
    assert one is not None
    assert other is not None
    assert one.value == pytest.approx(1 / other.value)
    # Quantiles are observed values: the k-th from below and the k-th from above.
    assert other.high is not None
    assert one.low == pytest.approx(1 / other.high, rel=1e-3)


def test_five_seeds_have_a_ratio_without_interval_and_p():
    found = ratio_of(pairs_of([10] * 5, [20] * 5))
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(0.5)
    assert (found.ratio.low, found.ratio.high) == (None, None)
    assert found.p_value is None
    assert ratio_text(found) == "0.50"


def test_interval_covers_the_ratio_about_as_often_as_it_says():
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        seed_effects = generator.normal(scale=0.3, size=10)
        first, second = np.exp(seed_effects + generator.normal(scale=0.2, size=(2, 10)))
        found = geometric_mean([pairs_of(list(first * 0.5), list(second), end=100)])
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.5 <= found.high
    assert 0.9 <= covered / 200 <= 0.99


def test_p_counts_the_exchanges_of_arms():
    # All six alike: of 64 exchanges only none and all are as far from one.
    assert ratio_of(pairs_of([10] * 6, [20] * 6)).p_value == pytest.approx(2 / 64)
    assert ratio_of(pairs_of([10] * 6, [10] * 6)).p_value == 1


def test_p_of_several_settings_exchanges_within_each():
    settings = [pairs_of([10] * 6, [20] * 6), pairs_of([100] * 6, [200] * 6, end=500)]
    assert swapped_p(settings) == pytest.approx(2 / 2**12)
    assert swapped_p([*settings, pairs_of([1] * 5, [2] * 5)]) is None


def test_mean_over_settings_is_geometric():
    found = geometric_mean([pairs_of([10] * 6, [20] * 6), pairs_of([40] * 7, [20] * 7)])
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    assert found.run_count == 6
    unequal = [pairs_of([10], [20]), pairs_of([10], [30]), pairs_of([10], [10])]
    assert geometric_mean(unequal).value == pytest.approx(exp(-(log(2) + log(3)) / 3))


def test_mean_is_a_bound_where_all_that_are_bounds_agree():
    assert joint_bound([Bound.EXACT, Bound.EXACT]) is Bound.EXACT
    assert joint_bound([Bound.EXACT, Bound.AT_MOST]) is Bound.AT_MOST
    assert joint_bound([Bound.AT_LEAST, Bound.AT_MOST]) is Bound.RESTRICTED


def test_ratios_of_a_family_are_corrected_for_each_other():
    better, equal = (ratio_of(pairs_of([first] * 6, [20] * 6)) for first in (10, 20))
    few = ratio_of(pairs_of([10], [20]))
    found = corrected({"better": better, "equal": equal, "few": few})
    assert {name: each.corrected_p for name, each in found.items()} == {
        "better": pytest.approx(4 / 64),
        "equal": 1,
        "few": None,
    }
    assert not found["better"].is_shown
    alone = corrected({"better": better})["better"]
    assert alone.is_shown
    assert ratio_text(alone) == "0.50 [0.50, 0.50] (p 0.031)"
