"""Learning curves as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from aloe.bench.curves import FloatArray, align
from aloe.bench.results import Ceiling, Run
from aloe.client.types import AcquisitionFunction, SelectionRule

# Okabe and Ito's colours, which stay apart for colour-blind readers; grey for the baseline.
COLORS = {
    AcquisitionFunction.SMALLEST_MARGIN: "#0072B2",
    AcquisitionFunction.RANDOM: "#7F7F7F",
    AcquisitionFunction.ENTROPY: "#D55E00",
    AcquisitionFunction.LEAST_CONFIDENCE: "#009E73",
    AcquisitionFunction.LARGEST_MARGIN: "#CC79A7",
    AcquisitionFunction.NORM: "#E69F00",
    AcquisitionFunction.MARGIN_LOGITS: "#56B4E9",
}
_LINE_STYLES = {SelectionRule.CLASS_AWARE: "-", SelectionRule.CLASS_AGNOSTIC: (0, (4, 1.5))}
INK, FAINT = "#222222", "#E6E6E6"
_SUFFIXES = (".png", ".svg", ".pdf")
_MAX_COLUMN_COUNT = 3


class PlotError(Exception):
    """A picture that cannot be drawn: one line that says why and what to do."""


def plot_learning_curves(runs: Sequence[Run], ceilings: Sequence[Ceiling], path: Path) -> None:
    """Draw test accuracy against labels, one panel per task, as PNG, SVG or PDF by file ending.

    Each strategy is a line, the mean over seeds, in a band from the lowest to the highest run; a
    task's ceiling is a dashed line.

    Raises:
        PlotError: matplotlib is missing, the file cannot be written, or there is no accuracy.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise PlotError(f"cannot draw {path}: let its name end in {', '.join(_SUFFIXES)}")
    curves = _curves(runs)
    if not curves:
        raise PlotError("nothing to draw: no run has a test accuracy; give the tasks test clips")
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise PlotError("no matplotlib: pip install 'aloe-speech[all]'") from error
    # A fixed salt and no date: the same curves give the same file.
    with rc_context({"svg.hashsalt": "aloe", "font.size": 9.5}):
        figure = _draw(curves, ceilings)
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        try:
            figure.savefig(path, dpi=200, metadata=metadata.get(path.suffix.lower()))
        except OSError as error:
            raise PlotError(f"cannot write {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class _Curve:
    """The runs of one task and strategy, at the label counts that all of them cover."""

    task: str
    strategy: AcquisitionFunction
    selection: SelectionRule
    labels: FloatArray
    """(n_points,)"""
    accuracies: FloatArray
    """(n_runs, n_points)"""


def _curves(runs: Sequence[Run]) -> list[_Curve]:
    groups: dict[tuple[str, AcquisitionFunction, SelectionRule], list[FloatArray]] = {}
    for run in runs:
        points = [(p.labels, p.accuracy) for p in run.test_curve if p.accuracy is not None]
        if points:
            key = (run.task, run.strategy, run.selection)
            groups.setdefault(key, []).append(np.array(points, dtype=np.float64).T)
    return [_Curve(*key, *align(group)) for key, group in groups.items()]


def _draw(curves: Sequence[_Curve], ceilings: Sequence[Ceiling]) -> Any:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    tasks = list(dict.fromkeys(curve.task for curve in curves))
    row_count = ceil(len(tasks) / _MAX_COLUMN_COUNT)
    column_count = ceil(len(tasks) / row_count)
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.06, wspace=0.03)
    figure = Figure(figsize=(3.4 * column_count + 0.6, 3.0 * row_count + 0.6), layout=layout)
    panels = list(figure.subplots(row_count, column_count, sharey=True, squeeze=False).flat)
    for panel, task in zip(panels, tasks, strict=False):
        _draw_panel(panel, task, curves, ceilings)
    for empty in panels[len(tasks) :]:
        empty.remove()
    for row_start in panels[::column_count]:
        row_start.set_ylabel("test accuracy")
    _draw_legend(figure, panels[: len(tasks)], column_count, curves)
    return figure


def _draw_legend(
    figure: Any, panels: Sequence[Any], column_count: int, curves: Sequence[_Curve]
) -> None:
    from matplotlib.patches import Patch

    lines = [line for panel in panels for line in panel.lines]
    handles = {line.get_label(): line for line in lines if not line.get_label().startswith("_")}
    run_count = max(len(curve.accuracies) for curve in curves)
    if run_count > 1:
        handles[f"lowest to highest of {run_count} runs"] = Patch(color=INK, alpha=0.15, lw=0)
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=column_count,
        frameon=False,
    )


def _draw_panel(
    panel: Any, task: str, curves: Sequence[_Curve], ceilings: Sequence[Ceiling]
) -> None:
    several_selections = len({curve.selection for curve in curves}) > 1
    for curve in (curve for curve in curves if curve.task == task):
        name = curve.strategy.value.replace("_", " ")
        panel.plot(
            curve.labels,
            curve.accuracies.mean(axis=0),
            color=COLORS[curve.strategy],
            linestyle=_LINE_STYLES[curve.selection],
            linewidth=1.8,
            # The baseline lies below what is compared with it.
            zorder=2 if curve.strategy is AcquisitionFunction.RANDOM else 3,
            label=f"{name}, {curve.selection.value}" if several_selections else name,
        )
        low, high = curve.accuracies.min(axis=0), curve.accuracies.max(axis=0)
        panel.fill_between(
            curve.labels, low, high, color=COLORS[curve.strategy], alpha=0.15, linewidth=0
        )
    for ceiling in ceilings:
        if ceiling.task == task and ceiling.accuracy is not None:
            draw_ceiling(panel, ceiling.accuracy, ceiling.labels)
    style_panel(panel, task, "labels")


def style_panel(panel: Any, title: str, x_label: str) -> None:
    """Give a panel of learning curves its title and axes: accuracies in percent, little ink."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    panel.set_title(title, loc="left", fontweight="bold", color=INK, pad=10)
    panel.set_xlabel(x_label, color=INK)
    panel.margins(x=0.02)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
    panel.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    panel.grid(axis="y", color=FAINT, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(axis="both", length=0, labelcolor=INK)


def draw_ceiling(panel: Any, accuracy: float, label_count: int) -> None:
    """Draw what all labels reach as a dashed line."""
    panel.axhline(accuracy, color=INK, linestyle=(0, (4, 3)), linewidth=1, label="_")
    panel.annotate(
        f"all {label_count:,} labels: {accuracy:.1%}",
        (1, accuracy),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color=INK,
    )
