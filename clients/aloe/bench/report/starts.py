"""How a run begins: accuracy with the first few labels, and clips until each class is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np

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
    own, random = (
        {run.seed: _read_off(run, label_count) for run in of_arm} for of_arm in (runs, random_runs)
    )
    return AccuracyAt(
        label_count=label_count,
        accuracy=mean_estimate(list(own.values())),
        over_random=mean_estimate(
            [own[seed] - random[seed] for seed in sorted(own.keys() & random.keys())]
        ),
    )


def _read_off(run: Run, label_count: int) -> float:
    curve = run.curve(run.labels)
    if not curve.size:
        return nan
    labels, accuracies = curve
    return float(np.interp(label_count, labels, accuracies, left=nan, right=nan))


@dataclass(frozen=True, slots=True)
class ClassSeen:
    """Clips that were asked until a class was seen first."""

    name: str
    clips: Waited


@dataclass(frozen=True, slots=True)
class ClassesSeen:
    """Clips that were asked until classes were seen, abstentions included."""

    every_class: Waited
    over_random: WaitRatio | None
    """Of the clips until every class was seen, to random's; None for random itself."""
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
    own, random = _seen(runs, classes), _seen(random_runs, classes)
    if not own or not classes:
        return None
    seeds = sorted(own.keys() & random.keys())
    pairs = PairedWaits(
        tuple(_last(own[seed]) for seed in seeds), tuple(_last(random[seed]) for seed in seeds)
    )
    return ClassesSeen(
        every_class=waited([_last(waits) for waits in own.values()]),
        over_random=ratio_of(pairs) if seeds else None,
        by_class=tuple(
            ClassSeen(name, waited([waits[name] for waits in own.values()])) for name in classes
        ),
    )


def _seen(runs: Sequence[Run], classes: Sequence[str]) -> dict[int, dict[str, Wait]]:
    """Return, for each seed whose run asked for all of its labels, when it saw each class."""
    return {run.seed: _seen_in(run, classes) for run in runs if not run.seed_label_count}


def _seen_in(run: Run, classes: Sequence[str]) -> dict[str, Wait]:
    answers = [answer for of_head in run.answers for answer in of_head]
    places = {name: place for place, name in reversed(list(enumerate(answers, start=1)))}
    return {name: Wait(places.get(name, inf), len(answers)) for name in classes}


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
    answers = {answer for run in runs for of_head in run.answers for answer in of_head}
    return tuple(sorted(answer for answer in answers if answer is not None))
