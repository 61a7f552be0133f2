"""`aloe demo`: the whole of ALOE on synthetic speech, in a minute and without any download."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aloe.bench.datasets import Dataset, Recording
from aloe.bench.datasets.synthesis import INTONATIONS, VOICES, VOWELS, SpokenVowel, synthesize
from aloe.bench.spec import ClassAwareRandom, DatasetSpec, Spec
from aloe.cli.console import notes, percent, print_json, print_table, results
from aloe.cli.experiment_progress import needing_bench
from aloe.cli.options import Json, RedisUrl
from aloe.client import AcquisitionFunction, AsyncLearnerClient, Pcm, Split
from aloe.local import StackOptions

if TYPE_CHECKING:
    from aloe.bench.report.analysis import SettingFigures
    from aloe.bench.spec.run_keys import RunKey

_NAME = "spoken vowels"
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
    redis_url: RedisUrl = "",
    json: Json = False,
) -> None:
    """Label synthetic speech with simulated oracles: three tasks at once on one pool."""
    with needing_bench():
        from aloe.cli.quick_look import check_plot, look, temporary_folder

    check_plot(plot)
    spec = Spec(
        datasets=(DatasetSpec(_NAME, tasks=tuple(_TASKS)),),
        acquisition_functions=(_MARGIN, _RANDOM),
        rounds=rounds,
        seeds=seeds,
        stop=(),
        class_aware_random=ClassAwareRandom.PER_CLASS,
    )
    services = StackOptions(redis_url=redis_url, embedding_flags=("--deterministic",))
    new = _NewClips(synthesize(seed + 1, _NEW_CLIP_COUNT, _SAMPLE_RATE_HZ))
    notes.print(f"labeling {clips} clips for {', '.join(_TASKS)}, all at once", style="dim")
    with temporary_folder() as folder:
        spoken = _dataset(synthesize(seed, clips, _SAMPLE_RATE_HZ), folder)
        found = look(spec, {_NAME: spoken}, folder, services, on_run=new.predict)
    found.draw(plot)
    outcomes = [_outcome(each) for each in found.figures]
    if json:
        print_json(
            {"tasks": outcomes, "predictions": new.found, "plot": str(plot), "rounds": rounds}
        )
        return
    _print_outcomes(outcomes, plot)
    print_table(
        ["new clip", *_TASKS],
        [[each["clip"], *(_verdict(each[name]) for name in _TASKS)] for each in new.found],
        title="\nPredictions on new clips, by heads trained on the labels of one run",
    )


def _dataset(spoken: Sequence[SpokenVowel], folder: Path) -> Dataset:
    """Write clips to a folder; of five, three are for training, one validates and one tests."""
    import soundfile

    turns = [Split.TRAIN, Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST]
    recordings = []
    for place, clip in enumerate(spoken):
        path = folder / f"{clip.clip_id}.wav"
        # As float32: the encoder hears the samples as they were synthesized.
        soundfile.write(path, clip.samples, _SAMPLE_RATE_HZ, subtype="FLOAT")
        labels = {name: getattr(clip, name) for name in _TASKS}
        recordings.append(Recording(clip.clip_id, path, turns[place % len(turns)], labels))
    return Dataset(_NAME, tuple(recordings), _TASKS)


class _NewClips:
    """Clips that no head has seen, and what the heads of the first runs say of them."""

    def __init__(self, clips: Sequence[SpokenVowel]) -> None:
        self._clips = clips
        # Runs end in any order; tasks stand in theirs.
        self.found: list[dict[str, Any]] = [
            {"clip": clip.clip_id, **dict.fromkeys(_TASKS)} for clip in clips
        ]

    async def predict(self, key: "RunKey", client: AsyncLearnerClient, task_id: str) -> None:
        """Ask the head of a run, where it is the one to ask."""
        if key.acquisition_function is not _MARGIN or key.seed:
            return
        audio = [Pcm(clip.samples, _SAMPLE_RATE_HZ) for clip in self._clips]
        said = await client.predict(task_id, audio=audio)
        for row, clip in enumerate(self._clips):
            self.found[row][key.task] = {
                "predicted": said.labels[row],
                "probability": round(float(said.probabilities[row].max()), 4),
                "truth": getattr(clip, key.task),
            }


def _outcome(figures: "SettingFigures") -> _Outcome:
    (group,) = figures.groups
    by_name = {each.name: each for each in group.strategies}
    margin, random = by_name[_MARGIN.value], by_name[_RANDOM.value]
    if not (margin.against_rounds and random.accuracy and margin.labels and figures.ceiling):
        raise AssertionError("every head is measured on the test clips")
    return _Outcome(
        name=figures.setting.task,
        labels=round(margin.labels.value),
        accuracy_first=round(margin.against_rounds.mean[0], 4),
        accuracy_last=round(margin.against_rounds.mean[-1], 4),
        accuracy_random=round(random.accuracy.value, 4),
        accuracy_all_labels=round(figures.ceiling.value, 4),
    )


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
