"""Labels needed by arms of which the figures are known, in one setting and over several."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.bench.report.runs_in_memory import (
    HERDING,
    PAPERS,
    RANDOM,
    SETTING,
    ceiling_of,
    results_of,
    rising,
    run_of,
)

from aloe.bench.report.analysis import Figures, SettingFigures, analyze
from aloe.bench.report.findings import findings_of
from aloe.bench.report.forest import ForestPanel, draw_forest
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.label_tables import label_table, overall_table, strategies_of
from aloe.bench.report.runs import Run
from aloe.bench.report.table import Table
from aloe.bench.report.wait_ratios import Bound, WaitRatio

SPEAKER = replace(SETTING, task="speaker")
SEEDS = range(6)


def runs_that_reach(arm, place: int, setting=SETTING) -> list[Run]:
    """Return six runs of up to 100 labels that reach 0.9 with 10 * place labels; 0 for never."""
    return [run_of(arm, seed, rising(place or 11), setting=setting) for seed in SEEDS]


def ratios_of(figures: SettingFigures) -> dict[str, Any]:
    return {each.arm_name: each.labels_to_reach[0].ratio for each in strategies_of(figures)}


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


@pytest.fixture
def one() -> Figures:
    """Of one setting: herding needs half of the paper's labels, random never gets there."""
    return analyze(
        results_of(
            *runs_that_reach(PAPERS, 8),
            *runs_that_reach(HERDING, 4),
            *runs_that_reach(RANDOM, 0),
            ceiling_of("paper", 0.95),
            ceiling_of("linear", 0.99),
        ),
        (0.9,),
    )


def test_every_arm_is_compared_with_the_papers_recipe(one):
    (setting,) = one.settings
    assert one.baseline == PAPERS
    found = ratios_of(setting)
    assert found["paper, margin-class-aware"] is None
    herding = found["linear, herding"]
    assert (herding.ratio.value, herding.bound) == (pytest.approx(0.5), Bound.EXACT)
    assert herding.corrected_p == pytest.approx(4 / 64)
    random = found["paper, random"]
    assert (random.ratio.value, random.bound) == (pytest.approx(100 / 80), Bound.AT_LEAST)


def test_table_has_the_labels_and_the_ratio_of_every_arm(one):
    (setting,) = one.settings
    table = label_table(setting, one, "labels")
    assert table.columns == ("arm", "runs", "90% of the ceiling", "÷")
    assert texts(table) == [
        ["paper, margin-class-aware", "6", "80 [80, 80]", "1"],
        [
            "paper, random",
            "6",
            "> 100 (0 of 6 reached)",
            "≥ 1.25 [1.25, 1.25] (p 0.062)",
        ],
        ["linear, herding", "6", "40 [40, 40]", "0.50 [0.50, 0.50] (p 0.062)"],
    ]
    assert table.notes[0] == "The ceiling of all arms, fsdd, digit, yamnet: 95.0% (paper)."
    assert table.notes[-1].endswith("corrected 0.062: nothing can be shown; it takes 7 seeds.")


def test_ceiling_is_the_papers_though_another_head_is_better(one):
    (setting,) = one.settings
    assert (setting.ceiling.value, setting.ceiling_head) == (0.95, "paper")
    (needed,) = strategies_of(setting)[0].labels_to_reach
    assert needed.accuracy == pytest.approx(0.9 * 0.95)


def test_without_the_papers_the_best_head_is_the_ceiling_of_all_arms():
    results = results_of(
        *runs_that_reach(PAPERS, 8), ceiling_of("linear", 0.97), ceiling_of("kernel", 0.99)
    )
    (setting,) = analyze(results, (0.9,)).settings
    assert setting.ceiling == Estimate(0.99, None, None, 1)
    assert setting.ceiling_head == "kernel"
    assert not setting.is_papers_ceiling


def test_seeds_with_test_clips_of_their_own_have_ceilings_of_their_own():
    easy = [run_of(PAPERS, 0, rising(3)), run_of(HERDING, 0, rising(2))]
    hard = [run_of(PAPERS, 1, rising(6, top=0.6)), run_of(HERDING, 1, rising(2, top=0.6))]
    results = results_of(*easy, *hard, ceiling_of("paper", 0.9), ceiling_of("paper", 0.6, 1))
    together = ratios_of(analyze(results, (0.95,)).settings[0])["linear, herding"]
    assert together.bound is Bound.RESTRICTED
    own = replace(results, metadata={"spec": {"split_per_seed": True}})
    apart = ratios_of(analyze(own, (0.95,)).settings[0])["linear, herding"]
    assert (apart.ratio.value, apart.bound) == (pytest.approx((20 + 20) / (30 + 60)), Bound.EXACT)


def test_another_baseline_can_be_asked_for():
    results = results_of(
        *runs_that_reach(PAPERS, 8), *runs_that_reach(HERDING, 4), ceiling_of("paper", 0.95)
    )
    (setting,) = analyze(results, (0.9,), "herding").settings
    found = ratios_of(setting)["paper, margin-class-aware"]
    assert found.ratio.value == pytest.approx(2)


