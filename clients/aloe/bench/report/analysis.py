"""All figures of a report, computed from the runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from aloe.bench.report.arms import (
    AGNOSTIC,
    AWARE,
    RANDOM,
    Arm,
    Choices,
    arm_name,
    baseline_of,
    choice_name,
    in_order,
    name_beside,
    random_beside,
)
from aloe.bench.report.comparing import Comparison, compare
from aloe.bench.report.estimates import EstimateError, estimate_errors
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.labels_needed import OverallRatio, overall_ratios
from aloe.bench.report.overall_starts import OverallStart, overall_starts
from aloe.bench.report.runs import Results, Run, Setting
from aloe.bench.report.setting_runs import Group, SettingRuns, group_of, settings_of
from aloe.bench.report.stopping import Stop, rules_of, stops_of
from aloe.bench.report.strategy_figures import (
    StrategyFigures,
    Surroundings,
    areas_of,
    strategy_figures,
    with_corrected_p,
)


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The query strategies that stand beside each other: what else was chosen is the same."""

    name: str
    selection_rule: str
    """AWARE, or AGNOSTIC, with which every other rule stands that asks for no class."""
    choices: Choices
    is_papers: bool
    """Whether all else than the query strategy is as in the paper."""
    label_range: tuple[float, float] | None
    """The labels that the learning curves of all runs cover."""
    strategies: tuple[StrategyFigures, ...]
    random_name: str
    """Of the random picks that the others are compared with; empty where there are none."""
    against_random: tuple[Comparison, ...]
    """Of each other strategy with random, by area. That is the question of the experiment, so
    these comparisons are a family of their own (Demšar, "Statistical Comparisons of Classifiers
    over Multiple Data Sets", JMLR 7, 2006, section 3.2.2)."""
    comparisons: tuple[Comparison, ...]
    """Of all pairs, by area."""
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class SettingFigures:
    """Everything about one data set, encoder, task and oracle."""

    setting: Setting
    ceiling: Estimate | None
    """Test accuracy of the heads that were trained on every label, the same for all arms."""
    ceiling_label_count: int | None
    ceiling_head: str
    """Which: empty where there is one kind."""
    is_papers_ceiling: bool
    groups: tuple[GroupFigures, ...]
    selection_rule_comparisons: tuple[Comparison, ...]
    """Of each acquisition function, class-aware with class-agnostic, by area over the labels that
    both cover."""


@dataclass(frozen=True, slots=True)
class ArmOverall:
    """What an arm needs of the baseline's labels over all settings."""

    arm: Arm
    arm_name: str
    ratios: tuple[OverallRatio, ...]
    """For each level."""


@dataclass(frozen=True, slots=True)
class ArmEstimates:
    """How right the heads of an arm say that they are, over all settings."""

    arm: Arm
    arm_name: str
    errors: tuple[EstimateError, ...]
    """At each label count."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a results file says."""

    baseline: Arm | None
    """What labels needed are compared with; None without runs."""
    baseline_name: str
    settings: tuple[SettingFigures, ...]
    overall: tuple[ArmOverall, ...]
    """The other arms."""
    starts: tuple[OverallStart, ...]
    estimates: tuple[ArmEstimates, ...]
    """Of the arms whose heads were estimated."""


def analyze(results: Results, levels: Sequence[float], baseline: str = "") -> Figures:
    """Compute the figures of every setting, and over all of them.

    Args:
        results: of an experiment; runs may have different seeds and miss figures.
        levels: parts of the ceiling, 0 to 1, whose labels to reach are wanted.
        baseline: the arm to compare with, as baseline_of reads it.

    Raises:
        NoSuchArm: there is no such baseline, or several.
    """
    arms = in_order(run.arm for run in results.runs)
    base = baseline_of(arms, baseline) if arms else None
    views = [SettingRuns(each, results, arms, base, levels) for each in settings_of(results)]
    known = {
        view.setting.title: (view.curves, ceiling)
        for view in views
        if view.runs and (ceiling := view.common_ceiling)
    }
    overall = overall_ratios(known, base, levels) if base else {}
    return Figures(
        baseline=base,
        baseline_name=arm_name(base, arms) if base else "",
        settings=tuple(map(_setting_figures, views)),
        overall=tuple(
            ArmOverall(arm, arm_name(arm, arms), overall[arm]) for arm in arms if arm in overall
        ),
        starts=overall_starts(views),
        estimates=tuple(_arm_estimates(arms, views)),
    )


