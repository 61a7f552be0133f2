"""How a run begins: accuracy with the first few labels, and clips until each class is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np

from aloe.bench.arrays import Float64Array
from aloe.bench.report.censored import Wait, Waited, waited
from aloe.bench.report.intervals import Estimate, mean_estimate
from aloe.bench.report.runs import Results, Run, Setting
from aloe.bench.report.wait_ratios import PairedWaits, WaitRatio, ratio_of

START_LABEL_COUNTS = (10, 20, 50)


@dataclass(frozen=True, slots=True)
class AccuracyAt:
    """Test accuracy with so many labels, read off the line between the heads around them."""

    label_count: int
    accuracy: Estimate | None
    """None where no run has a head on both sides."""
    over_random: Estimate | None
    """Minus random's, seed by seed."""


def accuracies_at(runs: Sequence[Run], random_runs: Sequence[Run]) -> tuple[AccuracyAt, ...]:
    """Return the accuracy with each of START_LABEL_COUNTS.

    Args:
        runs: of an arm.
        random_runs: of the arm to compare with; empty for random itself.
    """
    return tuple(_accuracy_at(count, runs, random_runs) for count in START_LABEL_COUNTS)


def _accuracy_at(label_count: int, runs: Sequence[Run], random_runs: Sequence[Run]) -> AccuracyAt:
    places = np.array([label_count], np.float64)
    return AccuracyAt(
        label_count=label_count,
        accuracy=mean_estimate([read_off(run, places)[0] for run in runs]),
        over_random=mean_estimate(
            [gain[0] for gain in gains_over_random(runs, random_runs, places).values()]
        ),
    )


def gains_over_random(
    runs: Sequence[Run], random_runs: Sequence[Run], label_counts: Float64Array
) -> dict[int, Float64Array]:
    """Return what each run has over random's of the same seed: seed to (n_counts,) float64.

    Args:
        runs: of an arm.
        random_runs: of the arm to compare with.
        label_counts: (n_counts,) float64.
    """
    random = {run.seed: run for run in random_runs}
    return {
        run.seed: read_off(run, label_counts) - read_off(random[run.seed], label_counts)
        for run in sorted(runs, key=lambda each: each.seed)
        if run.seed in random
    }


def read_off(run: Run, label_counts: Float64Array) -> Float64Array:
    """Read test accuracies off the line between the heads around label counts.

    Args:
        run: whose.
        label_counts: (n_counts,) float64.

    Returns:
        (n_counts,) float64, NaN where there is no head on both sides.
    """
    curve = run.curve(run.labels)
    if not curve.size:
        return np.full(len(label_counts), nan)
    labels, accuracies = curve
    return np.asarray(np.interp(label_counts, labels, accuracies, left=nan, right=nan))


@dataclass(frozen=True, slots=True)
class ClassSeen:
    """Clips that were asked until a class was seen first."""

    name: str
    clips: Waited


@dataclass(frozen=True, slots=True)
class MeanWait:
    """A mean of waits, each counted to the end of its run at most."""

    mean: Estimate
    is_at_least: bool
    """Whether some were longer than that."""


@dataclass(frozen=True, slots=True)
class ClassesSeen:
    """Clips that were asked until classes were seen, abstentions included."""

    every_class: Waited
    """Until the last one was."""
    over_random: WaitRatio | None
    """Of that to random's; None for random itself."""
    mean_class: MeanWait
    """Until a class was, on average over classes."""
    mean_over_random: WaitRatio | None
    """Of that to random's; None for random itself."""
    by_class: tuple[ClassSeen, ...]


