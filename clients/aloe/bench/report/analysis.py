"""All figures of a report, computed from the runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aloe.bench.arrays import Float64Array
from aloe.bench.report.comparing import Comparison, compare
from aloe.bench.report.curves import Curve, align, mean_curve
from aloe.bench.report.intervals import Estimate, mean_estimate
from aloe.bench.report.measures import (
    LabelsToReach,
    Utilisation,
    areas_under_curves,
    labels_to_reach,
    utilisation,
)
from aloe.bench.report.runs import Results, Run, Setting, acquisition_functions_of
from aloe.bench.report.stopping import Stop, rules_of, stops_of
from aloe.client.types import AcquisitionFunction, SelectionRule

RANDOM = AcquisitionFunction.RANDOM.value
AWARE, AGNOSTIC = SelectionRule.CLASS_AWARE.value, SelectionRule.CLASS_AGNOSTIC.value


@dataclass(frozen=True, slots=True)
class AcquisitionFunctionFigures:
    """One query strategy over its seeds; None for what was not measured."""

    acquisition_function: str
    seeds: tuple[int, ...]
    labels: Estimate | None
    """Of the last head."""
    accuracy: Estimate | None
    """Of the last head on the test clips, as macro_f1 and calibration_error."""
    ceiling_gap: Estimate | None
    """Ceiling minus accuracy, with the seeds that both have."""
    area: Estimate | None
    """Under the learning curve, over the label range of the selection rule."""
    labels_to_reach: tuple[LabelsToReach, ...]
    utilisation: Utilisation | None
    macro_f1: Estimate | None
    calibration_error: Estimate | None
    round_s: Estimate | None
    """Mean over the rounds of a run."""
    against_labels: Curve | None
    against_rounds: Curve | None


@dataclass(frozen=True, slots=True)
class SelectionRuleFigures:
    """Every acquisition function under one selection rule."""

    selection_rule: str
    label_range: tuple[float, float] | None
    """The labels that the learning curves of all runs cover."""
    acquisition_functions: tuple[AcquisitionFunctionFigures, ...]
    against_random: tuple[Comparison, ...]
    """Of each other acquisition function with random, by area. That is the question of the
    experiment, so these comparisons are a family of their own (Demšar, "Statistical Comparisons of
    Classifiers over Multiple Data Sets", JMLR 7, 2006, section 3.2.2)."""
    comparisons: tuple[Comparison, ...]
    """Of all pairs, by area."""
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class SettingFigures:
    """Everything about one data set, encoder, task and oracle."""

    setting: Setting
    ceiling: Estimate | None
    """Test accuracy of the heads that were trained on every label."""
    ceiling_label_count: int | None
    selection_rules: tuple[SelectionRuleFigures, ...]
    selection_rule_comparisons: tuple[Comparison, ...]
    """Of each acquisition function, class-aware with class-agnostic, by area over the labels that
    both cover."""


def analyze(results: Results, levels: Sequence[float]) -> tuple[SettingFigures, ...]:
    """Compute the figures of every setting.

    Args:
        results: of an experiment; runs may have different seeds and miss figures.
        levels: parts of the ceiling, 0 to 1, whose labels to reach are wanted.
    """
    every = dict.fromkeys(run.setting for run in (*results.runs, *results.ceilings))
    # A ceiling has a perfect oracle, whatever oracles the runs have.
    labeled = {_without_oracle(run.setting) for run in results.runs}
    with_runs = {run.setting for run in results.runs}
    settings = [each for each in every if each in with_runs or _without_oracle(each) not in labeled]
    return tuple(_setting_figures(setting, results, levels) for setting in settings)


def runs_of(results: Results, setting: Setting, selection_rule: str) -> list[Run]:
    """Return the runs of a setting under a selection rule."""
    return [
        run
        for run in results.runs
        if run.setting == setting and run.selection_rule == selection_rule
    ]


def _without_oracle(setting: Setting) -> Setting:
    return replace(setting, oracle="")


def _setting_figures(setting: Setting, results: Results, levels: Sequence[float]) -> SettingFigures:
    ceilings = [
        run for run in results.ceilings if _without_oracle(run.setting) == _without_oracle(setting)
    ]
    rules = rules_of(results)
    by_rule = {
        selection_rule: runs
        for selection_rule in (each.value for each in SelectionRule)
        if (runs := runs_of(results, setting, selection_rule))
    }
    return SettingFigures(
        setting=setting,
        ceiling=mean_estimate([run.last("test_accuracy") for run in ceilings]),
        ceiling_label_count=int(ceilings[0].labels[-1]) if ceilings else None,
        selection_rules=tuple(
            _selection_rule_figures(selection_rule, runs, ceilings, levels, rules)
            for selection_rule, runs in by_rule.items()
        ),
        selection_rule_comparisons=_compare_selection_rules(by_rule),
    )


def _selection_rule_figures(
    selection_rule: str,
    runs: Sequence[Run],
    ceilings: Sequence[Run],
    levels: Sequence[float],
    rules: Sequence[str],
) -> SelectionRuleFigures:
    functions = acquisition_functions_of(runs)
    label_range, areas = _areas(runs)
    groups = {name: [run for run in runs if run.acquisition_function == name] for name in functions}
    by_function = _by_function(areas)
    against_random = [(name, RANDOM) for name in by_function if name != RANDOM]
    return SelectionRuleFigures(
        selection_rule=selection_rule,
        label_range=label_range,
        acquisition_functions=tuple(
            _function_figures(group, groups.get(RANDOM, []), areas, ceilings, levels)
            for group in groups.values()
        ),
        against_random=compare(by_function, against_random),
        comparisons=compare(by_function),
        stops=tuple(stop for name in functions for stop in stops_of(name, groups[name], rules)),
    )


def _function_figures(
    runs: Sequence[Run],
    random_runs: Sequence[Run],
    areas: Mapping[Run, float],
    ceilings: Sequence[Run],
    levels: Sequence[float],
) -> AcquisitionFunctionFigures:
    accuracies = {run.seed: run.last("test_accuracy") for run in runs}
    tops = {run.seed: run.last("test_accuracy") for run in ceilings}
    ceiling = mean_estimate(list(tops.values()))
    curves = [run.curve(run.labels) for run in runs]
    curves = [curve for curve in curves if curve.size]
    return AcquisitionFunctionFigures(
        acquisition_function=runs[0].acquisition_function,
        seeds=tuple(sorted(run.seed for run in runs)),
        labels=mean_estimate([run.labels[-1] for run in runs]),
        accuracy=mean_estimate(list(accuracies.values())),
        ceiling_gap=mean_estimate(
            [tops[seed] - accuracies[seed] for seed in sorted(tops.keys() & accuracies.keys())]
        ),
        area=mean_estimate([areas[run] for run in runs if run in areas]),
        labels_to_reach=tuple(
            labels_to_reach(curves, level, ceiling.value) for level in levels if ceiling and curves
        ),
        utilisation=_utilisation(runs, random_runs)
        if runs[0].acquisition_function != RANDOM
        else None,
        macro_f1=mean_estimate([run.last("test_macro_f1") for run in runs]),
        calibration_error=mean_estimate([run.last("test_calibration_error") for run in runs]),
        round_s=mean_estimate([_mean(run.figures["round_s"]) for run in runs]),
        against_labels=mean_curve(curves),
        against_rounds=mean_curve([run.curve(run.rounds) for run in runs]),
    )


def _areas(runs: Sequence[Run]) -> tuple[tuple[float, float] | None, dict[Run, float]]:
    """Return the labels that all learning curves cover, and each run's area over them."""
    curves = {run: curve for run in runs if (curve := run.curve(run.labels)).size}
    if not curves:
        return None, {}
    labels, accuracies = align(list(curves.values()))
    if not len(labels):
        return None, {}
    areas = areas_under_curves(labels, accuracies).tolist()
    return (float(labels[0]), float(labels[-1])), dict(zip(curves, areas, strict=True))


def _by_function(areas: Mapping[Run, float]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {
        name: {} for name in acquisition_functions_of(list(areas))
    }
    for run, area in areas.items():
        found[run.acquisition_function][run.seed] = area
    return found


def _utilisation(runs: Sequence[Run], random_runs: Sequence[Run]) -> Utilisation | None:
    curves = {run.seed: curve for run in runs if (curve := run.curve(run.labels)).size}
    random = {run.seed: curve for run in random_runs if (curve := run.curve(run.labels)).size}
    seeds = sorted(curves.keys() & random.keys())
    if not seeds:
        return None
    return utilisation([curves[seed] for seed in seeds], [random[seed] for seed in seeds])


def _compare_selection_rules(by_rule: Mapping[str, Sequence[Run]]) -> tuple[Comparison, ...]:
    if not {AWARE, AGNOSTIC} <= by_rule.keys():
        return ()
    figures: dict[str, dict[int, float]] = {}
    functions = [
        name
        for name in acquisition_functions_of(by_rule[AWARE])
        if name in acquisition_functions_of(by_rule[AGNOSTIC])
    ]
    for name in functions:
        runs = [
            run
            for each in (AWARE, AGNOSTIC)
            for run in by_rule[each]
            if run.acquisition_function == name
        ]
        for run, area in _areas(runs)[1].items():
            figures.setdefault(f"{name} {run.selection_rule}", {})[run.seed] = area
    pairs = [(f"{name} {AWARE}", f"{name} {AGNOSTIC}") for name in functions]
    return compare(figures, pairs)


def _mean(values: Float64Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
