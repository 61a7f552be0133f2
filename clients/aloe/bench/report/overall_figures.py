"""Figures of all arms together: their learning curves, the labels they need, lines over labels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import fill

from aloe.bench.report.analysis import Figures, SettingFigures
from aloe.bench.report.curves import Curve
from aloe.bench.report.figures import ceiling_of, write_figure
from aloe.bench.report.forest import ForestPanel, draw_forest
from aloe.bench.report.label_tables import strategies_of
from aloe.bench.report.line_panels import LinePanel, draw_lines
from aloe.bench.report.panels import Panel, draw_panels, spoken
from aloe.bench.report.wait_ratios import WaitRatio

_TITLE_WIDTH = 32
"""Characters in a line above a panel; a large one has room for twice as many."""
_MAX_ARM_COUNT = 8
"""More do not fit into one panel, nor into the palette."""


def write_curves_of_arms(figures: Figures, path: Path) -> str | None:
    """Draw the mean learning curves of all arms together, a panel a setting, as SVG and PNG.

    Args:
        figures: of an experiment.
        path: of the files, without .svg and .png.

    Returns:
        The SVG; None where all arms stand in one group, whose own figure has them, or where they
        are so many that they hide one another.
    """
    names = {each.arm_name for setting in figures.settings for each in strategies_of(setting)}
    if len(names) > _MAX_ARM_COUNT or all(len(each.groups) < 2 for each in figures.settings):
        return None
    found = [(each, curves) for each in figures.settings if (curves := _means_of_arms(each))]
    if not found:
        return None
    is_large = len(found) == 1
    width = _TITLE_WIDTH * (2 if is_large else 1)
    panels = [
        Panel(fill(each.setting.title, width), curves, ceiling=ceiling_of(each, is_named=True))
        for each, curves in found
    ]
    return write_figure(
        lambda: draw_panels(panels, "labels", same_places=False, is_large=is_large), path
    )


def _means_of_arms(setting: SettingFigures) -> dict[str, Curve]:
    """Return the curves without their bands, which would hide one another."""
    return {
        each.arm_name: replace(curve, low=None, high=None)
        for each in strategies_of(setting)
        if (curve := each.against_labels) and curve.places
    }


def write_forest(figures: Figures, path: Path) -> str | None:
    """Draw what part of the baseline's labels each arm needs, as SVG and PNG.

    Args:
        figures: of an experiment.
        path: of the files, without .svg and .png.

    Returns:
        The SVG; None where no arm is compared with the baseline.
    """
    panels = [
        ForestPanel(each.setting.title, ratios)
        for each in figures.settings
        if (ratios := _ratios_of(each))
    ]
    if not panels:
        return None
    if len(panels) > 1:
        overall = {
            spoken(each.arm_name): {
                found.level: found.ratio for found in each.ratios if found.ratio is not None
            }
            for each in figures.overall
        }
        panels.insert(0, ForestPanel("geometric mean", overall))
    return write_figure(lambda: draw_forest(panels, spoken(figures.baseline_name)), path)


def write_lines(rows: Sequence[Sequence[LinePanel]], path: Path) -> str | None:
    """Draw rows of panels as SVG and PNG; return the SVG, None of no rows.

    Args:
        rows: of panels with lines.
        path: of the files, without .svg and .png.
    """
    return write_figure(lambda: draw_lines(rows), path) if rows else None


def _ratios_of(figures: SettingFigures) -> dict[str, dict[float, WaitRatio]]:
    return {
        spoken(each.arm_name): ratios
        for each in strategies_of(figures)
        if (
            ratios := {
                found.level: found.ratio
                for found in each.labels_to_reach
                if found.ratio is not None
            }
        )
    }
