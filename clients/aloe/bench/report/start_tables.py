"""The tables against random: area, accuracy with the first labels, and when classes are seen."""

from collections.abc import Sequence

from aloe.bench.report.analysis import GroupFigures
from aloe.bench.report.arms import RANDOM
from aloe.bench.report.comparing import Comparison
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.label_tables import ratio_cell, waited_text
from aloe.bench.report.overall_starts import Gain, OverallStart
from aloe.bench.report.panels import spoken
from aloe.bench.report.setting_tables import comparison_notes
from aloe.bench.report.starts import START_LABEL_COUNTS, AccuracyAt, MeanWait
from aloe.bench.report.strategy_figures import StrategyFigures
from aloe.bench.report.table import (
    MISSING,
    Cell,
    Table,
    estimate_text,
    number_text,
    p_text,
    percent_text,
    signed_text,
)
from aloe.bench.report.wait_ratios import WaitRatio

_START_NOTE = (
    "In brackets behind an accuracy: minus random's, points, seed by seed. Clips are counted where"
    " a run asked for all of its labels. ≥: some runs ended before; their clips count up to there."
)

_OVERALL_NOTE = (
    "Each arm beside the random picks that share most with it, seed by seed. Accuracies are means"
    " over settings, bold where the interval has not 0 in it; ratios are geometric means."
)
_SEEN_NOTE = (
    "÷: mean clips over random's; below 1 needs fewer. ≤ where random's runs ended before they saw"
    " a class, ≥ where the arm's did, ≈ where both did: then clips count up to the end of the"
    " shortest such run. Only of runs that asked for all of their labels."
)


def random_table(figures: GroupFigures, name: str) -> Table:
    """Put each query strategy's differences from random picks in a row."""
    by_name = {each.first: each for each in figures.against_random}
    return Table(
        name=name,
        title=f"Against {spoken(figures.random_name)}, {figures.name}",
        columns=(
            "query strategy",
            "area minus random's, points",
            "corrected p",
            *(f"accuracy with {count} labels, %" for count in START_LABEL_COUNTS),
            "clips until every class is seen",
            "÷ random's",
            "clips until a class is seen, mean over classes",
            "÷ random's",
        ),
        rows=tuple(_random_row(each, by_name.get(each.name)) for each in figures.strategies),
        notes=(
            *comparison_notes(figures.against_random),
            _START_NOTE,
        ),
    )


def _random_row(figures: StrategyFigures, area: Comparison | None) -> tuple[Cell, ...]:
    seen = figures.classes_seen
    return (
        Cell(spoken(figures.name)),
        Cell(percent_text(area.difference), area.is_shown) if area else Cell(MISSING),
        Cell(p_text(area.corrected_p) if area and area.corrected_p is not None else MISSING),
        *(Cell(_accuracy_text(each, figures.seeds)) for each in figures.start),
        Cell(waited_text(seen.every_class) if seen else MISSING),
        _ratio(figures, seen.over_random if seen else None),
        Cell(_mean_text(seen.mean_class) if seen else MISSING),
        _ratio(figures, seen.mean_over_random if seen else None),
    )


def _ratio(figures: StrategyFigures, ratio: WaitRatio | None) -> Cell:
    is_random = figures.classes_seen is not None and figures.name == RANDOM
    return Cell("1") if is_random else ratio_cell(ratio)


def _mean_text(wait: MeanWait) -> str:
    text = estimate_text(wait.mean)
    return f"≥ {text}" if wait.is_at_least else text


def overall_start_table(starts: Sequence[OverallStart]) -> Table:
    """Say how every arm begins beside random picks, over all settings."""
    others = [each for each in starts if each.gains]
    return Table(
        name="starts-overall",
        title="Against random picks, over all settings",
        columns=(
            "arm",
            *(
                f"accuracy with {count} labels minus random's, points"
                for count in START_LABEL_COUNTS
            ),
            "clips until every class is seen ÷ random's",
            "until a class is seen, mean over classes, ÷",
            "settings",
        ),
        rows=tuple(
            (
                Cell(spoken(each.arm_name)),
                *(_gain_cell(gain) for gain in each.gains),
                ratio_cell(each.every_class),
                ratio_cell(each.mean_class),
                Cell(str(max(each.setting_count, *(gain.setting_count for gain in each.gains)))),
            )
            for each in others
        ),
        notes=(
            _OVERALL_NOTE,
            _SEEN_NOTE,
        ),
    )


def _gain_cell(gain: Gain) -> Cell:
    found = gain.difference
    if found is None:
        return Cell(MISSING)
    is_shown = found.low is not None and found.high is not None and not found.low <= 0 <= found.high
    return Cell(_points(found), is_shown)


def _accuracy_text(found: AccuracyAt, seeds: Sequence[int]) -> str:
    if found.accuracy is None:
        return MISSING
    text = number_text(found.accuracy.value * 100, 1)
    if found.over_random is not None:
        text += f" ({_points(found.over_random)})"
    missing = len(seeds) - found.accuracy.run_count
    return f"{text}, {found.accuracy.run_count} runs" if missing else text


def _points(difference: Estimate) -> str:
    text = signed_text(difference.value * 100, 1)
    if difference.low is None or difference.high is None:
        return text
    low, high = (number_text(bound * 100, 1) for bound in (difference.low, difference.high))
    return f"{text} [{low}, {high}]"


def class_table(figures: GroupFigures, name: str) -> Table:
    """Put the clips until each class was seen in a row, a query strategy in each column."""
    seen = {
        each.name: each.classes_seen for each in figures.strategies if each.classes_seen is not None
    }
    rows = zip(*(each.by_class for each in seen.values()), strict=True)
    return Table(
        name=name,
        title=f"Clips until a class is first seen, {figures.name}",
        columns=("class", *map(spoken, seen)),
        rows=tuple(
            (Cell(row[0].name), *(Cell(waited_text(each.clips)) for each in row)) for row in rows
        ),
        notes=("Median over the runs; abstentions count as clips.",),
    )
