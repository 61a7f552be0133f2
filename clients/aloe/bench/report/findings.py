"""What may be claimed, in sentences with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isinf

from aloe.bench.report.analysis import (
    RANDOM,
    AcquisitionFunctionFigures,
    SelectionRuleFigures,
    SettingFigures,
)
from aloe.bench.report.comparing import MIN_SEED_COUNT, Comparison, power_of
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.panels import spoken
from aloe.bench.report.table import number_text, p_text, signed_text
from aloe.client.types import AcquisitionFunction

_MARGINS = (AcquisitionFunction.SMALLEST_MARGIN.value, AcquisitionFunction.MARGIN_LOGITS.value)


@dataclass(frozen=True, slots=True)
class Findings:
    """The sentences about one setting."""

    title: str
    sentences: tuple[str, ...]


def findings_of(figures: SettingFigures) -> Findings:
    """Say what was found in a setting."""
    sentences: list[str] = []
    if not figures.selection_rules and figures.ceiling:
        sentences.append(
            f"All {figures.ceiling_label_count:,} labels give"
            f" {figures.ceiling.value:.1%}{_interval(figures.ceiling, 100)}."
        )
    for group in figures.selection_rules:
        sentences += _against_random(group)
        leading = _leading(group.acquisition_functions)
        if leading:
            sentences += _against_ceiling(leading, group.selection_rule, figures)
            sentences += _labels_saved(leading, group)
    sentences += _between_selection_rules(figures.selection_rule_comparisons)
    return Findings(setting_title(figures), tuple(sentences))


def setting_title(figures: SettingFigures) -> str:
    """Name a setting."""
    setting = figures.setting
    title = f"{setting.dataset}, {setting.task}, {setting.encoder}"
    return title if setting.oracle == "perfect" else f"{title}, oracle {setting.oracle}"


def _leading(functions: Sequence[AcquisitionFunctionFigures]) -> AcquisitionFunctionFigures | None:
    """Return the paper's default, else the first: chosen before seeing who wins."""
    others = [each for each in functions if each.acquisition_function != RANDOM]
    preferred = [each for each in others if each.acquisition_function in _MARGINS]
    return next(iter([*preferred, *others]), None)


def _against_random(group: SelectionRuleFigures) -> list[str]:
    return _verdicts(group.against_random, group.selection_rule, "random picks")


def _between_selection_rules(comparisons: Sequence[Comparison]) -> list[str]:
    named = [replace(each, first=each.first.partition(" ")[0]) for each in comparisons]
    lead = "Class-aware, at equal label counts"
    return _verdicts(named, lead, "class-agnostic picks")


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


def _against_ceiling(
    each: AcquisitionFunctionFigures, selection_rule: str, figures: SettingFigures
) -> list[str]:
    gap, ceiling = each.ceiling_gap, figures.ceiling
    if gap is None or ceiling is None or each.accuracy is None or each.labels is None:
        return []
    lead = (
        f"{spoken(each.acquisition_function).capitalize()}, {selection_rule}, ends at"
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


def _labels_saved(each: AcquisitionFunctionFigures, group: SelectionRuleFigures) -> list[str]:
    """Claim saved labels only where the acquisition function is shown to be above random."""
    found = each.utilisation
    is_above = any(
        pair.is_shown and pair.difference.value > 0
        for pair in group.against_random
        if pair.first == each.acquisition_function
    )
    if found is None or not is_above or isinf(found.rate.value) or found.rate.high is None:
        return []
    lead = (
        f"{spoken(each.acquisition_function).capitalize()}, {group.selection_rule}, needs"
        f" {found.label_count:,.0f} labels for the {found.accuracy:.1%} that random picks need"
        f" {found.random_label_count:,.0f} for: {found.rate.value:.2f}"
    )
    high = "∞" if isinf(found.rate.high) else f"{found.rate.high:.2f}"
    interval = f"[{found.rate.low:.2f}, {high}]"
    if found.rate.high < 1:
        return [f"{lead} of its labels {interval}."]
    return [f"{lead} of its labels, but {interval} does not rule out that it saves none."]
