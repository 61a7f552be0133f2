"""Figures as files: learning curves for the page, one picture of every task."""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from aloe.bench.arrays import Float64Array
from aloe.bench.report.analysis import GroupFigures, SettingFigures, runs_of
from aloe.bench.report.arms import RANDOM
from aloe.bench.report.curves import Curve
from aloe.bench.report.panels import Ceiling, Panel, draw_panels, spoken
from aloe.bench.report.runs import ReportError, Results, Run

_PNG_DPI, _PICTURE_DPI = 150, 200
_SVG_METADATA = ("Date", "Creator", "Format", "Type")
"""Left out of the file: with a date, no two files of the same results would be equal."""
_PICTURE_METADATA = {".png": None, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
_MAX_STRATEGY_COUNT_WITH_RUNS = 3
"""With more query strategies in one panel, their single runs hide one another."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What learning curves are drawn against."""

    name: str
    curve: str
    """Name of the attribute of StrategyFigures."""
    places: str
    """Name of the attribute of Run."""


_LABELS = Axis("labels", "against_labels", "labels")
AXES = (_LABELS, Axis("rounds", "against_rounds", "rounds"))


def write_learning_curves(
    setting: SettingFigures,
    group: GroupFigures,
    runs: Mapping[str, Sequence[Run]],
    axis: Axis,
    path: Path,
) -> str | None:
    """Draw the learning curves of a group as SVG and PNG.

    Args:
        setting: for the ceiling.
        group: its figures.
        runs: of each query strategy in it, drawn faintly.
        axis: what to draw against.
        path: of the files, which end in the axis's name, .svg and .png.

    Returns:
        The SVG; None where no run has a test accuracy.
    """
    path = path.with_name(f"{path.name}-{axis.name}")
    curves = _mean_curves(group, axis)
    if not curves:
        return None
    panels = _panels_of_strategies(setting, curves, _curves_of_runs(runs, axis))
    return write_figure(lambda: draw_panels(panels, axis.name, same_places=True), path)


def write_figure(draw: Callable[[], Figure], path: Path) -> str:
    """Write a figure as SVG and PNG; return the SVG."""
    with _style(path.name):
        figure = draw()
        # The layout is computed once, for both files.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata=dict.fromkeys(_SVG_METADATA))
        figure.savefig(path.with_name(f"{path.name}.png"), dpi=_PNG_DPI)
    svg = _shortened(drawn.getvalue())
    path.with_name(f"{path.name}.svg").write_text(svg, encoding="utf-8")
    return svg


def check_picture_name(path: Path) -> None:
    """Check that a picture can have this name.

    Raises:
        ReportError: its ending is none of a format that can be drawn.
    """
    if path.suffix.lower() not in _PICTURE_METADATA:
        raise ReportError(f"cannot draw {path}: let its name end in {', '.join(_PICTURE_METADATA)}")


def write_picture(figures: Sequence[SettingFigures], results: Results, path: Path) -> None:
    """Draw test accuracy against labels, a panel for each task, as PNG, SVG or PDF by ending.

    The same results give the same file.

    Raises:
        ReportError: the file cannot be written or have this name, or no run has a test accuracy.
    """
    check_picture_name(path)
    panels = [
        _panel_of_task(setting, curves, _curves_of_runs(runs, _LABELS))
        for setting in figures
        for group in setting.groups
        if (curves := _mean_curves(group, _LABELS))
        and (runs := runs_of(results, setting.setting, group))
    ]
    if not panels:
        raise ReportError("nothing to draw: no run has a test accuracy")
    with _style("aloe"):
        figure = draw_panels(panels, _LABELS.name, same_places=False)
        try:
            metadata = _PICTURE_METADATA[path.suffix.lower()]
            figure.savefig(path, dpi=_PICTURE_DPI, metadata=metadata)
        except OSError as error:
            raise ReportError(f"cannot write {path}: {error.strerror}") from error


def _mean_curves(group: GroupFigures, axis: Axis) -> dict[str, Curve]:
    return {
        each.name: curve
        for each in group.strategies
        if (curve := getattr(each, axis.curve)) and curve.places
    }


def _curves_of_runs(runs: Mapping[str, Sequence[Run]], axis: Axis) -> dict[str, list[Float64Array]]:
    return {
        name: [run.curve(getattr(run, axis.places)) for run in of_strategy]
        for name, of_strategy in runs.items()
    }


def _panels_of_strategies(
    setting: SettingFigures, curves: Mapping[str, Curve], runs: Mapping[str, Sequence[Float64Array]]
) -> list[Panel]:
    """Put all query strategies together first, without their runs; then each beside random."""
    others = [name for name in curves if name != RANDOM] or [RANDOM]
    pairs = [
        (spoken(each), {name: curves[name] for name in (RANDOM, each) if name in curves})
        for each in others
    ]
    is_alone = len(others) == 1
    panels = [
        Panel(
            title=title,
            curves=pair,
            runs={name: runs[name] for name in pair},
            ceiling=ceiling_of(setting, is_named=is_alone),
        )
        for title, pair in pairs
    ]
    if len(others) > 1:
        together = Panel("all together", curves, ceiling=ceiling_of(setting, is_named=True))
        return [together, *panels]
    return panels


def _panel_of_task(
    setting: SettingFigures, curves: Mapping[str, Curve], runs: Mapping[str, Sequence[Float64Array]]
) -> Panel:
    is_crowded = len(curves) > _MAX_STRATEGY_COUNT_WITH_RUNS
    return Panel(
        title=setting.setting.task,
        curves=curves,
        runs={} if is_crowded else {name: runs[name] for name in curves},
        ceiling=ceiling_of(setting, is_named=True),
    )


def ceiling_of(setting: SettingFigures, *, is_named: bool) -> Ceiling | None:
    if setting.ceiling is None or not setting.ceiling_label_count:
        return None
    return Ceiling(setting.ceiling.value, setting.ceiling_label_count, is_named)


@contextmanager
def _style(salt: str) -> Iterator[None]:
    """Text stays text, so that a page can set its font and colour; the salt fixes the ids."""
    with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none", "font.size": 9.5}):
        yield


def _shortened(svg: str) -> str:
    """Cut coordinates to hundredths of a point, which halves a figure of many runs."""
    return re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
