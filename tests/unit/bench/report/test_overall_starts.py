"""How arms begin over all settings: by hand."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.bench.report.runs_in_memory import (
    HERDING,
    PAPERS,
    RANDOM,
    SETTING,
    results_of,
    run_of,
)

from aloe.bench.report.analysis import analyze
from aloe.bench.report.overall_starts import OverallStart
from aloe.bench.report.runs import Run
from aloe.bench.report.start_tables import overall_start_table

SPEAKER = replace(SETTING, task="speaker")
NAN = float("nan")


def beginning(arm: Any, seed: int, accuracy: float, asked: str, setting: Any = SETTING) -> Run:
    """Return a run from no label on, whose heads at 10 and 50 labels have one accuracy.

    Args:
        arm: of it.
        seed: of it.
        accuracy: of both heads.
        asked: the classes of the first clips, a letter each; all others are "a".
        setting: of it.
    """
    answers = [[*asked.ljust(10, "a")], ["a"] * 40, []]
    labels, accuracies = [0, 10, 50], [NAN, accuracy, accuracy]
    return run_of(arm, seed, accuracies, labels=labels, answers=answers, setting=setting)


def starts_of(*runs: Run) -> dict[str, OverallStart]:
    return {each.arm_name: each for each in analyze(results_of(*runs), (0.9,)).starts}


@pytest.fixture
def two_settings() -> dict[str, OverallStart]:
    return starts_of(
        *(beginning(HERDING, seed, 0.5 + 0.1 * seed, "ab") for seed in range(6)),
        *(beginning(RANDOM, seed, 0.4, "aaab") for seed in range(6)),
        *(beginning(HERDING, seed, 0.6, "ab", SPEAKER) for seed in range(6)),
        *(beginning(RANDOM, seed, 0.7, "aab", SPEAKER) for seed in range(6)),
    )


def test_gains_are_means_over_settings(two_settings: dict[str, OverallStart]):
    herding = two_settings["linear, herding"]
    assert herding.random_name == "paper, random"
    assert [each.label_count for each in herding.gains] == [10, 20, 50]
    for gain in herding.gains:
        assert gain.setting_count == 2
        assert gain.difference is not None
        # 0.35 above in one, 0.1 below in the other.
        assert gain.difference.value == pytest.approx((0.35 - 0.1) / 2)
    assert two_settings["paper, random"].gains == ()


def test_class_ratios_are_geometric_means(two_settings: dict[str, OverallStart]):
    herding = two_settings["linear, herding"]
    assert herding.every_class is not None
    assert herding.every_class.ratio is not None
    assert herding.every_class.ratio.value == pytest.approx((2 / 4 * 2 / 3) ** 0.5)
    assert herding.mean_class is not None
    assert herding.mean_class.ratio is not None
    assert herding.mean_class.ratio.value == pytest.approx((3 / 5 * 3 / 4) ** 0.5)
    assert herding.setting_count == 2
    assert two_settings["paper, random"].every_class is None


def test_curves_begin_where_all_runs_have_heads(two_settings: dict[str, OverallStart]):
    herding, random = two_settings["linear, herding"], two_settings["paper, random"]
    assert herding.gain_curve is not None
    assert herding.gain_curve.places == tuple(range(10, 51))
    assert herding.gain_curve.mean[0] == pytest.approx(0.125)
    assert herding.gain_curve.low is not None
    assert random.gain_curve is None
    assert random.seen_curve is not None
    assert random.seen_curve.places == tuple(range(1, 51))
    assert random.seen_curve.mean[:4] == (0.5, 0.5, 0.75, 1)


def test_runs_with_seed_labels_see_no_classes():
    labels: dict[str, Any] = {"labels": [10, 50], "answers": [["a"] * 40, []]}
    found = starts_of(
        *(run_of(PAPERS, seed, [0.5, 0.6], **labels) for seed in range(2)),
        *(run_of(RANDOM, seed, [0.4, 0.4], **labels) for seed in range(2)),
    )
    margin = found["margin-class-aware"]
    assert (margin.every_class, margin.mean_class, margin.seen_curve) == (None, None, None)
    (row,) = overall_start_table(tuple(found.values())).rows
    assert [cell.text.partition(" ")[0] for cell in row] == [
        "margin-class-aware", "+10.0", "+12.5", "+20.0", "–", "–", "1",
    ]  # fmt: skip


def test_without_random_picks_nothing_is_said():
    assert starts_of(beginning(HERDING, 0, 0.5, "ab")) == {}
