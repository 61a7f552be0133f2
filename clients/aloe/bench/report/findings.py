"""What may be claimed, in sentences with their intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isinf

from aloe.bench.report.analysis import Figures, GroupFigures, SettingFigures
from aloe.bench.report.arms import MARGINS, RANDOM
from aloe.bench.report.comparing import MIN_SEED_COUNT, Comparison, power_of
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.label_sentences import label_sentences
from aloe.bench.report.labels_needed import LabelsNeeded, OverallRatio
from aloe.bench.report.panels import spoken
from aloe.bench.report.strategy_figures import StrategyFigures
from aloe.bench.report.table import number_text, p_text, signed_text
from aloe.bench.report.wait_ratios import WaitRatio


@dataclass(frozen=True, slots=True)
class Findings:
    """The sentences about one setting, or all of them."""

    title: str
    sentences: tuple[str, ...]


def findings_of(figures: Figures) -> Iterator[Findings]:
    """Say what was found over all settings, where there are several, and in each."""
    baseline = spoken(figures.baseline_name)
    if figures.overall and sum(bool(each.groups) for each in figures.settings) > 1:
        by_level = _by_level({each.arm_name: each.ratios for each in figures.overall})
        yield Findings("All settings", tuple(label_sentences(by_level, baseline)))
    for each in figures.settings:
        yield setting_findings(each, baseline)


def setting_findings(figures: SettingFigures, baseline: str) -> Findings:
    """Say what was found in a setting.

    Args:
        figures: of the setting.
        baseline: what labels needed are compared with, in words.
    """
    sentences: list[str] = []
    if not figures.groups and figures.ceiling:
        sentences.append(
            f"All {figures.ceiling_label_count:,} labels give"
            f" {figures.ceiling.value:.1%}{_interval(figures.ceiling, 100)}."
        )
    needed = {e.arm_name: e.labels_to_reach for group in figures.groups for e in group.strategies}
    sentences += label_sentences(_by_level(needed), baseline)
    for group in figures.groups:
        sentences += _against_random(group)
        leading = _leading(group.strategies)
        if leading:
            sentences += _against_ceiling(leading, group.name, figures)
            sentences += _labels_saved(leading, group)
    sentences += _between_selection_rules(figures.selection_rule_comparisons)
    return Findings(figures.setting.title, tuple(sentences))


def _by_level(
    found: Mapping[str, Sequence[LabelsNeeded | OverallRatio]],
) -> dict[float, dict[str, WaitRatio]]:
    by_level: dict[float, dict[str, WaitRatio]] = {}
    for name, of_arm in found.items():
        for each in of_arm:
            if each.ratio is not None:
                by_level.setdefault(each.level, {})[name] = each.ratio
    return by_level


def _leading(strategies: Sequence[StrategyFigures]) -> StrategyFigures | None:
    """Return the paper's default, else the first: chosen before seeing who wins."""
    others = [each for each in strategies if each.name != RANDOM]
    preferred = [each for each in others if each.name in MARGINS]
    return next(iter([*preferred, *others]), None)


def _against_random(group: GroupFigures) -> list[str]:
    rival = "random picks" if group.random_name == RANDOM else f"{spoken(group.random_name)} picks"
    return _verdicts(group.against_random, group.name, rival)


def _between_selection_rules(comparisons: Sequence[Comparison]) -> list[str]:
    lead = "Class-aware, at equal label counts"
    return _verdicts(comparisons, lead, "class-agnostic picks")


def _verdicts(comparisons: Sequence[Comparison], lead: str, rival: str) -> list[str]:
    """Sort comparisons with one rival into above, below and not shown, a sentence each."""
    lead = lead[0].upper() + lead[1:]
    tested = [each for each in comparisons if each.corrected_p is not None]
    sentences = [
        f"{lead}: above {rival} by area: {_list(group)}."
        if is_above
        else f"{lead}: below {rival} by area: {_list(group)}."
        for is_above in (True, False)
        if (
            group := [
                each for each in tested if each.is_shown and (each.difference.value > 0) == is_above
            ]
        )
    ]
    open_ones = [each for each in tested if not each.is_shown]
    if open_ones:
        sentences.append(f"{lead}: no difference from {rival} is shown for {_list(open_ones)}.")
    power = power_of(comparisons)
    if open_ones and power and not power.is_enough:
        sentences.append(
            f"{lead}: {power.seed_count} seeds cannot show any of {power.comparison_count}"
            f" differences, however large; {power.needed_seed_count} seeds could."
        )
    if len(tested) < len(comparisons):
        names = ", ".join(spoken(each.first) for each in comparisons if each.corrected_p is None)
        sentences.append(
            f"{lead}: nothing is claimed about {names} against {rival}: fewer than"
            f" {MIN_SEED_COUNT} seeds."
        )
    return sentences


def _list(comparisons: Sequence[Comparison]) -> str:
    return "; ".join(
        f"{spoken(each.first)} {_points(each.difference)}, p {_p(each)}" for each in comparisons
    )


def _p(comparison: Comparison) -> str:
    text = p_text(comparison.corrected_p or 0)
    return text if text.startswith("<") else f"= {text}"


def _points(difference: Estimate) -> str:
    """Write a difference of parts of one in points, as in +2.1 points [1.0, 3.2]."""
    return f"{signed_text(difference.value * 100, 1)} points{_interval(difference, 100)}"


def _interval(estimate: Estimate, scale: float) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = (number_text(bound * scale, 1) for bound in (estimate.low, estimate.high))
    return f" [{low}, {high}]"


def _against_ceiling(each: StrategyFigures, group_name: str, figures: SettingFigures) -> list[str]:
    gap, ceiling = each.ceiling_gap, figures.ceiling
    if gap is None or ceiling is None or each.accuracy is None or each.labels is None:
        return []
    lead = (
        f"{spoken(each.name).capitalize()}, {group_name}, ends at"
        f" {each.accuracy.value:.1%}{_interval(each.accuracy, 100)} with {each.labels.value:,.0f}"
        f" of {figures.ceiling_label_count:,} labels; all of them give"
        f" {ceiling.value:.1%}{_interval(ceiling, 100)}."
    )
    if gap.run_count < MIN_SEED_COUNT or gap.low is None or gap.high is None:
        return [lead]
    distance = f"{number_text(abs(gap.value) * 100, 1)} points"
    if gap.low > 0:
        return [f"{lead} That is {distance}{_interval(gap, 100)} below the ceiling."]
    if gap.high < 0:
        return [f"{lead} That is {distance} above the ceiling ({_interval(gap, 100).strip()})."]
    return [f"{lead} A distance from the ceiling is not shown:{_interval(gap, 100)} points."]


def _labels_saved(each: StrategyFigures, group: GroupFigures) -> list[str]:
    """Claim saved labels only where the acquisition function is shown to be above random."""
    found = each.utilisation
    is_above = any(
        pair.is_shown and pair.difference.value > 0
        for pair in group.against_random
        if pair.first == each.name
    )
    if found is None or not is_above or isinf(found.rate.value) or found.rate.high is None:
        return []
    lead = (
        f"{spoken(each.name).capitalize()}, {group.name}, needs"
        f" {found.label_count:,.0f} labels for the {found.accuracy:.1%} that random picks need"
        f" {found.random_label_count:,.0f} for: {found.rate.value:.2f}"
    )
    high = "∞" if isinf(found.rate.high) else f"{found.rate.high:.2f}"
    interval = f"[{found.rate.low:.2f}, {high}]"
    if found.rate.high < 1:
        return [f"{lead} of its labels {interval}."]
    return [f"{lead} of its labels, but {interval} does not rule out that it saves none."]
