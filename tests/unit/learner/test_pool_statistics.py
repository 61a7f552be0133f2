"""Figures of what heads say of the unlabeled clips, by hand."""

import numpy as np
import pytest

from aloe.learner.domain.pool_statistics import Judged, cohens_kappa, pool_statistics


def kappa(first: list[int], second: list[int]) -> float:
    return cohens_kappa(np.array(first, np.int16), np.array(second, np.int16), class_count=3)


def test_kappa_of_ten_predictions_by_hand():
    # Equal in 6 of 10. The first says 0, 1, 2 in 5, 3, 2 of them, the second in 4, 4, 2.
    first = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
    second = [0, 0, 0, 1, 1, 1, 1, 2, 2, 0]
    # Expected by chance: 0.5 * 0.4 + 0.3 * 0.4 + 0.2 * 0.2.
    assert kappa(first, second) == pytest.approx((0.6 - 0.36) / (1 - 0.36))


def test_kappa_of_the_same_predictions_is_1_and_of_opposite_ones_minus_1():
    assert kappa([0, 1, 2, 1], [0, 1, 2, 1]) == 1
    assert kappa([0, 1, 0, 1], [1, 0, 1, 0]) == -1


def test_kappa_of_one_class_throughout_is_1():
    assert kappa([2, 2, 2], [2, 2, 2]) == 1


def said(uncertainties: list[float], predicted: list[int], before: list[int] | None) -> Judged:
    return Judged(
        np.array(uncertainties, np.float32),
        np.array(predicted, np.int16),
        None if before is None else np.array(before, np.int16),
    )


def test_figures_of_four_clips_by_hand():
    judged = said([0.5, 0.25, 0.0, 0.25], [0, 1, 1, 2], [0, 1, 2, 2])
    found = pool_statistics(judged, 3)
    assert found is not None
    assert found.mean_uncertainty == 0.25
    # Equal in 3 of 4; by chance in 1/4 * 1/4 + 2/4 * 1/4 + 1/4 * 2/4.
    assert found.prediction_agreement == pytest.approx((0.75 - 0.3125) / (1 - 0.3125))


def test_a_first_head_has_nothing_to_agree_with():
    found = pool_statistics(said([0.5], [1], None), 2)
    assert found is not None
    assert found.prediction_agreement is None


def test_no_clips_have_no_figures():
    assert pool_statistics(said([], [], []), 2) is None


def test_figures_of_some_clips_are_of_these_alone():
    judged = said([0.5, 0.25, 0.0], [0, 1, 1], [0, 0, 1]).at(np.array([0, 2]))
    assert judged.uncertainties.tolist() == [0.5, 0.0]
    found = pool_statistics(judged, 3)
    assert found is not None
    assert (found.mean_uncertainty, found.prediction_agreement) == (0.25, 1)
