from math import inf

import numpy as np
import pytest

from aloe.bench.report.curves import align, mean_curve
from aloe.bench.report.measures import (
    areas_under_curves,
    first_reaching,
    utilisation,
)
from aloe.bench.report.setting_tables import utilisation_text

LABELS = np.array([10.0, 20, 30, 40])


def curve(*accuracies: float) -> np.ndarray:
    return np.array([LABELS[: len(accuracies)], accuracies])


def test_area_is_the_mean_accuracy_on_the_way():
    areas = areas_under_curves(np.array([0.0, 10, 30]), np.array([[0.0, 1, 1], [0.5, 0.5, 0.5]]))
    assert areas.tolist() == pytest.approx([25 / 30, 0.5])


def test_area_of_a_single_head_is_its_accuracy():
    assert areas_under_curves(np.array([50.0]), np.array([[0.7]])).tolist() == [0.7]


def test_curves_are_compared_where_all_of_them_are():
    places, values = align([np.array([[0.0, 10, 20], [0.0, 1, 2]]), np.array([[5.0, 15], [7, 8]])])
    assert places.tolist() == [5, 10, 15]
    assert values.tolist() == [[0.5, 1, 1.5], [7, 7.5, 8]]


def test_curves_without_a_place_in_common_have_no_mean():
    found = mean_curve([np.array([[0.0, 1], [0, 1]]), np.array([[5.0, 6], [0, 1]])])
    assert found is not None
    assert found.places == ()


def test_first_head_that_reaches_the_target_counts_though_later_ones_fall_back():
    accuracies = np.array([[0.1, 0.5, 0.3, 0.6], [0.1, 0.2, 0.3, 0.4]])
    assert first_reaching(LABELS, accuracies, np.array([0.5, 0.5])).tolist() == [20, inf]


def test_utilisation_is_the_part_of_the_labels_that_random_needs():
    random = [curve(0.1, 0.2, 0.3, 0.4)] * 6
    found = utilisation([curve(0.2, 0.4, 0.5, 0.6)] * 6, random)
    assert found is not None
    assert (found.label_count, found.random_label_count) == (20, 40)
    assert (found.rate.value, found.rate.low, found.rate.high) == (0.5, 0.5, 0.5)
    assert found.accuracy == pytest.approx(0.4)


def test_utilisation_of_random_itself_is_one():
    generator = np.random.default_rng(5)
    runs = [curve(*np.sort(generator.random(4))) for _ in range(6)]
    found = utilisation(runs, runs)
    assert found is not None
    assert (found.rate.value, found.rate.low, found.rate.high) == (1, 1, 1)


def test_utilisation_of_five_seeds_has_no_interval():
    found = utilisation([curve(0.2, 0.4)] * 5, [curve(0.1, 0.2)] * 5)
    assert found is not None
    assert (found.rate.low, found.rate.high) == (None, None)
    assert utilisation_text(found) == "0.50"


@pytest.mark.parametrize(("run_count", "has_band"), [(5, False), (6, True)])
def test_mean_curve_has_a_band_from_six_runs_on(run_count, has_band):
    found = mean_curve([curve(0.2, 0.8), *[curve(0.3, 0.9)] * (run_count - 1)])
    assert found is not None
    assert (found.low is not None, found.high is not None) == (has_band, has_band)


def test_utilisation_is_censored_where_it_never_gets_there():
    found = utilisation([curve(0.1, 0.1, 0.1, 0.1)] * 3, [curve(0.1, 0.5, 0.5, 0.5)] * 3)
    assert found is not None
    assert (found.rate.value, found.rate_bound) == (inf, 2)
    assert utilisation_text(found) == "> 2.00"


def test_utilisation_needs_labels_in_common():
    assert utilisation([curve(0.1)], [np.array([[50.0], [0.2]])]) is None
