"""The figures of a head on a split, by hand."""

import math

import numpy as np
import pytest

from aloe.learner.domain.evaluation import calibration_error, evaluate


def certain(*classes: int, class_count: int = 3, confidence: float = 0.8):
    """Make predictions of these classes, each with a probability of `confidence`."""
    rest = (1 - confidence) / (class_count - 1)
    probabilities = np.full((len(classes), class_count), rest, dtype=np.float32)
    probabilities[np.arange(len(classes)), classes] = confidence
    return probabilities


def test_figures_of_six_clips_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    found = evaluate(certain(0, 0, 1, 1, 1, 0), labels)
    # Right: two of three, two of two, none of one.
    assert found.clip_count == 6
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.class_recalls == pytest.approx((2 / 3, 1.0, 0.0))
    # F1 = 2 right / (labeled + predicted): 2*2/(3+3), 2*2/(2+3), 0/(1+0).
    assert found.macro_f1 == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    # Four at 0.8, two at 0.1.
    assert found.loss == pytest.approx(-(4 * math.log(0.8) + 2 * math.log(0.1)) / 6, rel=1e-6)


def test_a_class_without_clips_has_a_recall_of_nan_and_counts_in_f1_only_if_predicted():
    labels = np.array([0, 0])
    found = evaluate(certain(0, 1, class_count=4), labels)
    assert found.class_recalls[0] == pytest.approx(0.5)
    assert all(math.isnan(recall) for recall in found.class_recalls[1:])
    # Class 0: 2*1/(2+1); class 1, predicted once: 0; classes 2 and 3 do not occur.
    assert found.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_a_perfect_head_has_figures_of_one():
    labels = np.array([0, 1, 2, 1])
    found = evaluate(certain(0, 1, 2, 1), labels)
    assert (found.accuracy, found.macro_f1, found.class_recalls) == (1.0, 1.0, (1.0, 1.0, 1.0))


@pytest.mark.filterwarnings("error")
def test_a_label_held_to_be_impossible_costs_much_but_not_infinitely_much():
    probabilities = np.array([[1.0, 0.0]], dtype=np.float32)
    found = evaluate(probabilities, np.array([1]))
    # The smallest normal float32 stands for 0: -ln 1.1755e-38.
    assert found.loss == pytest.approx(87.3365, abs=1e-3)


def test_one_clip_can_be_evaluated():
    found = evaluate(certain(2), np.array([2]))
    assert (found.clip_count, found.accuracy, found.macro_f1) == (1, 1.0, 1.0)


def test_calibration_error_of_five_clips_by_hand():
    confidences = np.array([0.75, 0.74, 0.95, 0.97, 0.50], dtype=np.float32)
    is_right = np.array([True, False, True, True, False])
    # Bins of a fifteenth: (11/15, 12/15] holds 0.75 and 0.74, half of them right; the last one 0.95
    # and 0.97, both right; (7/15, 8/15] 0.50, wrong.
    expected = (2 * abs(0.5 - 0.745) + 2 * abs(1 - 0.96) + 1 * abs(0 - 0.5)) / 5
    assert calibration_error(confidences, is_right) == pytest.approx(expected)


def test_a_bin_of_confidence_holds_its_upper_end_and_the_last_one_certainty():
    # 0.6 is 9/15: with 0.55 in one bin, so that their errors cancel; with 0.65 in another.
    together = np.array([0.5625, 0.5999], dtype=np.float32)
    apart = np.array([0.5625, 0.6094], dtype=np.float32)
    is_right = np.array([True, False])
    assert calibration_error(together, is_right) == pytest.approx((1.1624 - 1) / 2, abs=1e-4)
    assert calibration_error(apart, is_right) == pytest.approx((0.4375 + 0.6094) / 2, abs=1e-4)
    assert calibration_error(np.ones(3, np.float32), np.ones(3, np.bool_)) == 0


def test_an_evaluation_has_the_calibration_error_of_its_clips():
    found = evaluate(certain(0, 1, 1, 2), np.array([0, 1, 0, 2]))
    # All at 0.8, three of four right.
    assert found.calibration_error == pytest.approx(0.05, abs=1e-6)
