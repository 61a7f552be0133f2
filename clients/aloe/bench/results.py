"""What a simulation found, as values, as JSON and as the rows of a table."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from aloe.bench.runs import RunRecord
from aloe.client.types import AcquisitionFunction, Evaluation, Round, SelectionRule


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How well a head did that was trained on so many labels."""

    labels: int
    accuracy: float | None
    """0 to 1; None where there was nothing to measure it on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One task labeled once, from the seed labels to the end."""

    task: str
    strategy: AcquisitionFunction
    selection: SelectionRule
    seed: int
    labels: int
    """Training labels at the end, seed labels included."""
    accuracy: float | None
    """Of the last head, on the test clips."""
    curve: tuple[CurvePoint, ...]
    """On the validation clips, one point per head."""
    test_curve: tuple[CurvePoint, ...]
    """On the test clips, one point per head."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the same head recipe reaches with every label."""

    task: str
    labels: int
    accuracy: float | None
    """On the test clips, mean over the seeds."""
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What it takes to do a simulation again."""

    encoder_id: str
    encoder_fingerprint: str
    versions: Mapping[str, str]
    """Package to version."""
    settings: Mapping[str, Any]
    """Everything that was asked for, as JSON values."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything that a simulation found."""

    runs: tuple[Run, ...]
    ceilings: tuple[Ceiling, ...]
    metadata: Metadata

    def to_json(self) -> dict[str, Any]:
        """Write it in JSON values; what could not be measured is None, never NaN."""
        return {
            "runs": [_run_to_json(run) for run in self.runs],
            "ceilings": {
                ceiling.task: {
                    "accuracy": _number(ceiling.accuracy),
                    "labels": ceiling.labels,
                    "seeds": list(ceiling.seeds),
                }
                for ceiling in self.ceilings
            },
            "encoder": {
                "id": self.metadata.encoder_id,
                "fingerprint": self.metadata.encoder_fingerprint,
            },
            "versions": dict(self.metadata.versions),
            "settings": dict(self.metadata.settings),
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """The runs of one task and strategy, over all seeds."""

    task: str
    strategy: AcquisitionFunction
    selection: SelectionRule
    labels: int
    """Mean over the runs, rounded."""
    accuracy_mean: float | None
    accuracy_std: float | None
    """Standard deviation of the sample; None for fewer than two runs."""
    run_count: int


def runs_of(records: Iterable[RunRecord]) -> tuple[Run, ...]:
    """Sum up the runs among some records; the others are ceilings."""
    return tuple(
        Run(
            task=record.key.task,
            strategy=record.key.strategy,
            selection=record.key.sampling,
            seed=record.key.seed,
            labels=record.rounds[-1].label_count,
            accuracy=_accuracy(record.rounds[-1].test),
            curve=_curve(record.rounds, lambda each: each.validation),
            test_curve=_curve(record.rounds, lambda each: each.test),
        )
        for record in records
        if record.key.strategy is not None and record.key.sampling is not None
    )


def ceilings_of(records: Iterable[RunRecord]) -> tuple[Ceiling, ...]:
    """Sum up the ceilings among some records, one per task."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        if record.key.strategy is None:
            groups.setdefault(record.key.task, []).append(record)
    return tuple(_ceiling(task, group) for task, group in groups.items())


def _ceiling(task: str, records: Sequence[RunRecord]) -> Ceiling:
    accuracies = [_accuracy(record.rounds[-1].test) for record in records]
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    return Ceiling(
        task,
        records[0].rounds[-1].label_count,
        fmean(known) if known else None,
        tuple(record.key.seed for record in records),
    )


def _accuracy(evaluation: Evaluation | None) -> float | None:
    return None if evaluation is None else evaluation.accuracy


def _curve(
    rounds: Sequence[Round], part: Callable[[Round], Evaluation | None]
) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(each.label_count, _accuracy(part(each))) for each in rounds)


def summarize(runs: Iterable[Run]) -> tuple[Summary, ...]:
    """Sum up the runs of each task and strategy, in the order in which they first occur."""
    groups: dict[tuple[str, AcquisitionFunction, SelectionRule], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.task, run.strategy, run.selection), []).append(run)
    return tuple(_summary(*key, group) for key, group in groups.items())


def _summary(
    task: str, strategy: AcquisitionFunction, selection: SelectionRule, runs: list[Run]
) -> Summary:
    numbers = [number for run in runs if (number := _number(run.accuracy)) is not None]
    return Summary(
        task=task,
        strategy=strategy,
        selection=selection,
        labels=round(fmean(run.labels for run in runs)),
        accuracy_mean=fmean(numbers) if numbers else None,
        accuracy_std=stdev(numbers) if len(numbers) > 1 else None,
        run_count=len(runs),
    )


def _run_to_json(run: Run) -> dict[str, Any]:
    return {
        "task": run.task,
        "strategy": run.strategy.value,
        "selection": run.selection.value,
        "seed": run.seed,
        "labels": run.labels,
        "accuracy": _number(run.accuracy),
        "curve": _curve_to_json(run.curve),
        "test_curve": _curve_to_json(run.test_curve),
    }


def _curve_to_json(curve: tuple[CurvePoint, ...]) -> list[dict[str, Any]]:
    return [{"labels": point.labels, "accuracy": _number(point.accuracy)} for point in curve]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