def test_ratio_is_over_the_seeds_that_both_ran():
    slow = [run_of(PAPERS, seed, rising(8)) for seed in (6, 7)]
    results = results_of(
        *runs_that_reach(PAPERS, 5), *slow, *runs_that_reach(HERDING, 4)[:5], ceiling_of("x", 0.95)
    )
    found = ratios_of(analyze(results, (0.9,)).settings[0])["linear, herding"]
    assert found.ratio.value == pytest.approx(4 / 5)
    assert (found.ratio.run_count, found.p_value) == (5, None)


def test_arm_without_a_seed_of_the_baseline_has_labels_and_no_ratio():
    results = results_of(
        run_of(PAPERS, 0, rising(5)), run_of(HERDING, 1, rising(4)), ceiling_of("paper", 0.95)
    )
    figures = analyze(results, (0.9,))
    assert texts(label_table(figures.settings[0], figures, "x"))[1] == [
        "linear, herding", "1", "40", "–",
    ]  # fmt: skip
    assert label_table(figures.settings[0], figures, "x").notes[-1].startswith("Fewer than 6 seeds")


@pytest.fixture
def two() -> Figures:
    """Of two settings: herding needs a half and an eighth more; random is open in the second."""
    return analyze(
        results_of(
            *runs_that_reach(PAPERS, 8),
            *runs_that_reach(HERDING, 4),
            *runs_that_reach(RANDOM, 9),
            ceiling_of("paper", 0.95),
            *runs_that_reach(PAPERS, 0, SPEAKER),
            *runs_that_reach(HERDING, 9, SPEAKER),
            *runs_that_reach(RANDOM, 0, SPEAKER),
            ceiling_of("paper", 0.9, setting=SPEAKER),
        ),
        (0.9,),
    )


def test_over_settings_ratios_have_their_geometric_mean_and_the_worst(two):
    by_name = {each.arm_name: each.ratios[0] for each in two.overall}
    assert list(by_name) == ["paper, random", "linear, herding"]
    herding = by_name["linear, herding"]
    assert herding.ratio.ratio.value == pytest.approx((0.5 * 0.9) ** 0.5)
    assert herding.ratio.bound is Bound.AT_MOST
    assert (herding.worst.ratio.value, herding.worst_setting) == (
        pytest.approx(0.9),
        "fsdd, speaker, yamnet",
    )
    # Twelve pairs, of which herding is the quicker in each; two arms are a family.
    assert herding.ratio.corrected_p == pytest.approx(2 * 2 / 2**12)


def test_settings_in_which_nobody_got_there_are_counted(two):
    random = two.overall[0].ratios[0]
    assert (random.settings, random.open_settings) == (
        ("fsdd, digit, yamnet",),
        ("fsdd, speaker, yamnet",),
    )
    table = overall_table(two)
    assert texts(table)[0][2] == "1 of 2"
    assert texts(table)[1] == [
        "linear, herding",
        "≤ 0.67 [0.67, 0.67] (p < 0.001)",
        "2 of 2",
        "≤ 0.90 (fsdd, speaker, yamnet)",
    ]


def test_findings_sort_arms_into_fewer_more_and_not_shown(two):
    overall, digit, speaker = findings_of(two)
    assert overall.title == "All settings"
    assert overall.sentences[0] == (
        "To 90% of the ceiling, fewer labels than paper, margin-class-aware: linear,"
        " herding ≤ 0.67 [0.67, 0.67] (p < 0.001)."
    )
    assert "no difference from paper, margin-class-aware is shown" in digit.sentences[0]
    assert any(
        "no run got there, neither of paper, margin-class-aware nor of paper, random" in each
        for each in speaker.sentences
    )


def test_forest_has_a_row_for_each_arm_and_a_mark_for_each_level():
    def ratio(value: float, bound: Bound = Bound.EXACT) -> WaitRatio:
        return WaitRatio(Estimate(value, 0.4, 1.3, 6), bound, None, 0.01, 0.02)

    panels = [
        ForestPanel("one", {"herding": {0.9: ratio(0.5), 0.95: ratio(0.6, Bound.AT_MOST)}}),
        ForestPanel("other", {"random": {0.9: replace(ratio(1), ratio=None)}}),
    ]
    figure = draw_forest(panels, "the paper's")
    axes: Any = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["herding", "random"]
    points = [line for line in axes.lines if line.get_marker() not in {"None", ""}]
    assert [(line.get_xdata()[0], line.get_marker()) for line in points] == [(0.5, "o"), (0.6, "<")]
    assert [text.get_text() for text in figure.axes[1].texts] == ["neither got there"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:2] == ["90% of the ceiling", "95% of the ceiling"]
    assert "≤: runs of the baseline ended before" in legend


def test_arms_in_which_seeds_decide_nothing_are_named():
    varied = [run_of(PAPERS, seed, [0.5, 0.9 - seed / 100]) for seed in SEEDS]
    same = [run_of(HERDING, seed, [0.6, 0.9]) for seed in SEEDS]
    figures = analyze(results_of(*varied, *same, ceiling_of("paper", 0.9)), (0.9,))
    notes = label_table(figures.settings[0], figures, "t").notes
    assert [
        each for each in notes if each.startswith("The same under every seed: linear, herding.")
    ]
    one = analyze(results_of(*varied, same[0], ceiling_of("paper", 0.9)), (0.9,))
    notes = label_table(one.settings[0], one, "t").notes
    assert not [each for each in notes if "every seed" in each]
