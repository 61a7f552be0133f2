"""Learning curves of a setting as figures: all strategies together, then each beside random."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from aloe.bench.plots import COLORS, INK, draw_ceiling, style_panel
from aloe.bench.report.analysis import RANDOM, SamplingFigures, SettingFigures
from aloe.bench.report.measures import Curve
from aloe.bench.report.runs import Run
from aloe.bench.report.strategy_tables import spoken
from aloe.client.types import AcquisitionFunction

_MAX_COLUMN_COUNT = 3
_PNG_DPI = 150
_SVG_METADATA = ("Date", "Creator", "Format", "Type")
"""Left out: a date would make every file a new one."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What learning curves are drawn against."""

    name: str
    curve: str
    """Of StrategyFigures."""
    places: str
    """Of Run."""


AXES = (Axis("labels", "against_labels", "labels"), Axis("rounds", "against_rounds", "rounds"))


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    strategies: Sequence[str]
    is_overview: bool = False


def write_learning_curves(
    setting: SettingFigures, group: SamplingFigures, runs: Sequence[Run], axis: Axis, path: Path
) -> str | None:
    """Draw the learning curves of a sampling as SVG and PNG.

    Args:
        setting: of the sampling, for the ceiling.
        group: the sampling's figures.
        runs: of the sampling, drawn faintly.
        axis: what to draw against.
        path: of the files, which end in the axis's name, .svg and .png.

    Returns:
        The SVG; None where no run has a test accuracy.
    """
    path = path.with_name(f"{path.name}-{axis.name}")
    curves = {
        each.strategy: curve
        for each in group.strategies
        if (curve := getattr(each, axis.curve)) and curve.places
    }
    if not curves:
        return None
    with _style(path.name):
        figure = _draw(setting, curves, runs, axis)
        # The layout is computed once, for both files.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata=dict.fromkeys(_SVG_METADATA))
        figure.savefig(path.with_name(f"{path.name}.png"), dpi=_PNG_DPI)
    svg = _shortened(drawn.getvalue())
    path.with_name(f"{path.name}.svg").write_text(svg, encoding="utf-8")
    return svg


def _shortened(svg: str) -> str:
    """Cut coordinates to hundredths of a point, which halves a figure of many runs."""
    return re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)


@contextmanager
def _style(salt: str) -> Iterator[None]:
    """Text stays text, so that a page can set its font and colour; the salt fixes the ids."""
    with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none", "font.size": 9.5}):
        yield


def _panels(strategies: Sequence[str]) -> list[_Panel]:
    others = [name for name in strategies if name != RANDOM]
    baseline = [name for name in strategies if name == RANDOM]
    if not others:
        return [_Panel(spoken(RANDOM), baseline)]
    singles = [_Panel(spoken(name), [*baseline, name]) for name in others]
    if len(others) == 1:
        return singles
    return [_Panel("all strategies", strategies, is_overview=True), *singles]


def _draw(
    setting: SettingFigures, curves: Mapping[str, Curve], runs: Sequence[Run], axis: Axis
) -> Figure:
    panels = _panels(list(curves))
    column_count = min(len(panels), _MAX_COLUMN_COUNT)
    row_count = ceil(len(panels) / column_count)
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06, wspace=0.02)
    figure = Figure(figsize=(3.1 * column_count + 0.6, 2.6 * row_count + 0.7), layout=layout)
    places = list(
        figure.subplots(row_count, column_count, sharex=True, sharey=True, squeeze=False).flat
    )
    for place, panel in zip(places, panels, strict=False):
        for name in panel.strategies:
            _draw_strategy(place, name, curves[name], is_overview=panel.is_overview)
            if not panel.is_overview:
                _draw_runs(place, [run for run in runs if run.strategy == name], axis)
        if setting.ceiling and setting.ceiling_label_count and panel is panels[0]:
            draw_ceiling(place, setting.ceiling.value, setting.ceiling_label_count)
        elif setting.ceiling:
            place.axhline(setting.ceiling.value, color=INK, linestyle=(0, (4, 3)), linewidth=1)
        style_panel(place, panel.title, axis.name)
        # Each column's lowest panel has no panel below it to take the ticks.
        place.tick_params(labelbottom=True)
    for empty in places[len(panels) :]:
        empty.remove()
    for row_start in places[::column_count]:
        row_start.set_ylabel("test accuracy", color=INK)
    _draw_legend(figure, curves, column_count)
    return figure


def _draw_strategy(panel: Any, name: str, curve: Curve, *, is_overview: bool) -> None:
    color = COLORS[AcquisitionFunction(name)]
    # The baseline lies below what is compared with it, unless it would be lost under all.
    order = 2 if name == RANDOM and not is_overview else 3
    panel.plot(curve.places, curve.mean, color=color, linewidth=1.3, zorder=order)
    if curve.low and curve.high and not is_overview:
        panel.fill_between(
            curve.places, curve.low, curve.high, color=color, alpha=0.3, linewidth=0, zorder=order
        )


def _draw_runs(panel: Any, runs: Sequence[Run], axis: Axis) -> None:
    """Draw all runs of a strategy as one faint line with gaps."""
    gap = np.full((2, 1), np.nan)
    curves = [part for run in runs for part in (run.curve(getattr(run, axis.places)), gap)]
    x, y = np.concatenate(curves, axis=1)
    color = COLORS[AcquisitionFunction(runs[0].strategy)]
    panel.plot(x, y, color=color, alpha=0.3, linewidth=0.5, zorder=1)


def _draw_legend(figure: Figure, curves: Mapping[str, Curve], column_count: int) -> None:
    handles: list[Any] = [
        Line2D([], [], color=COLORS[AcquisitionFunction(name)], linewidth=1.8, label=spoken(name))
        for name in curves
    ]
    if any(curve.low for curve in curves.values()):
        handles.append(Patch(color=INK, alpha=0.3, lw=0, label="95% interval of the mean"))
    handles.append(Line2D([], [], color=INK, alpha=0.4, linewidth=0.5, label="one run"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        # Rows of one length: a legend is filled by columns.
        ncols=ceil(len(handles) / ceil(len(handles) / (2 * column_count))),
        frameon=False,
    )
