"""The figures of one query strategy under one choice of all else, over its seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aloe.bench.arrays import Float64Array
from aloe.bench.report.arms import RANDOM, Arm, arm_name
from aloe.bench.report.curves import Curve, align, mean_curve
from aloe.bench.report.intervals import Estimate, mean_estimate
from aloe.bench.report.labels_needed import LabelsNeeded
from aloe.bench.report.measures import Utilisation, areas_under_curves, utilisation
from aloe.bench.report.runs import Run
from aloe.bench.report.starts import AccuracyAt, ClassesSeen, accuracies_at, classes_seen
from aloe.bench.report.wait_ratios import corrected


@dataclass(frozen=True, slots=True)
class StrategyFigures:
    """One arm over its seeds; None for what was not measured."""

    arm: Arm
    arm_name: str
    """Among all of the experiment."""
    name: str
    """Of the query strategy, among those that it stands beside."""
    seeds: tuple[int, ...]
    is_seedless: bool
    """Whether several seeds gave the very same learning curve: nothing in it was drawn by them, so
    that no interval can say how it varies."""
    labels: Estimate | None
    """Of the last head."""
    accuracy: Estimate | None
    """Of the last head on the test clips, as macro_f1 and calibration_error."""
    ceiling_gap: Estimate | None
    """Ceiling minus accuracy, with the seeds that both have."""
    area: Estimate | None
    """Under the learning curve, over the label range of the table."""
    labels_to_reach: tuple[LabelsNeeded, ...]
    """For each level; empty without a ceiling."""
    utilisation: Utilisation | None
    start: tuple[AccuracyAt, ...]
    classes_seen: ClassesSeen | None
    macro_f1: Estimate | None
    calibration_error: Estimate | None
    round_s: Estimate | None
    """Mean over the rounds of a run."""
    against_labels: Curve | None
    against_rounds: Curve | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the figures of an arm are compared with."""

    random_runs: Sequence[Run]
    areas: Mapping[Run, float]
    """Of every run that it stands beside."""
    ceilings: Sequence[Run]
    needed: Mapping[Arm, tuple[LabelsNeeded, ...]]
    classes: Sequence[str]
    arms: Sequence[Arm]
    """All of the experiment."""


def strategy_figures(runs: Sequence[Run], name: str, around: Surroundings) -> StrategyFigures:
    """Compute the figures of an arm's runs, one or more."""
    arm = runs[0].arm
    accuracies = {run.seed: run.last("test_accuracy") for run in runs}
    tops = {run.seed: run.last("test_accuracy") for run in around.ceilings}
    random_runs = () if arm.acquisition_function == RANDOM else around.random_runs
    return StrategyFigures(
        arm=arm,
        arm_name=arm_name(arm, around.arms),
        name=name,
        seeds=tuple(sorted(run.seed for run in runs)),
        is_seedless=_is_seedless(runs),
        labels=mean_estimate([run.labels[-1] for run in runs]),
        accuracy=mean_estimate(list(accuracies.values())),
        ceiling_gap=mean_estimate(
            [tops[seed] - accuracies[seed] for seed in sorted(tops.keys() & accuracies.keys())]
        ),
        area=mean_estimate([around.areas[run] for run in runs if run in around.areas]),
        labels_to_reach=around.needed.get(arm, ()),
        utilisation=_utilisation(runs, random_runs),
        start=accuracies_at(runs, random_runs),
        classes_seen=classes_seen(runs, random_runs, around.classes),
        macro_f1=mean_estimate([run.last("test_macro_f1") for run in runs]),
        calibration_error=mean_estimate([run.last("test_calibration_error") for run in runs]),
        round_s=mean_estimate([_mean(run.figures["round_s"]) for run in runs]),
        against_labels=mean_curve([run.curve(run.labels) for run in runs]),
        against_rounds=mean_curve([run.curve(run.rounds) for run in runs]),
    )


def _is_seedless(runs: Sequence[Run]) -> bool:
    first, *others = (run.curve(run.labels) for run in runs)
    return first.size > 0 and bool(others) and all(np.array_equal(first, each) for each in others)


def with_corrected_p(strategies: Sequence[StrategyFigures]) -> tuple[StrategyFigures, ...]:
    """Correct the tests of clips until classes are seen: of the last one, and on average.

    Each of the two is a family under Holm.
    """
    seen = {each.name: each.classes_seen for each in strategies if each.classes_seen}
    last = corrected({name: e.over_random for name, e in seen.items() if e.over_random})
    mean = corrected({name: e.mean_over_random for name, e in seen.items() if e.mean_over_random})
    return tuple(
        replace(
            each,
            classes_seen=replace(
                seen[each.name], over_random=last[each.name], mean_over_random=mean[each.name]
            ),
        )
        if each.name in last
        else each
        for each in strategies
    )


def areas_of(runs: Sequence[Run]) -> tuple[tuple[float, float] | None, dict[Run, float]]:
    """Return the labels that all learning curves cover, and each run's area over them."""
    curves = {run: curve for run in runs if (curve := run.curve(run.labels)).size}
    if not curves:
        return None, {}
    labels, accuracies = align(list(curves.values()))
    if not len(labels):
        return None, {}
    areas = areas_under_curves(labels, accuracies).tolist()
    return (float(labels[0]), float(labels[-1])), dict(zip(curves, areas, strict=True))


def _utilisation(runs: Sequence[Run], random_runs: Sequence[Run]) -> Utilisation | None:
    curves = {run.seed: curve for run in runs if (curve := run.curve(run.labels)).size}
    random = {run.seed: curve for run in random_runs if (curve := run.curve(run.labels)).size}
    seeds = sorted(curves.keys() & random.keys())
    if not seeds:
        return None
    return utilisation([curves[seed] for seed in seeds], [random[seed] for seed in seeds])


def _mean(values: Float64Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
