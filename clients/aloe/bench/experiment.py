"""The simulated experiment: many tasks on one pool, each with its own oracle, over gRPC."""

import asyncio
import contextlib
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from aloe.bench.datasets import Dataset
from aloe.bench.results import Ceiling, CurvePoint, Run
from aloe.client import (
    AcquisitionFunction,
    AdamRecipe,
    AsyncLearnerClient,
    Evaluation,
    HeadRecipe,
    ImportSummary,
    KnownLabel,
    NewClip,
    NotFound,
    QueryStrategy,
    Round,
    SelectionRule,
    Split,
)
from aloe.oracle import LabelingRound, SimulatedOracle, label_task

PATIENCE = timedelta(minutes=5)
"""How long a server may be away, or a head take, before the experiment gives up."""
_CLEAN_UP = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Clips and the whole truth about them."""

    clips: Sequence[NewClip]
    splits: Mapping[str, Split]
    """Clip id to split."""
    classes: Mapping[str, tuple[str, ...]]
    """Task to classes."""
    truth: Mapping[str, Mapping[str, str]]
    """Task to clip id to class."""

    @classmethod
    def of_dataset(cls, dataset: Dataset, tasks: Iterable[str]) -> "Corpus":
        """Take some tasks of a data set."""
        names = tuple(tasks)
        recordings = dataset.recordings
        return cls(
            clips=[NewClip(r.clip_id, audio=r.audio(), uri=r.uri) for r in recordings],
            splits={r.clip_id: r.split for r in recordings},
            classes={name: dataset.tasks[name] for name in names},
            truth={name: {r.clip_id: r.labels[name] for r in recordings} for name in names},
        )

    def known_labels(self, task: str, splits: Iterable[Split]) -> list[KnownLabel]:
        """Return the truth of a task on some splits."""
        wanted = set(splits)
        return [
            KnownLabel(clip_id, label, self.splits[clip_id])
            for clip_id, label in self.truth[task].items()
            if self.splits[clip_id] in wanted
        ]

    def seed_labels(self, task: str, per_class: int, seed: int) -> list[KnownLabel]:
        """Draw the same number of train clips of each class, by seed."""
        generator = np.random.default_rng([seed, 0x5EED])
        drawn: list[KnownLabel] = []
        for name in self.classes[task]:
            clip_ids = [
                clip_id
                for clip_id, label in self.truth[task].items()
                if label == name and self.splits[clip_id] is Split.TRAIN
            ]
            count = min(per_class, len(clip_ids))
            places = sorted(generator.choice(len(clip_ids), count, replace=False).tolist())
            drawn += [KnownLabel(clip_ids[place], name, Split.TRAIN) for place in places]
        return drawn


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated."""

    strategies: tuple[AcquisitionFunction, ...]
    selection: SelectionRule
    rounds: int
    seeds: tuple[int, ...]
    seed_labels_per_class: int = 5
    batch_size: int | None = None
    """Clips in a round; None means one per class."""
    error_rate: float = 0.0
    abstention_rate: float = 0.0
    head_recipe: HeadRecipe = AdamRecipe()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run of an experiment."""

    task: str
    strategy: AcquisitionFunction
    seed: int


class Experiment:
    """Runs a plan on a corpus through a learner service."""

    def __init__(
        self, client: AsyncLearnerClient, corpus: Corpus, plan: Plan, *, pool_id: str, prefix: str
    ) -> None:
        """Describe an experiment.

        Args:
            client: of the learner service.
            corpus: the clips and the truth.
            plan: what to simulate.
            pool_id: the pool to import into; may hold the clips already.
            prefix: of the ids of the tasks, which are deleted at the end.
        """
        self._client, self._corpus, self._plan = client, corpus, plan
        self._pool_id, self._prefix = pool_id, prefix
        self._task_ids: list[str] = []

    async def import_clips(self, on_progress: Callable[[int], None]) -> ImportSummary:
        """Embed the clips once; those that the pool has are skipped."""
        return await self._client.import_clips(
            self._pool_id, self._corpus.clips, on_progress=on_progress, timeout=PATIENCE
        )

    async def run(
        self, on_round: Callable[[RunKey, LabelingRound], None]
    ) -> tuple[tuple[Run, ...], tuple[Ceiling, ...]]:
        """Run everything at once, each run on a task of its own.

        Args:
            on_round: told of every batch that was labeled.

        Returns:
            The runs, by task, strategy and seed, and a ceiling per task.
        """
        plan, tasks = self._plan, tuple(self._corpus.classes)
        keys = [
            RunKey(task, strategy, seed)
            for task in tasks
            for strategy in plan.strategies
            for seed in plan.seeds
        ]
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(self._run_one(key, on_round)) for key in keys]
            ceilings = [group.create_task(self._ceiling(task)) for task in tasks]
        return tuple(run.result() for run in runs), tuple(c.result() for c in ceilings)

    async def delete_tasks(self) -> None:
        """Delete the tasks that were created; the pool stays."""
        for task_id in self._task_ids:
            with contextlib.suppress(NotFound):
                await self._client.delete_task(task_id, timeout=_CLEAN_UP)

    def task_id(self, key: RunKey) -> str:
        """Return the id of a run's task."""
        return f"{self._prefix}-{key.task}-{key.strategy.value}-{key.seed}"

    async def _run_one(self, key: RunKey, on_round: Callable[[RunKey, LabelingRound], None]) -> Run:
        plan, corpus = self._plan, self._corpus
        task_id, classes = self.task_id(key), corpus.classes[key.task]
        strategy = QueryStrategy(key.strategy, plan.selection)
        first_head = await self._create(
            task_id,
            key.task,
            strategy,
            key.seed,
            corpus.seed_labels(key.task, plan.seed_labels_per_class, key.seed),
        )
        await label_task(
            self._client,
            task_id,
            SimulatedOracle(
                corpus.truth[key.task],
                classes,
                seed=key.seed,
                error_rate=plan.error_rate,
                abstention_rate=plan.abstention_rate,
            ),
            oracle_id="simulated",
            batch_size=plan.batch_size or len(classes),
            rounds=plan.rounds,
            min_head_version=first_head,
            on_round=lambda labeled: on_round(key, labeled),
            call_timeout=PATIENCE,
        )
        await self._wait_until_trained(task_id)
        rounds = await self._client.list_rounds(task_id, timeout=PATIENCE)
        return Run(
            task=key.task,
            strategy=key.strategy,
            selection=plan.selection,
            seed=key.seed,
            labels=rounds[-1].label_count,
            accuracy=_accuracy(rounds[-1].test),
            curve=_curve(rounds, lambda each: each.validation),
            test_curve=_curve(rounds, lambda each: each.test),
        )

    async def _ceiling(self, task: str) -> Ceiling:
        labels = self._corpus.known_labels(task, [Split.TRAIN])
        accuracies = []
        for seed in self._plan.seeds:
            task_id = f"{self._prefix}-{task}-all-{seed}"
            await self._create(task_id, task, QueryStrategy(), seed, labels)
            await self._wait_until_trained(task_id)
            rounds = await self._client.list_rounds(task_id, timeout=PATIENCE)
            accuracies.append(_accuracy(rounds[-1].test))
        known = [accuracy for accuracy in accuracies if accuracy is not None]
        return Ceiling(
            task, len(labels), float(np.mean(known)) if known else None, self._plan.seeds
        )

    async def _create(
        self,
        task_id: str,
        task: str,
        strategy: QueryStrategy,
        seed: int,
        train_labels: Sequence[KnownLabel],
    ) -> int:
        """Create a task with its known labels; return the version of its first head."""
        await self._client.create_task(
            task_id,
            self._pool_id,
            self._corpus.classes[task],
            query_strategy=strategy,
            head_recipe=self._plan.head_recipe,
            seed=seed,
            timeout=PATIENCE,
        )
        self._task_ids.append(task_id)
        held_out = self._corpus.known_labels(task, [Split.VALIDATION, Split.TEST])
        imported = await self._client.import_labels(
            task_id, [*held_out, *train_labels], timeout=PATIENCE
        )
        return imported.head_version or 0

    async def _wait_until_trained(self, task_id: str) -> None:
        """Wait for the head that contains every label so far."""
        async for update in self._client.watch_task(task_id, timeout=PATIENCE):
            newest = update.last_round.label_count if update.last_round else 0
            if newest == update.task.clip_counts.labeled:
                return


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version()}
    for package in ("aloe-speech", "grpcio", "numpy", "scipy", "soxr", "tensorflow"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _accuracy(evaluation: Evaluation | None) -> float | None:
    return None if evaluation is None else evaluation.accuracy


def _curve(
    rounds: Sequence[Round], part: Callable[[Round], Evaluation | None]
) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(each.label_count, _accuracy(part(each))) for each in rounds)
