"""The tables of a group: its query strategies, their comparisons, the stopping rules."""

from collections.abc import Sequence
from math import isinf

from aloe.bench.report.analysis import GroupFigures
from aloe.bench.report.arms import RANDOM
from aloe.bench.report.comparing import (
    MIN_SEED_COUNT,
    SIGNIFICANCE,
    Comparison,
    Power,
    power_of,
)
from aloe.bench.report.measures import Utilisation
from aloe.bench.report.panels import spoken
from aloe.bench.report.stopping import ALL, ANY, Stop
from aloe.bench.report.table import (
    MISSING,
    Cell,
    Table,
    cells,
    estimate_text,
    number_text,
    p_text,
    percent_text,
    signed_text,
)


def strategy_table(figures: GroupFigures, name: str) -> Table:
    """Say how good the heads of each query strategy are."""
    return Table(
        name=name,
        title=f"Query strategies, {figures.name}",
        columns=(
            "query strategy",
            "runs",
            "labels",
            "test accuracy, %",
            "area, %",
            "part of random's labels",
            "macro-F1, %",
            "calibration error, %",
            "s per round",
        ),
        rows=tuple(
            cells(
                spoken(each.name),
                str(len(each.seeds)),
                number_text(each.labels.value, 0) if each.labels else MISSING,
                percent_text(each.accuracy),
                percent_text(each.area),
                "1" if each.name == RANDOM else utilisation_text(each.utilisation),
                percent_text(each.macro_f1),
                percent_text(each.calibration_error),
                estimate_text(each.round_s, digits=3),
            )
            for each in figures.strategies
        ),
        notes=(*_range_note(figures), *_time_note(figures)),
    )


def _range_note(figures: GroupFigures) -> tuple[str, ...]:
    if figures.label_range is None:
        return ("No area: the learning curves have no label count in common.",)
    first, last = figures.label_range
    return (f"Area from {first:,.0f} to {last:,.0f} labels, which every run covers.",)


def _time_note(figures: GroupFigures) -> tuple[str, ...]:
    if not any(each.round_s for each in figures.strategies):
        return ()
    return (
        "Seconds per round were measured while several runs went on at once: one alone is faster.",
    )


def utilisation_text(found: Utilisation | None) -> str:
    """Write the data utilisation rate, censored where the accuracy was never reached."""
    if found is None:
        return MISSING
    beyond = f"> {found.rate_bound:.2f}"
    text = beyond if isinf(found.rate.value) else f"{found.rate.value:.2f}"
    if found.rate.low is None or found.rate.high is None or isinf(found.rate.low):
        return text
    low, high = (
        beyond if isinf(bound) else f"{bound:.2f}" for bound in (found.rate.low, found.rate.high)
    )
    return f"{text} [{low}, {high}]"


def win_table(figures: GroupFigures, name: str) -> Table:
    """Compare every query strategy, by row, with every other, by column."""
    by_pair: dict[tuple[str, str], tuple[Comparison, int]] = {}
    for each in figures.comparisons:
        by_pair[each.first, each.second] = each, 1
        by_pair[each.second, each.first] = each, -1
    names = [each.name for each in figures.strategies]
    return Table(
        name=name,
        title=f"Area of the row's minus the column's, in points, {figures.name}",
        columns=("query strategy", *(spoken(each) for each in names)),
        rows=tuple(
            (Cell(spoken(row)), *(_win_cell(by_pair.get((row, column))) for column in names))
            for row in names
        ),
        notes=comparison_notes(figures.comparisons),
    )


def _win_cell(found: tuple[Comparison, int] | None) -> Cell:
    if found is None:
        return Cell("")
    comparison, sign = found
    difference = signed_text(sign * comparison.difference.value * 100, 1)
    if comparison.corrected_p is None:
        return Cell(difference)
    return Cell(f"{difference} (p {p_text(comparison.corrected_p)})", comparison.is_shown)


def comparison_notes(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Say what so many seeds can show."""
    power = power_of(comparisons)
    if power is None:
        return (f"Fewer than {MIN_SEED_COUNT} seeds in common: no test, and no claim.",)
    test = (
        f"Paired over {power.seed_count} seeds, p by sign flips, corrected by Holm for"
        f" {power.comparison_count} comparisons; bold where p ≤ {SIGNIFICANCE}"
    )
    return (f"{test}. {power_text(power)}",)


def power_text(power: Power) -> str:
    """Say what the smallest p is, and how many seeds it takes where that is too large."""
    text = (
        f"The smallest p that so many seeds can give is {p_text(power.smallest_p)}, corrected"
        f" {p_text(power.smallest_corrected_p)}"
    )
    if power.is_enough:
        return f"{text}."
    return f"{text}: nothing can be shown; it takes {power.needed_seed_count} seeds."


def stop_table(figures: GroupFigures, name: str) -> Table:
    """Put one stopping rule and query strategy in each row."""
    several = any(stop.rule in (ANY, ALL) for stop in figures.stops)
    return Table(
        name=name,
        title=f"Stopping where a rule first says stop, {figures.name}",
        columns=(
            "rule",
            "query strategy",
            "stopped",
            "labels at the stop",
            "labels saved, %",
            "accuracy lost, points",
        ),
        rows=tuple(_stop_row(stop) for stop in figures.stops),
        notes=(
            "Means over the runs in which it says stop; saved and lost against the run's end.",
            *(
                ("Of several rules: the first head at which any, or all, of them say stop.",)
                * several
            ),
        ),
        text_column_count=2,
    )


def _stop_row(stop: Stop) -> tuple[Cell, ...]:
    return cells(
        stop.rule,
        spoken(stop.strategy),
        f"{stop.stopped_count} of {stop.run_count}",
        estimate_text(stop.labels, digits=0),
        percent_text(stop.labels_saved),
        percent_text(stop.accuracy_lost),
    )


def difference_table(comparisons: Sequence[Comparison], name: str, title: str) -> Table:
    """Put each query strategy's difference from one rival in a row."""
    return Table(
        name=name,
        title=title,
        columns=("query strategy", "difference, points", "corrected p"),
        rows=tuple(
            (
                Cell(spoken(each.first)),
                Cell(percent_text(each.difference), each.is_shown),
                Cell(MISSING if each.corrected_p is None else p_text(each.corrected_p)),
            )
            for each in comparisons
        ),
        notes=comparison_notes(comparisons),
    )
