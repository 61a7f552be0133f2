"""What a report says over all settings: parts with figures above tables."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from aloe.bench.report.analysis import ArmEstimates, Figures
from aloe.bench.report.arms import Arm, Choices, choice_name
from aloe.bench.report.curves import Curve
from aloe.bench.report.estimate_tables import accept_table, estimate_table
from aloe.bench.report.estimates import EstimateError
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.line_panels import LinePanel
from aloe.bench.report.overall_figures import write_lines
from aloe.bench.report.overall_starts import OverallStart
from aloe.bench.report.page import Part, Picture
from aloe.bench.report.start_tables import overall_start_table

_COVERAGE = 0.95
"""What intervals are meant to hold."""
_WHERE = "over all settings"
Rows = Sequence[Sequence[LinePanel]]


def starts_part(figures: Figures, folder: Path) -> Part:
    """Say how arms begin beside random picks."""
    groups = _by_choices([each.arm for each in figures.starts])
    rows = [
        _start_panels([each for each in figures.starts if each.arm.choices == choices], lead)
        for choices, lead in groups.items()
    ]
    caption = f"How arms begin, beside random picks, {_WHERE}"
    is_compared = any(each.gains for each in figures.starts)
    tables = (overall_start_table(figures.starts),) if is_compared else ()
    return Part("from the first labels on", _pictures(rows, caption, folder / "starts"), tables)


def _start_panels(starts: Sequence[OverallStart], lead: str) -> list[LinePanel]:
    gains = {each.arm.strategy_name: each.gain_curve for each in starts if each.gain_curve}
    seen = {each.arm.strategy_name: each.seen_curve for each in starts if each.seen_curve}
    return [
        LinePanel(f"{lead}accuracy minus random's", "labels", gains, reference=0.0),
        LinePanel(f"{lead}classes seen", "clips", seen, reference=1.0),
    ]


def estimates_part(figures: Figures, max_error: float, folder: Path) -> Part:
    """Say how right heads say that they are, and what they would accept."""
    errors = [error for each in figures.estimates for error in each.errors]
    groups = _by_choices([each.arm for each in figures.estimates])
    rows = [
        _estimate_panels(
            [each for each in figures.estimates if each.arm.choices == choices], lead, max_error
        )
        for choices, lead in groups.items()
    ]
    caption = f"How right heads say that they are, and what they would accept, {_WHERE}"
    tables = (
        (
            estimate_table(errors, _WHERE, "estimates-overall"),
            accept_table(errors, max_error, _WHERE, "accepted-overall"),
        )
        if errors
        else ()
    )
    return Part(
        "estimates of accuracy",
        _pictures(rows, caption, folder / "estimates"),
        tuple(each for each in tables if each is not None),
    )


def _estimate_panels(
    estimates: Sequence[ArmEstimates], lead: str, max_error: float
) -> list[LinePanel]:
    def curves(of: Callable[[EstimateError], Estimate | None]) -> dict[str, Curve]:
        found = {e.arm.strategy_name: _curve_of(e.errors, of) for e in estimates}
        return {name: curve for name, curve in found.items() if curve}

    return [
        LinePanel(
            f"{lead}estimate minus truth", "labels", curves(lambda e: e.error), reference=0.0
        ),
        LinePanel(
            f"{lead}intervals that hold it",
            "labels",
            # Without a band: one by Student's t may leave what a part can be.
            curves(lambda e: replace(e.covered, low=None, high=None)),
            reference=_COVERAGE,
        ),
        LinePanel(f"{lead}accepted", "labels", curves(lambda e: e.rest.share if e.rest else None)),
        LinePanel(
            f"{lead}wrong of the accepted",
            "labels",
            curves(lambda e: e.rest.error if e.rest else None),
            reference=max_error,
        ),
    ]


def _curve_of(
    errors: Iterable[EstimateError], of: Callable[[EstimateError], Estimate | None]
) -> Curve | None:
    points = [(float(each.label_count), found) for each in errors if (found := of(each))]
    if not points:
        return None
    has_band = all(each.low is not None and each.high is not None for _, each in points)
    return Curve(
        places=tuple(count for count, _ in points),
        mean=tuple(each.value for _, each in points),
        low=tuple(each.low or 0.0 for _, each in points) if has_band else None,
        high=tuple(each.high or 0.0 for _, each in points) if has_band else None,
    )


def _by_choices(arms: Sequence[Arm]) -> dict[Choices, str]:
    """Return what else was chosen for arms, with how a panel's title begins by that."""
    names = {arm.choices: choice_name(arm, arms) for arm in arms}
    return {choices: f"{name}: " if name else "" for choices, name in names.items()}


def _pictures(rows: Rows, caption: str, path: Path) -> tuple[Picture, ...]:
    """Draw the panels that have a line."""
    kept = [[panel for panel in row if panel.curves] for row in rows]
    svg = write_lines([row for row in kept if row], path)
    return (Picture(caption, svg),) if svg else ()
