"""A forest plot: what part of the baseline's labels each arm needs, a panel for each setting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import ceil
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from aloe.bench.report.label_tables import level_text
from aloe.bench.report.panels import FAINT, INK, PALETTE, PAPER
from aloe.bench.report.wait_ratios import Bound, WaitRatio

_LEVEL_COLORS = (PALETTE[4], PALETTE[0], PALETTE[7], *PALETTE[1:4])
_MARKERS = {Bound.EXACT: "o", Bound.AT_MOST: "<", Bound.AT_LEAST: ">", Bound.RESTRICTED: "D"}
_MARKER_NAMES = {
    Bound.AT_MOST: "≤: runs of the baseline ended before",
    Bound.AT_LEAST: "≥: runs of the arm did",
    Bound.RESTRICTED: "≈: runs of both did",
}
_MAX_COLUMN_COUNT = 6
_TITLE_WIDTH = 22
"""Characters."""
_PANELS_WIDTH, _MIN_PANEL_WIDTH, _MAX_PANEL_WIDTH = 9.0, 1.7, 3.2
_TICKS = (
    (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 2),
    (0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.25, 1.6, 2, 3, 4),
    (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10),
    (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100),
)
"""Ever fewer, for ever wider scales."""
_MAX_TICK_COUNT = 5
_LEVEL_HEIGHT, _ROW_GAP = 0.17, 0.16
"""Inches."""


@dataclass(frozen=True, slots=True)
class ForestPanel:
    """The ratios of the arms in one setting, or over all of them."""

    title: str
    ratios: Mapping[str, Mapping[float, WaitRatio]]
    """Name of an arm to level to ratio."""


def draw_forest(panels: Sequence[ForestPanel], baseline_name: str) -> Figure:
    """Draw panels in rows of up to six, with the same arms and one scale of ratios.

    Args:
        panels: one or more, at least one of which has a ratio.
        baseline_name: what the arms are compared with, in words.
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.ratios))
    levels = sorted({level for panel in panels for of in panel.ratios.values() for level in of})
    colors = dict(zip(levels, cycle(_LEVEL_COLORS), strict=False))
    column_count = min(len(panels), _MAX_COLUMN_COUNT)
    row_count = ceil(len(panels) / column_count)
    height = len(names) * (_LEVEL_HEIGHT * len(levels) + _ROW_GAP) + 0.75
    panel_width = min(max(_PANELS_WIDTH / column_count, _MIN_PANEL_WIDTH), _MAX_PANEL_WIDTH)
    width = panel_width * column_count + 0.075 * max(map(len, names))
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06, wspace=0.02)
    figure = Figure(figsize=(width, height * row_count + 0.6), layout=layout)
    axes = list(
        figure.subplots(row_count, column_count, sharex=True, sharey=True, squeeze=False).flat
    )
    for each, panel in zip(axes, panels, strict=False):
        _draw_panel(each, panel, names, colors)
        title = fill(panel.title, _TITLE_WIDTH)
        each.set_title(title, loc="left", fontweight="bold", color=INK, fontsize=8.5)
    for empty in axes[len(panels) :]:
        empty.remove()
    _style(axes[0], names)
    _draw_legend(figure, panels, colors, f"labels ÷ those of {baseline_name}")
    return figure


def _draw_panel(
    axes: Any, panel: ForestPanel, names: Sequence[str], colors: Mapping[float, str]
) -> None:
    axes.axvline(1, color=INK, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    for border in range(1, len(names)):
        axes.axhline(border - 0.5, color=FAINT, linewidth=0.8, zorder=0)
    step = 0.75 / len(colors)
    for row, name in enumerate(names):
        for place, (level, color) in enumerate(colors.items()):
            found = panel.ratios.get(name, {}).get(level)
            if found is not None:
                y = row + step * (place - (len(colors) - 1) / 2)
                _draw_ratio(axes, found, y, color)
    axes.set_xscale("log")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="both", length=0, labelcolor=INK)
    axes.tick_params(axis="x", labelbottom=True, labelsize=8)


def _draw_ratio(axes: Any, found: WaitRatio, y: float, color: str) -> None:
    """Draw a ratio as a point on its interval; full where it may be claimed to differ from 1."""
    if found.ratio is None:
        axes.annotate(
            "neither got there",
            (0, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=6.5,
            color=color,
        )
        return
    if found.ratio.low is not None and found.ratio.high is not None:
        ends = [found.ratio.low, found.ratio.high]
        axes.plot(ends, [y, y], color=color, linewidth=1.5, zorder=2, solid_capstyle="butt")
    axes.plot(
        [found.ratio.value],
        [y],
        marker=_MARKERS[found.bound],
        markersize=5,
        color=color,
        markerfacecolor=color if found.is_shown else PAPER,
        zorder=3,
    )


def _style(axes: Any, names: Sequence[str]) -> None:
    """Give the shared axes their names and ticks: ratios as factors, the first arm at the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    low, high = axes.get_xlim()
    shown = [[tick for tick in ticks if low <= tick <= high] for ticks in _TICKS]
    axes.set_xticks(next((e for e in shown if len(e) <= _MAX_TICK_COUNT), shown[-1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw_legend(
    figure: Figure,
    panels: Sequence[ForestPanel],
    colors: Mapping[float, str],
    title: str,
) -> None:
    every = [
        found for panel in panels for of_arm in panel.ratios.values() for found in of_arm.values()
    ]
    handles = [
        Line2D(
            [],
            [],
            color=color,
            marker="o",
            markersize=5,
            label=f"{level_text(level)} of the ceiling",
        )
        for level, color in colors.items()
    ]
    if any(not found.is_shown for found in every):
        handles.append(_marker("o", "a difference is not shown"))
    bounds = {found.bound for found in every if found.ratio is not None}
    handles += [
        _marker(_MARKERS[each], text) for each, text in _MARKER_NAMES.items() if each in bounds
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        title=title,
        title_fontsize=9,
        ncols=max(2, round(figure.get_figwidth() / 2.4)),
        frameon=False,
        fontsize=8,
    )


def _marker(marker: str, label: str) -> Line2D:
    return Line2D(
        [],
        [],
        color=INK,
        linewidth=0,
        marker=marker,
        markersize=5,
        markerfacecolor=PAPER,
        label=label,
    )
