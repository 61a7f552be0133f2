"""What is said about results with a planted outcome."""

from dataclasses import replace

import pytest
from tests.unit.bench.report.results_files import (
    CEILING,
    ceiling_rows,
    planted_rows,
    run_rows,
    write_results,
)

from aloe.bench.report.analysis import GroupFigures, SettingFigures, analyze
from aloe.bench.report.findings import setting_findings
from aloe.bench.report.runs import read_results
from aloe.bench.report.setting_tables import stop_table, strategy_table, win_table


@pytest.fixture
def figures_of(tmp_path):
    """Return the figures of the one setting of some rows."""

    def figures_of(rows) -> SettingFigures:
        (found,) = analyze(read_results(write_results(tmp_path, rows)), (0.9, 0.95)).settings
        return found

    return figures_of


def sentences(figures: SettingFigures) -> str:
    return "\n".join(setting_findings(figures, "the paper's").sentences)


def by_name(group: GroupFigures):
    return {each.name: each for each in group.strategies}


def test_better_function_is_above_equal_one_not_shown_and_worse_one_below(figures_of):
    text = sentences(
        figures_of(planted_rows(("smallest_margin", "entropy", "largest_margin", "random")))
    )
    assert "Class-aware: above random picks by area: smallest margin +" in text
    assert "Class-aware: below random picks by area: largest margin −5" in text
    assert "no difference from random picks is shown for entropy" in text


def test_functions_stand_in_one_order_with_random_last(figures_of):
    (group,) = figures_of(planted_rows(("random", "entropy", "smallest_margin"))).groups
    assert [each.name for each in group.strategies] == [
        "smallest_margin",
        "entropy",
        "random",
    ]


def test_figures_of_an_acquisition_function_are_those_planted(figures_of):
    figures = figures_of(planted_rows())
    assert figures.ceiling.value == pytest.approx(CEILING)
    margin = by_name(figures.groups[0])["smallest_margin"]
    assert margin.accuracy.value == pytest.approx(0.86, abs=0.01)
    assert margin.accuracy.low < margin.accuracy.value < margin.accuracy.high
    assert margin.ceiling_gap.value == pytest.approx(CEILING - margin.accuracy.value)
    assert margin.macro_f1.value == pytest.approx(margin.accuracy.value - 0.01)
    assert margin.calibration_error.value == pytest.approx(0.1)
    assert margin.round_s.value == pytest.approx(0.25)
    assert margin.labels_to_reach[0].accuracy == pytest.approx(0.9 * CEILING)
    assert margin.utilisation.rate.high < 1


def test_seconds_per_round_are_said_to_be_of_runs_side_by_side(figures_of):
    (group,) = figures_of(run_rows("smallest_margin", 0)).groups
    assert "several runs went on at once" in strategy_table(group, "x").notes[1]
    (group,) = figures_of(
        [row | {"round_s": None} for row in run_rows("smallest_margin", 0)]
    ).groups
    assert len(strategy_table(group, "x").notes) == 1


def test_saved_labels_are_claimed_for_the_better_function_only(figures_of):
    better = sentences(figures_of(planted_rows(("smallest_margin", "random"))))
    assert "of its labels" in better
    equal = sentences(figures_of(planted_rows(("entropy", "random"))))
    assert "of its labels" not in equal
    assert "ends at 80" in equal


def test_distance_from_the_ceiling_has_its_interval(figures_of):
    text = sentences(figures_of(planted_rows(("smallest_margin", "random"))))
    assert "with 250 of 2,400 labels; all of them give 90.0% [90.0, 90.0]. That is 4." in text
    assert "below the ceiling" in text


def test_five_seeds_claim_nothing(figures_of):
    figures = figures_of(planted_rows(("smallest_margin", "random"), seed_count=5))
    text = sentences(figures)
    assert (
        "nothing is claimed about smallest margin against random picks: fewer than 6 seeds" in text
    )
    assert not any(word in text for word in ("above", "below", "of its labels"))
    assert win_table(figures.groups[0], "wins").notes == (
        "Fewer than 6 seeds in common: no test, and no claim.",
    )


def test_too_few_seeds_for_so_many_comparisons_are_told(figures_of):
    figures = figures_of(planted_rows(("smallest_margin", "entropy", "random"), seed_count=6))
    assert "6 seeds cannot show any of 2 differences, however large; 7 seeds could" in sentences(
        figures
    )
    assert "nothing can be shown; it takes 7 seeds" in win_table(figures.groups[0], "x").notes[0]