def _arm_estimates(arms: Sequence[Arm], views: Sequence[SettingRuns]) -> Iterator[ArmEstimates]:
    for arm in arms:
        name = arm_name(arm, arms)
        errors = estimate_errors(name, [view.runs[arm] for view in views if arm in view.runs])
        if errors:
            yield ArmEstimates(arm, name, errors)


def runs_of(results: Results, setting: Setting, group: GroupFigures) -> dict[str, list[Run]]:
    """Return the runs of a group in a setting, by the names of their query strategies."""
    runs = [
        run
        for run in results.runs
        if run.setting == setting and group_of(run.arm) == (group.choices, group.selection_rule)
    ]
    return {each.name: [run for run in runs if run.arm == each.arm] for each in group.strategies}


def _setting_figures(view: SettingRuns) -> SettingFigures:
    kinds = {run.arm for run in view.results.ceilings}
    return SettingFigures(
        setting=view.setting,
        ceiling=view.ceiling,
        ceiling_label_count=int(view.ceilings[0].labels[-1]) if view.ceilings else None,
        ceiling_head=choice_name(view.ceilings[0].arm, list(kinds)) if view.ceilings else "",
        is_papers_ceiling=bool(view.ceilings) and view.ceilings[0].arm.is_papers,
        groups=tuple(_group_figures(view, group) for group in view.groups),
        selection_rule_comparisons=_compare_selection_rules(view),
    )


def _group_figures(view: SettingRuns, group: Group) -> GroupFigures:
    choices, selection_rule = group
    by_arm = {arm: runs for arm, runs in view.runs.items() if group_of(arm) == group}
    names = {arm: name_beside(arm) for arm in by_arm}
    first = next(iter(by_arm))
    random = random_beside(first, view.runs)
    random_runs = view.runs[random] if random else []
    borrowed = [] if random in by_arm else random_runs
    own = [run for runs in by_arm.values() for run in runs]
    label_range, areas = areas_of([*own, *borrowed])
    if label_range is None:
        # Random picks of another group may cover other labels.
        label_range, areas = areas_of(own)
    around = Surroundings(random_runs, areas, view.ceilings, view.needed, view.classes, view.arms)
    by_name = {names[arm]: _by_seed(runs, areas) for arm, runs in by_arm.items()}
    with_random = {**by_name, RANDOM: _by_seed(random_runs, areas)}
    rules = rules_of(view.results)
    return GroupFigures(
        name=", ".join(filter(None, (choice_name(first, view.arms), selection_rule))),
        selection_rule=selection_rule,
        choices=choices,
        is_papers=first.is_papers,
        label_range=label_range,
        strategies=with_corrected_p(
            [strategy_figures(runs, names[arm], around) for arm, runs in by_arm.items()]
        ),
        random_name=arm_name(random, view.arms) if random and borrowed else RANDOM,
        against_random=compare(with_random, [(n, RANDOM) for n in by_name if n != RANDOM]),
        comparisons=compare(by_name),
        stops=tuple(
            stop for arm, runs in by_arm.items() for stop in stops_of(names[arm], runs, rules)
        ),
    )


def _by_seed(runs: Sequence[Run], areas: Mapping[Run, float]) -> dict[int, float]:
    return {run.seed: areas[run] for run in runs if run in areas}


def _compare_selection_rules(view: SettingRuns) -> tuple[Comparison, ...]:
    figures: dict[str, dict[int, float]] = {}
    pairs: list[tuple[str, str]] = []
    for arm in view.runs:
        other = replace(arm, selection_rule=AGNOSTIC)
        if not arm.is_class_aware or other not in view.runs:
            continue
        name = ", ".join(filter(None, (choice_name(arm, view.arms), arm.acquisition_function)))
        both = {f"{name} {each.selection_rule}": view.runs[each] for each in (arm, other)}
        areas = areas_of([run for runs in both.values() for run in runs])[1]
        figures |= {key: _by_seed(runs, areas) for key, runs in both.items()}
        pairs.append((f"{name} {AWARE}", f"{name} {AGNOSTIC}"))
    found = compare(figures, pairs)
    return tuple(replace(each, first=each.first.removesuffix(f" {AWARE}")) for each in found)
