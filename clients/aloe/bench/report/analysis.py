"""All figures of a report, computed from the runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aloe.bench.curves import align
from aloe.bench.report.comparing import Comparison, compare
from aloe.bench.report.intervals import Estimate, FloatArray, mean_estimate
from aloe.bench.report.measures import (
    Curve,
    LabelsToReach,
    Utilisation,
    areas_under_curves,
    labels_to_reach,
    mean_curve,
    utilisation,
)
from aloe.bench.report.runs import Results, Run, Setting, strategies_of
from aloe.bench.report.stopping import Stop, rules_of, stops_of
from aloe.client.types import AcquisitionFunction, SelectionRule

RANDOM = AcquisitionFunction.RANDOM.value
AWARE, AGNOSTIC = SelectionRule.CLASS_AWARE.value, SelectionRule.CLASS_AGNOSTIC.value


@dataclass(frozen=True, slots=True)
class StrategyFigures:
    """One query strategy over its seeds; None for what was not measured."""

    strategy: str
    seeds: tuple[int, ...]
    labels: Estimate | None
    """Of the last head."""
    accuracy: Estimate | None
    """Of the last head on the test clips, as macro_f1 and calibration_error."""
    ceiling_gap: Estimate | None
    """Ceiling minus accuracy, with the seeds that both have."""
    area: Estimate | None
    """Under the learning curve, over the label range of the sampling."""
    labels_to_reach: tuple[LabelsToReach, ...]
    utilisation: Utilisation | None
    macro_f1: Estimate | None
    calibration_error: Estimate | None
    round_s: Estimate | None
    """Mean over the rounds of a run."""
    against_labels: Curve | None
    against_rounds: Curve | None


@dataclass(frozen=True, slots=True)
class SamplingFigures:
    """The strategies that pick by the same selection rule."""

    sampling: str
    label_range: tuple[float, float] | None
    """The labels that the learning curves of all runs cover."""
    strategies: tuple[StrategyFigures, ...]
    against_random: tuple[Comparison, ...]
    """Of each other strategy with random, by area; the question of the experiment, so that it is
    a family of its own (Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets",
    JMLR 7, 2006, section 3.2.2)."""
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
    samplings: tuple[SamplingFigures, ...]
    sampling_comparisons: tuple[Comparison, ...]
    """Of each strategy, class-aware with class-agnostic, by area over the labels of both."""


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


def runs_of(
    results: Results, setting: Setting, sampling: str, strategy: str | None = None
) -> list[Run]:
    """Return the runs of a setting and sampling, of one strategy or all."""
    return [
        run
        for run in results.runs
        if run.setting == setting and run.sampling == sampling and strategy in (None, run.strategy)
    ]


def _without_oracle(setting: Setting) -> Setting:
    return replace(setting, oracle="")


def _setting_figures(setting: Setting, results: Results, levels: Sequence[float]) -> SettingFigures:
    ceilings = [
        run for run in results.ceilings if _without_oracle(run.setting) == _without_oracle(setting)
    ]
    rules = rules_of(results)
    by_sampling = {
        sampling: runs
        for sampling in (AWARE, AGNOSTIC)
        if (runs := runs_of(results, setting, sampling))
    }
    return SettingFigures(
        setting=setting,
        ceiling=mean_estimate([run.last("test_accuracy") for run in ceilings]),
        ceiling_label_count=int(ceilings[0].labels[-1]) if ceilings else None,
        samplings=tuple(
            _sampling_figures(sampling, runs, ceilings, levels, rules)
            for sampling, runs in by_sampling.items()
        ),
        sampling_comparisons=_compare_samplings(by_sampling),
    )


def _sampling_figures(
    sampling: str,
    runs: Sequence[Run],
    ceilings: Sequence[Run],
    levels: Sequence[float],
    rules: Sequence[str],
) -> SamplingFigures:
    strategies = strategies_of(runs)
    label_range, areas = _areas(runs)
    groups = {name: [run for run in runs if run.strategy == name] for name in strategies}
    by_strategy = _by_strategy(areas)
    against_random = [(name, RANDOM) for name in by_strategy if name != RANDOM]
    return SamplingFigures(
        sampling=sampling,
        label_range=label_range,
        strategies=tuple(
            _strategy_figures(group, groups.get(RANDOM, []), areas, ceilings, levels)
            for group in groups.values()
        ),
        against_random=compare(by_strategy, against_random),
        comparisons=compare(by_strategy),
        stops=tuple(stop for name in strategies for stop in stops_of(name, groups[name], rules)),
    )


def _strategy_figures(
    runs: Sequence[Run],
    random_runs: Sequence[Run],
    areas: Mapping[Run, float],
    ceilings: Sequence[Run],
    levels: Sequence[float],
) -> StrategyFigures:
    accuracies = {run.seed: run.last("test_accuracy") for run in runs}
    tops = {run.seed: run.last("test_accuracy") for run in ceilings}
    ceiling = mean_estimate(list(tops.values()))
    curves = [run.curve(run.labels) for run in runs]
    curves = [curve for curve in curves if curve.size]
    return StrategyFigures(
        strategy=runs[0].strategy,
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
        utilisation=_utilisation(runs, random_runs) if runs[0].strategy != RANDOM else None,
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


def _by_strategy(areas: Mapping[Run, float]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {name: {} for name in strategies_of(list(areas))}
    for run, area in areas.items():
        found[run.strategy][run.seed] = area
    return found


def _utilisation(runs: Sequence[Run], random_runs: Sequence[Run]) -> Utilisation | None:
    curves = {run.seed: curve for run in runs if (curve := run.curve(run.labels)).size}
    random = {run.seed: curve for run in random_runs if (curve := run.curve(run.labels)).size}
    seeds = sorted(curves.keys() & random.keys())
    if not seeds:
        return None
    return utilisation([curves[seed] for seed in seeds], [random[seed] for seed in seeds])


def _compare_samplings(by_sampling: Mapping[str, Sequence[Run]]) -> tuple[Comparison, ...]:
    if len(by_sampling) < 2:
        return ()
    figures: dict[str, dict[int, float]] = {}
    strategies = [
        name
        for name in strategies_of(by_sampling[AWARE])
        if name in strategies_of(by_sampling[AGNOSTIC])
    ]
    for name in strategies:
        runs = [run for each in by_sampling.values() for run in each if run.strategy == name]
        for run, area in _areas(runs)[1].items():
            figures.setdefault(f"{name} {run.sampling}", {})[run.seed] = area
    pairs = [(f"{name} {AWARE}", f"{name} {AGNOSTIC}") for name in strategies]
    return compare(figures, pairs)


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
