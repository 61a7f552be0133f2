"""`aloe demo`: the whole of ALOE on synthetic speech, in a minute and without any download."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from aloe.bench.corpus import Corpus
from aloe.bench.plots import plot_learning_curves
from aloe.bench.pool_runs import PoolRuns
from aloe.bench.results import Ceiling, Run, ceilings_of, runs_of
from aloe.bench.runs import RunRecord
from aloe.bench.spec import ClassAwareRandom, DatasetSpec, Spec
from aloe.bench.synthesis import INTONATIONS, VOICES, VOWELS, SpokenVowel, synthesize
from aloe.cli.console import notes, percent, print_json, print_table, results
from aloe.cli.experiment_progress import run_with_progress
from aloe.cli.options import Json
from aloe.cli.up import REDIS_URL_HELP, start_stack
from aloe.client import (
    AcquisitionFunction,
    NewClip,
    Pcm,
    Split,
    connect_async,
)
from aloe.local import StackOptions

_SAMPLE_RATE_HZ = 16_000
_TASKS = {"vowel": VOWELS, "voice": VOICES, "intonation": INTONATIONS}
_NEW_CLIP_COUNT = 6
_MARGIN, _RANDOM = AcquisitionFunction.SMALLEST_MARGIN, AcquisitionFunction.RANDOM


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One row of the table; accuracies on the test clips, mean over the seeds."""

    name: str
    labels: int
    accuracy_first: float
    accuracy_last: float
    accuracy_random: float
    accuracy_all_labels: float


def demo(
    clips: Annotated[int, typer.Option(min=120, help="clips to synthesize")] = 480,
    rounds: Annotated[int, typer.Option(min=1, help="batches after the seed labels")] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="repetitions of each task")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="of the synthetic speech")] = 0,
    plot: Annotated[Path, typer.Option(help="where the learning curves go")] = Path(
        "learning-curves.png"
    ),
    redis_url: Annotated[str, typer.Option(envvar="REDIS_URL", help=REDIS_URL_HELP)] = "",
    json: Json = False,
) -> None:
    """Label synthetic speech with simulated oracles: three tasks at once on one pool."""
    spoken = synthesize(seed, clips, _SAMPLE_RATE_HZ)
    spec = Spec(
        datasets=(DatasetSpec("spoken vowels", tasks=tuple(_TASKS)),),
        strategies=(_MARGIN, _RANDOM),
        rounds=rounds,
        seeds=seeds,
        stop=(),
        class_aware_random=ClassAwareRandom.PER_CLASS,
    )
    with start_stack(StackOptions(redis_url=redis_url)) as stack:
        notes.print(f"labeling {clips} clips for {', '.join(_TASKS)}, all at once", style="dim")
        new = synthesize(seed + 1, _NEW_CLIP_COUNT, _SAMPLE_RATE_HZ)
        records, predictions = asyncio.run(
            _label_and_predict(stack.learner_address, _corpus(spoken), spec, new)
        )
    runs, ceilings = runs_of(records), ceilings_of(records)
    plot_learning_curves(runs, ceilings, plot)
    outcomes = [_outcome(name, runs, ceilings) for name in _TASKS]
    if json:
        print_json(
            {"tasks": outcomes, "predictions": predictions, "plot": str(plot), "rounds": rounds}
        )
        return
    _print_outcomes(outcomes, plot)
    print_table(
        ["new clip", *_TASKS],
        [[each["clip"], *(_verdict(each[name]) for name in _TASKS)] for each in predictions],
        title="\nPredictions on new clips, by heads trained on the labels of one run",
    )


async def _label_and_predict(
    address: str, corpus: Corpus, spec: Spec, new: Sequence[SpokenVowel]
) -> tuple[tuple[RunRecord, ...], list[dict[str, Any]]]:
    predictions: list[dict[str, Any]] = [{"clip": clip.clip_id} for clip in new]
    audio = [Pcm(clip.samples, _SAMPLE_RATE_HZ) for clip in new]
    async with connect_async(address) as client:
        await client.create_pool("demo")

        async def predict(record: RunRecord, task_id: str) -> None:
            name = record.key.task
            if record.key.strategy is not _MARGIN or record.key.seed:
                return
            found = await client.predict(task_id, audio=audio)
            for row, clip in enumerate(new):
                predictions[row][name] = {
                    "predicted": found.labels[row],
                    "probability": round(float(found.probabilities[row].max()), 4),
                    "truth": getattr(clip, name),
                }

        runs = PoolRuns([client], corpus, spec, pool_id="demo", prefix="demo")
        records = await run_with_progress(runs, corpus, spec, predict)
    # Runs end in any order.
    return records, [{key: each[key] for key in ("clip", *_TASKS)} for each in predictions]


def _corpus(spoken: Sequence[SpokenVowel]) -> Corpus:
    """Split by turns: of five clips one is for validation, one for the test."""
    turns = [Split.TRAIN, Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST]
    return Corpus(
        clips=lambda: (
            NewClip(clip.clip_id, audio=Pcm(clip.samples, _SAMPLE_RATE_HZ)) for clip in spoken
        ),
        splits={clip.clip_id: turns[place % len(turns)] for place, clip in enumerate(spoken)},
        classes=dict(_TASKS),
        truth={name: {clip.clip_id: getattr(clip, name) for clip in spoken} for name in _TASKS},
    )


def _outcome(name: str, runs: Sequence[Run], ceilings: Sequence[Ceiling]) -> _Outcome:
    curves = {
        strategy: np.array(
            [
                [point.accuracy for point in run.test_curve]
                for run in runs
                if run.task == name and run.strategy is strategy
            ],
            dtype=np.float64,
        ).mean(axis=0)
        for strategy in (_MARGIN, _RANDOM)
    }
    (ceiling,) = (ceiling for ceiling in ceilings if ceiling.task == name)
    labels = next(run.labels for run in runs if run.task == name and run.strategy is _MARGIN)
    return _Outcome(
        name=name,
        labels=labels,
        accuracy_first=_rounded(curves[_MARGIN][0]),
        accuracy_last=_rounded(curves[_MARGIN][-1]),
        accuracy_random=_rounded(curves[_RANDOM][-1]),
        accuracy_all_labels=_rounded(ceiling.accuracy or 0.0),
    )


def _rounded(accuracy: float) -> float:
    return round(float(accuracy), 4)


def _print_outcomes(outcomes: Sequence[_Outcome], plot: Path) -> None:
    print_table(
        ["task", "labels", "accuracy first", "last", "random, same labels", "all labels"],
        [
            [
                each.name,
                each.labels,
                percent(each.accuracy_first),
                percent(each.accuracy_last),
                percent(each.accuracy_random),
                percent(each.accuracy_all_labels),
            ]
            for each in outcomes
        ],
        title="Test accuracy, class-aware smallest margin",
    )
    results.print(f"\nlearning curves in {plot}", highlight=False, soft_wrap=True)


def _verdict(prediction: dict[str, Any]) -> str:
    truth = "" if prediction["predicted"] == prediction["truth"] else f", is {prediction['truth']}"
    return f"{prediction['predicted']} ({prediction['probability']:.0%}{truth})"
