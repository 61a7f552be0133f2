"""The tables of how right heads say that they are, and of what they would accept."""

from collections.abc import Sequence

from aloe.bench.report.estimates import Accepting, EstimateError
from aloe.bench.report.panels import spoken
from aloe.bench.report.table import MISSING, Cell, Table, cells, number_text, percent_text

_HEAD_NOTE = "Of the last head up to so many labels. Few test clips tell their accuracy roughly."


def estimate_table(errors: Sequence[EstimateError], where: str, name: str) -> Table:
    """Say how far estimates without validation labels are from the accuracy on the test clips.

    Args:
        errors: one or more.
        where: the settings or the group, in words.
        name: of the table's files.
    """
    return Table(
        name=name,
        title=f"Estimates of accuracy without validation labels, {where}",
        columns=(
            "arm",
            "labels",
            "runs",
            "mean distance from test accuracy, points",
            "estimate minus test accuracy, points",
            "intervals that hold test accuracy, %",
            "width of intervals, points",
        ),
        rows=tuple(
            cells(
                spoken(each.name),
                str(each.label_count),
                _runs_text(each),
                percent_text(each.absolute_error),
                percent_text(each.error),
                number_text(100 * each.covered.value, 0),
                number_text(100 * each.width.value, 0),
            )
            for each in errors
        ),
        notes=(_HEAD_NOTE,),
    )


def accept_table(
    errors: Sequence[EstimateError], max_error: float, where: str, name: str
) -> Table | None:
    """Say how much heads would accept by themselves, and how much of that is wrong.

    Args:
        errors: some.
        max_error: part of the accepted predictions that was to be wrong at most.
        where: the settings or the group, in words.
        name: of the table's files.

    Returns:
        None where it was not looked at.
    """
    known = [each for each in errors if each.rest is not None or each.test is not None]
    if not known:
        return None
    return Table(
        name=name,
        title=f"Predictions accepted so that {_percent(max_error)} of them are wrong, {where}",
        columns=(
            "arm",
            "labels",
            "runs",
            "accepted of the clips not asked, %",
            "of these wrong, %",
            "accepted of the test clips, %",
            "of these wrong, %",
        ),
        rows=tuple(
            (
                *cells(spoken(each.name), str(each.label_count), _runs_text(each)),
                *_accepting_cells(each.rest, max_error),
                *_accepting_cells(each.test, max_error),
            )
            for each in known
        ),
        notes=(
            "Of all runs together; settings with more clips do not count more.",
            f"Bold where the interval is above {_percent(max_error)}.",
        ),
    )


def _accepting_cells(found: Accepting | None, max_error: float) -> tuple[Cell, ...]:
    if found is None:
        return cells(MISSING, MISSING)
    error = found.error
    is_over = error is not None and error.low is not None and error.low > max_error
    return Cell(percent_text(found.share)), Cell(percent_text(error), is_over)


def _percent(part: float) -> str:
    return f"{part * 100:.3g}%"


def _runs_text(each: EstimateError) -> str:
    if each.setting_count == 1:
        return str(each.run_count)
    return f"{each.run_count} in {each.setting_count} settings"