def classes_seen(
    runs: Sequence[Run], random_runs: Sequence[Run], classes: Sequence[str]
) -> ClassesSeen | None:
    """Count the clips until each class was seen; None where runs began with seed labels.

    Args:
        runs: of an arm.
        random_runs: of the arm to compare with; empty for random itself.
        classes: those of the train clips.
    """
    own = _seen(runs, classes)
    if not own or not classes:
        return None
    paired = class_waits(runs, random_runs, classes)
    return ClassesSeen(
        every_class=waited([_last(waits) for waits in own.values()]),
        over_random=ratio_of(paired.every_class) if paired else None,
        mean_class=_mean_wait(list(own.values())),
        mean_over_random=ratio_of(paired.mean_class) if paired else None,
        by_class=tuple(
            ClassSeen(name, waited([waits[name] for waits in own.values()])) for name in classes
        ),
    )


@dataclass(frozen=True, slots=True)
class ClassWaits:
    """Clips until classes were seen, beside random's under the same seeds."""

    every_class: PairedWaits
    mean_class: PairedWaits


def class_waits(
    runs: Sequence[Run], random_runs: Sequence[Run], classes: Sequence[str]
) -> ClassWaits | None:
    """Pair the clips until classes were seen with random's; None without a seed in common."""
    own, random = _seen(runs, classes), _seen(random_runs, classes)
    seeds = sorted(own.keys() & random.keys())
    if not seeds or not classes:
        return None
    return ClassWaits(
        every_class=PairedWaits.of_one(
            (_last(own[seed]) for seed in seeds), (_last(random[seed]) for seed in seeds)
        ),
        mean_class=PairedWaits(
            tuple(tuple(own[seed].values()) for seed in seeds),
            tuple(tuple(random[seed].values()) for seed in seeds),
        ),
    )


def _mean_wait(runs: Sequence[dict[str, Wait]]) -> MeanWait:
    means = [np.mean([min(each.count, each.end) for each in waits.values()]) for waits in runs]
    is_cut = any(each.count == inf for waits in runs for each in waits.values())
    found = mean_estimate(np.array(means))
    assert found is not None  # noqa: S101 - ends are finite
    return MeanWait(found, is_cut)


def _seen(runs: Sequence[Run], classes: Sequence[str]) -> dict[int, dict[str, Wait]]:
    """Return, for each seed whose run asked for all of its labels, when it saw each class."""
    return {run.seed: _seen_in(run, classes) for run in runs if not run.seed_label_count}


def _seen_in(run: Run, classes: Sequence[str]) -> dict[str, Wait]:
    answers = [answer for of_head in run.answers for answer in of_head]
    places = {
        name: place
        for place, answer in reversed(list(enumerate(answers, start=1)))
        for name in run.classes_in(answer)
    }
    return {name: Wait(places.get(name, inf), len(answers)) for name in classes}


def classes_seen_after(run: Run, classes: Sequence[str], clip_counts: Float64Array) -> Float64Array:
    """Return the part of the classes that a run had seen after so many clips.

    Args:
        run: that asked for all of its labels.
        classes: one or more.
        clip_counts: (n_counts,) float64.

    Returns:
        (n_counts,) float64, 0 to 1; NaN past the end of the run.
    """
    waits = _seen_in(run, classes)
    counts = np.array([each.count for each in waits.values()])
    seen = (counts[:, np.newaxis] <= clip_counts).mean(axis=0)
    return np.where(clip_counts <= next(iter(waits.values())).end, seen, nan)


def _last(waits: dict[str, Wait]) -> Wait:
    return max(waits.values(), key=lambda wait: wait.count)


def classes_of(results: Results, setting: Setting) -> tuple[str, ...]:
    """Return the classes of the train clips of a setting.

    They stand in the metadata; without those, they are the classes that any run was told of.
    """
    for part in results.metadata.get("parts", ()):
        if (part["dataset"], part["encoder"]) == (setting.dataset, setting.encoder):
            return tuple(part["clip_counts"].get(setting.task, {}).get("train", ()))
    runs = [run for run in results.runs if run.setting == setting]
    return tuple(
        sorted(
            {
                name
                for run in runs
                for of_head in run.answers
                for answer in of_head
                for name in run.classes_in(answer)
            }
        )
    )