def test_class_aware_is_compared_with_class_agnostic_at_equal_label_counts(figures_of):
    agnostic = [
        row
        | {
            "selection_rule": "class-agnostic",
            "label_count": 50 + 5 * row["round"],
            "test_accuracy": row["test_accuracy"] - 0.2,
        }
        for row in planted_rows(("smallest_margin", "random"))
        if row["selection_rule"]
    ]
    figures = figures_of(planted_rows(("smallest_margin", "random")) + agnostic)
    assert [each.selection_rule for each in figures.groups] == [
        "class-aware",
        "class-agnostic",
    ]
    assert figures.groups[1].label_range == (50, 150)
    text = sentences(figures)
    assert (
        "Class-aware, at equal label counts: above class-agnostic picks by area: smallest margin"
        in text
    )
    assert all(each.is_shown for each in figures.selection_rule_comparisons)


def test_stopping_rule_is_judged_where_it_first_says_stop(figures_of):
    (group,) = figures_of(planted_rows(("smallest_margin", "random"))).groups
    stop = group.stops[0]
    assert (stop.rule, stop.strategy, stop.stopped_count, stop.run_count) == (
        "plateau",
        "smallest_margin",
        9,
        10,
    )
    assert stop.labels.value == 200
    assert stop.labels_saved.value == pytest.approx(0.2)
    assert stop.accuracy_lost.value == pytest.approx(0.4 * (1 - 0.75**0.5), abs=0.01)
    row = [cell.text for cell in stop_table(group, "stops").rows[0]]
    assert row[:5] == [
        "plateau",
        "smallest margin",
        "9 of 10",
        "200 [200, 200]",
        "20.0 [20.0, 20.0]",
    ]


def test_rule_that_never_says_stop_stands_with_none_of_the_runs(tmp_path):
    metadata = {"spec": {"stop": ["uncertainty:0.05", "plateau"]}}
    folder = write_results(tmp_path, planted_rows(("smallest_margin",), seed_count=2), metadata)
    (figures,) = analyze(read_results(folder), (0.9,)).settings
    table = stop_table(figures.groups[0], "stops")
    found = [[cell.text for cell in row] for row in table.rows]
    assert found[0] == ["uncertainty:0.05", "smallest margin", "0 of 2", "–", "–", "–"]
    assert found[1][:4] == ["plateau", "smallest margin", "1 of 2", "200"]


def test_rules_together_stop_where_the_first_or_all_of_them_say_so(figures_of):
    rows = [
        row | {"stop": ["plateau"] * (row["round"] in (5, 12)) + ["stable"] * (row["round"] >= 9)}
        for row in planted_rows(("smallest_margin",), seed_count=1)
    ]
    (group,) = figures_of(rows).groups
    assert [(stop.rule, stop.labels.value) for stop in group.stops] == [
        ("plateau", 100),
        ("stable", 140),
        ("any of these", 100),
        ("all of these", 170),
    ]
    assert "any, or all, of them" in stop_table(group, "stops").notes[1]


def test_runs_with_fewer_seeds_are_compared_over_the_common_ones(figures_of):
    rows = [
        row
        for row in planted_rows(("smallest_margin", "random"))
        if row["acquisition_function"] != "smallest_margin" or row["seed"] < 7
    ]
    (group,) = figures_of(rows).groups
    assert by_name(group)["smallest_margin"].seeds == tuple(range(7))
    (comparison,) = group.comparisons
    assert comparison.difference.run_count == 7
    assert comparison.is_shown


def test_without_ceiling_nothing_is_said_of_it(figures_of):
    rows = [row for row in planted_rows(("smallest_margin", "random")) if row["selection_rule"]]
    figures = figures_of(rows)
    assert figures.ceiling is None
    assert by_name(figures.groups[0])["smallest_margin"].labels_to_reach == ()
    assert "ceiling" not in sentences(figures)


def test_without_test_accuracy_nothing_is_found(figures_of):
    rows = [row | {"test_accuracy": None} for row in planted_rows(("smallest_margin", "random"))]
    figures = figures_of(rows)
    assert sentences(figures) == ""
    margin = by_name(figures.groups[0])["smallest_margin"]
    assert (margin.accuracy, margin.area, margin.utilisation) == (None, None, None)
    assert margin.labels.value == 250


def test_ceiling_of_a_perfect_oracle_holds_for_every_oracle(figures_of):
    rows = [row | {"oracle": "noise:0.1"} for row in run_rows("smallest_margin", 0)] + ceiling_rows(
        0
    )
    figures = figures_of(rows)
    assert figures.setting.oracle == "noise:0.1"
    assert figures.ceiling.value == CEILING


def test_ceiling_alone_is_told(figures_of):
    assert sentences(figures_of(ceiling_rows(0))) == "All 2,400 labels give 90.0%."


def test_shown_needs_a_corrected_p_of_at_most_five_percent(figures_of):
    (comparison,) = figures_of(planted_rows(("smallest_margin", "random"))).groups[0].comparisons
    assert replace(comparison, corrected_p=0.05).is_shown
    assert not replace(comparison, corrected_p=0.0501).is_shown
