"""Learning curves drawn in panels: the one way that the bench draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from math import ceil
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from aloe.bench.arrays import Float64Array
from aloe.bench.report.arms import RANDOM
from aloe.bench.report.curves import Curve
from aloe.client.types import AcquisitionFunction, SelectionRule

# Okabe and Ito's colours, which stay apart for colour-blind readers, and two more.
PALETTE = (
    *("#0072B2", "#CC79A7", "#009E73", "#D55E00", "#E69F00", "#56B4E9"),
    *("#8C6D31", "#6A3D9A"),
)
BASELINE_COLOR = "#7F7F7F"
INK, FAINT, PAPER = "#222222", "#E6E6E6", "#FFFFFF"
_STRATEGIES = [each.value for kind in (AcquisitionFunction, SelectionRule) for each in kind]
_COLORS = dict(zip((e for e in _STRATEGIES if e != RANDOM), cycle(PALETTE), strict=False))
_MAX_COLUMN_COUNT = 3
_SMALL, _LARGE = (3.1, 2.6), (4.8, 3.2)
"""Inches of a panel, across and up."""
_ENTRY_MARGIN, _CHARACTER = 0.7, 0.075
"""Inches of an entry of the legend: without its name, and for each character of that."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the heads that were trained on every label reach."""

    accuracy: float
    label_count: int
    is_named: bool = True
    """Whether the accuracy and label count are written on its line."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Some query strategies in one set of axes."""

    title: str
    curves: Mapping[str, Curve]
    """Query strategy to the mean over its runs."""
    runs: Mapping[str, Sequence[Float64Array]] = field(default_factory=dict)
    """Query strategy to the curve of each run, (2, n_points); empty to draw means alone."""
    ceiling: Ceiling | None = None


def draw_panels(
    panels: Sequence[Panel], places: str, *, same_places: bool, is_large: bool = False
) -> Figure:
    """Draw panels in rows of up to three, with one scale of accuracy.

    Args:
        panels: one or more.
        places: what the curves are drawn against, in words.
        same_places: whether all panels have one scale of places.
        is_large: for a single panel of many curves.
    """
    column_count = min(len(panels), _MAX_COLUMN_COUNT)
    row_count = ceil(len(panels) / column_count)
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06, wspace=0.02)
    width, height = _LARGE if is_large else _SMALL
    size = (width * column_count + 0.6, height * row_count + 0.7)
    figure = Figure(figsize=size, layout=layout)
    axes = list(
        figure.subplots(
            row_count, column_count, sharex=same_places, sharey=True, squeeze=False
        ).flat
    )
    colors = colors_of([name for panel in panels for name in panel.curves])
    for each, panel in zip(axes, panels, strict=False):
        _draw_panel(each, panel, colors)
        _style(each, panel.title, places)
    for empty in axes[len(panels) :]:
        empty.remove()
    for row_start in axes[::column_count]:
        row_start.set_ylabel("test accuracy", color=INK)
    longest = max((len(name) for panel in panels for name in panel.curves), default=0)
    entry_count = max(1, int(size[0] / (_ENTRY_MARGIN + _CHARACTER * longest)))
    _draw_legend(figure, panels, colors, min(2 * column_count, entry_count))
    return figure


def spoken(name: str) -> str:
    """Write the name of a query strategy in words."""
    return name.replace("_", " ")


def colors_of(names: Sequence[str]) -> dict[str, str]:
    """Give query strategies their colours: grey for random, the same one in every figure.

    Two that have the same get different ones where both are drawn, as long as there are any.
    """
    colors = {RANDOM: BASELINE_COLOR}
    for name in dict.fromkeys(names):
        own = _COLORS.get(name) or _COLORS.get(name.rpartition(" ")[2], PALETTE[0])
        free = [color for color in (own, *PALETTE) if color not in colors.values()]
        colors.setdefault(name, next(iter(free), own))
    return colors


def _draw_panel(axes: Any, panel: Panel, colors: Mapping[str, str]) -> None:
    for name, curve in panel.curves.items():
        runs = panel.runs.get(name, ())
        # The baseline is drawn below the one that is compared with it; below many it would be lost.
        order = 2 if name == RANDOM and runs else 3
        axes.plot(curve.places, curve.mean, color=colors[name], linewidth=1.3, zorder=order)
        if runs:
            _draw_runs(axes, runs, colors[name])
        if runs and curve.low and curve.high:
            axes.fill_between(
                curve.places,
                curve.low,
                curve.high,
                color=colors[name],
                alpha=0.3,
                linewidth=0,
                zorder=order,
            )
    if panel.ceiling:
        _draw_ceiling(axes, panel.ceiling)


def _draw_runs(axes: Any, runs: Sequence[Float64Array], color: str) -> None:
    """Draw all runs of a query strategy as one faint line with gaps."""
    gap = np.full((2, 1), np.nan)
    x, y = np.concatenate([part for run in runs for part in (run, gap)], axis=1)
    axes.plot(x, y, color=color, alpha=0.3, linewidth=0.5, zorder=1)


def _draw_ceiling(axes: Any, ceiling: Ceiling) -> None:
    axes.axhline(ceiling.accuracy, color=INK, linestyle=(0, (4, 3)), linewidth=1)
    if ceiling.is_named:
        axes.annotate(
            f"all {ceiling.label_count:,} labels: {ceiling.accuracy:.1%}",
            (1, ceiling.accuracy),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=INK,
            # Curves may pass above the line.
            bbox={"facecolor": PAPER, "alpha": 0.5, "linewidth": 0, "pad": 0.5},
        )


def _style(axes: Any, title: str, places: str) -> None:
    """Give axes their title and labels: accuracies in percent, little ink."""
    axes.set_title(title, loc="left", fontweight="bold", color=INK, pad=10)
    axes.set_xlabel(places, color=INK)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="both", length=0, labelcolor=INK)
    # On every panel: with a shorter last row, a column's lowest panel would have no labels.
    axes.tick_params(labelbottom=True)


def _draw_legend(
    figure: Figure, panels: Sequence[Panel], colors: Mapping[str, str], entry_count: int
) -> None:
    """Draw the legend below, with at most so many entries beside each other."""
    curves = {name: curve for panel in panels for name, curve in panel.curves.items()}
    handles: list[Any] = [
        Line2D([], [], color=colors[name], linewidth=1.8, label=spoken(name)) for name in curves
    ]
    if any(curve.low for curve in curves.values()):
        handles.append(Patch(color=INK, alpha=0.3, lw=0, label="95% interval of the mean"))
    if any(panel.runs for panel in panels):
        handles.append(Line2D([], [], color=INK, alpha=0.4, linewidth=0.5, label="one run"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        # Matplotlib fills a legend by columns: choose their number so that its rows are full.
        ncols=ceil(len(handles) / ceil(len(handles) / entry_count)),
        frameon=False,
    )
