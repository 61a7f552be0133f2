"""The tables against random: area, accuracy with the first labels, and when classes are seen."""

from collections.abc import Sequence

from aloe.bench.report.analysis import GroupFigures
from aloe.bench.report.arms import RANDOM
from aloe.bench.report.comparing import Comparison
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.label_tables import ratio_cell, waited_text
from aloe.bench.report.panels import spoken
from aloe.bench.report.setting_tables import comparison_notes
from aloe.bench.report.starts import START_LABEL_COUNTS, AccuracyAt
from aloe.bench.report.strategy_figures import StrategyFigures
from aloe.bench.report.table import (
    MISSING,
    Cell,
    Table,
    number_text,
    p_text,
    percent_text,
    signed_text,
)

_START_NOTE = (
    "In brackets behind an accuracy: minus random's, points, seed by seed. Clips are counted where"
    " a run asked for all of its labels."
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
        Cell("1")
        if seen and figures.name == RANDOM
        else ratio_cell(seen.over_random if seen else None),
    )


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
