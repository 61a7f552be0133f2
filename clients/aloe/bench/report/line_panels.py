"""Lines in rows of panels: how arms begin, and how right they say that they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from aloe.bench.report.curves import Curve
from aloe.bench.report.panels import FAINT, INK, colors_of, spoken

_WIDTH, _HEIGHT, _LEGEND_HEIGHT = 2.9, 2.2, 0.5
"""Inches, of a panel and what is below."""
_LEGEND_COLUMN_COUNT = 5
_MOST_MARKED = 8
"""With more points a line needs no marks."""


@dataclass(frozen=True, slots=True)
class LinePanel:
    """Lines of query strategies in one set of axes."""

    title: str
    places: str
    """What stands on the lower axis, in words."""
    curves: Mapping[str, Curve]
    """Name of a query strategy to what is drawn of it, in parts of one."""
    reference: float | None = None
    """Where a level line is drawn: what would be best, or is no difference."""


def draw_lines(rows: Sequence[Sequence[LinePanel]]) -> Figure:
    """Draw rows of panels; those of a column have one scale.

    Args:
        rows: one or more, each with as many panels as the longest or fewer.
    """
    column_count = max(map(len, rows))
    figure = Figure(
        figsize=(_WIDTH * column_count + 0.3, _HEIGHT * len(rows) + _LEGEND_HEIGHT),
        layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06, wspace=0.02),
    )
    axes = figure.subplots(len(rows), column_count, sharex="col", sharey="col", squeeze=False)
    names = dict.fromkeys(name for row in rows for panel in row for name in panel.curves)
    colors = colors_of(list(names))
    for place, row in enumerate(rows):
        for each, panel in zip(axes[place], row, strict=False):
            _draw(each, panel, colors)
        for empty in axes[place][len(row) :]:
            empty.remove()
    figure.legend(
        handles=[
            Line2D([], [], color=colors[name], linewidth=1.8, label=spoken(name)) for name in names
        ],
        loc="outside lower center",
        ncols=min(len(names), _LEGEND_COLUMN_COUNT),
        frameon=False,
    )
    return figure


def _draw(axes: Any, panel: LinePanel, colors: Mapping[str, str]) -> None:
    if panel.reference is not None:
        axes.axhline(panel.reference, color=INK, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    for name, curve in panel.curves.items():
        marker = "o" if len(curve.places) <= _MOST_MARKED else ""
        axes.plot(
            curve.places, curve.mean, color=colors[name], linewidth=1.3, marker=marker, markersize=3
        )
        if curve.low and curve.high:
            axes.fill_between(
                curve.places, curve.low, curve.high, color=colors[name], alpha=0.15, linewidth=0
            )
    axes.set_title(panel.title, loc="left", fontweight="bold", color=INK, fontsize=8.5)
    axes.set_xlabel(panel.places, color=INK, fontsize=8.5)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=None))
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="both", length=0, labelcolor=INK, labelsize=8, labelbottom=True)
