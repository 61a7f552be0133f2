"""The tables of labels needed: of every arm in a setting, and over all settings."""

from collections.abc import Sequence
from itertools import chain
from math import isinf

from aloe.bench.report.analysis import ArmOverall, Figures, SettingFigures
from aloe.bench.report.arms import Arm
from aloe.bench.report.censored import Waited
from aloe.bench.report.comparing import MIN_SEED_COUNT, SIGNIFICANCE, power_of_seeds
from aloe.bench.report.labels_needed import OverallRatio
from aloe.bench.report.panels import spoken
from aloe.bench.report.setting_tables import power_text
from aloe.bench.report.strategy_figures import StrategyFigures
from aloe.bench.report.table import MISSING, Cell, Table, cells, number_text, p_text
from aloe.bench.report.wait_ratios import Bound, WaitRatio

BOUND_SIGNS = {
    Bound.EXACT: "",
    Bound.AT_MOST: "≤ ",
    Bound.AT_LEAST: "≥ ",
    Bound.RESTRICTED: "≈ ",
}
_RATIO_NOTE = (
    "÷: mean labels over those of the baseline, paired by seed; below 1 needs fewer. ≤ where runs"
    " of the baseline ended before they got there, ≥ where the arm's did, ≈ where both did: then"
    " labels count up to the end of the shortest such run."
)
_SEEDLESS = (
    "Their intervals say how the others vary alone; with --split-per-seed, and --ignore-splits for"
    " a data set that has splits, the clips do."
)
_OVERALL_NOTE = (
    "Geometric mean of the ratios of the settings, with a bootstrap over seeds: it is about these"
    " settings. One in which neither arm got there has no ratio, and is not among those counted."
)
_TEST_NOTE = (
    f"Bold where p ≤ {SIGNIFICANCE}; p by paired permutation, corrected by Holm for the arms of a"
    " level"
)
_NO_TEST_NOTE = f"Fewer than {MIN_SEED_COUNT} seeds in common: no tests."


def label_table(figures: SettingFigures, every: Figures, name: str) -> Table:
    """Say how many labels each arm of a setting needs, and what part of the baseline's."""
    strategies = strategies_of(figures)
    levels = [each.level for each in next((e.labels_to_reach for e in strategies), ())]
    baseline = spoken(every.baseline_name)
    return Table(
        name=name,
        title=f"{figures.setting.title}: labels needed, and ÷ those of {baseline}",
        columns=(
            "arm",
            "runs",
            *chain.from_iterable((f"{level_text(each)} of the ceiling", "÷") for each in levels),
        ),
        rows=tuple(_label_row(each, every.baseline, len(levels)) for each in strategies),
        notes=_label_notes(figures, strategies, bool(levels)),
    )


def _label_row(
    figures: StrategyFigures, baseline: Arm | None, level_count: int
) -> tuple[Cell, ...]:
    found: list[Cell] = []
    for each in figures.labels_to_reach:
        ratio = Cell("1") if figures.arm == baseline else ratio_cell(each.ratio)
        found += [Cell(waited_text(each.labels)), ratio]
    missing = cells(*[MISSING] * (2 * level_count - len(found)))
    return (*cells(spoken(figures.arm_name), str(len(figures.seeds))), *found, *missing)


def _label_notes(
    figures: SettingFigures, strategies: Sequence[StrategyFigures], has_levels: bool
) -> tuple[str, ...]:
    if figures.ceiling is None:
        return ("No ceiling: nothing was trained on all labels.",)
    if not has_levels:
        return ()
    head = f" ({figures.ceiling_head})" if figures.ceiling_head else ""
    ratios = [each.labels_to_reach[0].ratio for each in strategies if each.labels_to_reach]
    power = power_of_seeds(
        [e.ratio.run_count for e in ratios if e and e.ratio and e.p_value is not None]
    )
    test = f"{_TEST_NOTE}. {power_text(power)}" if power else _NO_TEST_NOTE
    height = f"{figures.ceiling.value:.1%}{head}"
    return (
        f"The ceiling of all arms, {figures.setting.title}: {height}.",
        _RATIO_NOTE,
        *_seedless_note(strategies),
        test,
    )


def _seedless_note(strategies: Sequence[StrategyFigures]) -> tuple[str, ...]:
    """Name the arms whose runs are one run, over and over."""
    names = [spoken(each.arm_name) for each in strategies if each.is_seedless]
    return (f"The same under every seed: {'; '.join(names)}. {_SEEDLESS}",) if names else ()


def overall_table(figures: Figures) -> Table:
    """Say what part of the baseline's labels each arm needs over all settings."""
    levels = [each.level for each in figures.overall[0].ratios]
    return Table(
        name="labels-overall",
        title=f"Labels needed ÷ those of {spoken(figures.baseline_name)}, over all settings",
        columns=(
            "arm",
            *chain.from_iterable(
                (f"{level_text(each)} of the ceiling", "settings", "worst") for each in levels
            ),
        ),
        rows=tuple(_overall_row(each) for each in figures.overall),
        notes=(
            _OVERALL_NOTE,
            _RATIO_NOTE,
            f"{_TEST_NOTE}, in all settings together.",
        ),
    )


def _overall_row(figures: ArmOverall) -> tuple[Cell, ...]:
    found = [Cell(spoken(figures.arm_name))]
    for each in figures.ratios:
        count = len(each.settings) + len(each.open_settings)
        found += [
            ratio_cell(each.ratio),
            Cell(f"{len(each.settings)} of {count}"),
            Cell(_worst_text(each)),
        ]
    return tuple(found)


def _worst_text(found: OverallRatio) -> str:
    if found.worst is None or found.worst.ratio is None:
        return MISSING
    return f"{BOUND_SIGNS[found.worst.bound]}{found.worst.ratio.value:.2f} ({found.worst_setting})"


def strategies_of(figures: SettingFigures) -> list[StrategyFigures]:
    """Return the figures of every arm of a setting."""
    return [each for group in figures.groups for each in group.strategies]


def level_text(level: float) -> str:
    """Write a part of the ceiling, as in 97.5%."""
    return f"{level * 100:.4g}%"


def waited_text(waited: Waited) -> str:
    """Write the median, censored where at least half of the runs never got there."""
    median, count = waited.median, waited.median.run_count
    share = f"({waited.arrived_count} of {count} reached)"
    if isinf(median.value):
        return f"> {waited.last_count:,} {share}"
    text = number_text(median.value, 0)
    if median.low is not None and median.high is not None:
        high = f"> {waited.last_count:,}" if isinf(median.high) else number_text(median.high, 0)
        text += f" [{number_text(median.low, 0)}, {high}]"
    return text if waited.arrived_count == count else f"{text} {share}"


def ratio_cell(found: WaitRatio | None) -> Cell:
    """Write a ratio with its interval and corrected p, strong where it may be claimed."""
    if found is None:
        return Cell(MISSING)
    return Cell(ratio_text(found), found.is_shown)


def ratio_text(found: WaitRatio) -> str:
    """Write a ratio, as in ≤ 0.57 [0.48, 0.67] (p 0.002)."""
    if found.ratio is None:
        return f"{MISSING} (neither within {found.limit or 0:,.0f})"
    text = f"{BOUND_SIGNS[found.bound]}{found.ratio.value:.2f}"
    if found.ratio.low is not None and found.ratio.high is not None:
        text += f" [{found.ratio.low:.2f}, {found.ratio.high:.2f}]"
    return text if found.corrected_p is None else f"{text} (p {p_text(found.corrected_p)})"
