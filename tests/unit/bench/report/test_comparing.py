import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.bench.report.comparing import Power, compare, holm, paired_p, power_of


def test_holm_by_hand():
    corrected = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert corrected == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_p_and_bonferroni_and_keeps_the_order(p_values):
    corrected = holm(dict(enumerate(p_values)))
    for row, p_value in enumerate(p_values):
        assert p_value <= corrected[row] <= min(1, len(p_values) * p_value)
    ranked = sorted(corrected, key=lambda row: p_values[row])
    assert [corrected[row] for row in ranked] == sorted(corrected.values())


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([1, 2, 3, 4, 5, 6], 2 / 64),
        # Seven of the sixteen sign patterns have a sum of at least two.
        ([1, 2, 3, -4], 14 / 16),
        ([0, 0, 0, 0], 1),
    ],
)
def test_paired_test_counts_sign_patterns(differences, p_value):
    assert paired_p(np.array(differences, dtype=np.float64)) == pytest.approx(p_value)


def test_paired_test_does_not_care_who_is_first():
    differences = np.random.default_rng(0).normal(0.3, size=10)
    assert paired_p(differences) == paired_p(-differences)


def test_paired_test_of_many_seeds_draws_its_patterns():
    differences = np.random.default_rng(0).normal(0.5, size=25)
    assert paired_p(differences) == paired_p(differences) < 0.05


def figures(seed_count: int, **offsets: float) -> dict[str, dict[int, float]]:
    return {name: {seed: seed + by for seed in range(seed_count)} for name, by in offsets.items()}


def test_comparison_is_paired_over_the_seeds_that_both_ran():
    found = figures(8, good=0.2, poor=0.0)
    del found["poor"][7]
    (comparison,) = compare(found)
    assert comparison.difference.value == pytest.approx(0.2)
    assert comparison.difference.run_count == 7
    assert comparison.p_value == pytest.approx(2 / 128)
    assert comparison.is_shown


def test_p_values_of_a_family_are_corrected_for_each_other():
    found = compare(figures(10, a=0.3, b=0.2, c=0.1))
    assert [each.corrected_p for each in found] == [pytest.approx(6 / 1024)] * 3


def test_five_seeds_are_no_ground_for_a_claim():
    (comparison,) = compare(figures(5, good=1.0, poor=0.0))
    assert comparison.p_value is None
    assert not comparison.is_shown
    assert power_of([comparison]) is None


def test_functions_without_a_common_seed_are_not_compared():
    assert compare({"a": {0: 1.0}, "b": {1: 1.0}}) == ()


def test_no_pairs_asked_for_are_no_comparisons():
    assert compare(figures(6, a=0.3, b=0.2), []) == ()


def power(seed_count: int) -> Power:
    found = power_of(compare(figures(seed_count, a=0.3, b=0.2, c=0.1)))
    assert found is not None
    return found


def test_power_says_how_many_seeds_could_show_anything():
    few = power(6)
    assert (few.smallest_p, few.smallest_corrected_p) == (1 / 32, 3 / 32)
    assert [power(count).is_enough for count in (6, few.needed_seed_count)] == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize("seed_count", [6, 16, 25])
def test_smallest_p_is_that_of_differences_of_one_sign(seed_count):
    assert power(seed_count).smallest_p == pytest.approx(paired_p(np.ones(seed_count)))


def test_smallest_p_of_drawn_patterns_is_a_bound():
    # Of 65,536 patterns the two extreme ones may be drawn, by chance.
    assert paired_p(np.ones(17)) >= power(17).smallest_p == 2e-5


def test_seeds_that_are_needed_grow_with_the_comparisons():
    found = power_of(compare(figures(8, a=0.5, b=0.4, c=0.3, d=0.2, e=0.1, f=0.0)))
    assert found is not None
    # 15 * 2 ** (1 - 9) is above 0.05, 15 * 2 ** (1 - 10) below.
    assert (found.comparison_count, found.needed_seed_count) == (15, 10)
