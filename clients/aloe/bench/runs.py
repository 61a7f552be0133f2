"""The runs on one pool: each labels a task of its own with its own oracle, over gRPC."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aloe.bench.answering import PERFECT, make_oracle
from aloe.bench.corpus import Corpus
from aloe.bench.spec import Spec
from aloe.client import (
    AcquisitionFunction,
    AsyncLearnerClient,
    ImportSummary,
    KnownLabel,
    NotFound,
    QueryStrategy,
    Round,
    SelectionRule,
    Split,
)
from aloe.oracle import LabelingRound, label_task

PATIENCE = timedelta(minutes=5)
"""How long a server may be away, or a head take, before the experiment gives up."""
CORE_COUNT = os.cpu_count() or 1
JOB_COUNT = 2 * CORE_COUNT
"""Runs at a time: some wait for the learner while it trains the heads of others."""
_CLEAN_UP = timedelta(seconds=5)
_LEASE = timedelta(hours=1)
"""Longer than any run pauses: an expired lease would change what is asked."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run on a pool."""

    task: str
    strategy: AcquisitionFunction | None
    """None for the ceiling: the head that is trained on every train label."""
    sampling: SelectionRule | None
    """None for the ceiling."""
    oracle: str
    seed: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What happened in a run."""

    key: RunKey
    rounds: tuple[Round, ...]
    """One per head."""
    batches: tuple[LabelingRound, ...]
    """Empty for the ceiling."""


def run_keys(spec: Spec, tasks: Sequence[str]) -> tuple[RunKey, ...]:
    """List the runs on a pool: of each task the ceilings, then by strategy, sampling, oracle."""
    seeds = range(spec.seeds)
    return tuple(
        key
        for task in tasks
        for key in (
            *(RunKey(task, None, None, PERFECT, seed) for seed in seeds),
            *(
                RunKey(task, spec.acquisition(strategy), sampling, oracle, seed)
                for strategy in spec.strategies
                for sampling in spec.sampling
                for oracle in spec.oracles
                for seed in seeds
            ),
        )
    )


class PoolRuns:
    """Does runs on one pool."""

    def __init__(
        self,
        clients: Sequence[AsyncLearnerClient],
        corpus: Corpus,
        spec: Spec,
        *,
        pool_id: str,
        prefix: str,
    ) -> None:
        """Describe runs.

        Args:
            clients: of the learner's replicas; a run keeps to one of them.
            corpus: the clips and the truth.
            spec: what to do.
            pool_id: the pool to import into; may hold the clips already.
            prefix: of the ids of the tasks, which are deleted after their runs.
        """
        self._clients, self._corpus, self._spec = clients, corpus, spec
        self._pool_id, self._prefix = pool_id, prefix

    async def import_clips(
        self, on_progress: Callable[[int], None], *, encoder_fingerprint: str = ""
    ) -> ImportSummary:
        """Put the clips into the pool; those that it has are skipped."""
        return await self._clients[0].import_clips(
            self._pool_id,
            self._corpus.clips(),
            encoder_fingerprint=encoder_fingerprint,
            on_progress=on_progress,
            timeout=PATIENCE,
        )

    async def run(
        self,
        keys: Sequence[RunKey],
        *,
        job_count: int,
        on_batch: Callable[[RunKey], None],
        on_record: Callable[[RunRecord, str], Awaitable[None]],
    ) -> None:
        """Do some runs.

        Args:
            keys: which.
            job_count: how many at a time.
            on_batch: told of every batch that was labeled.
            on_record: told of each run that is done, and the id of its task, which then goes.
        """
        await self._delete_left_over()
        waiting = iter(enumerate(keys))
        async with asyncio.TaskGroup() as group:
            for number in range(min(job_count, len(keys))):
                client = self._clients[number % len(self._clients)]
                group.create_task(self._work(client, waiting, on_record, on_batch))

    async def _work(
        self,
        client: AsyncLearnerClient,
        waiting: Iterator[tuple[int, RunKey]],
        on_record: Callable[[RunRecord, str], Awaitable[None]],
        on_batch: Callable[[RunKey], None],
    ) -> None:
        for number, key in waiting:
            task_id = f"{self._prefix}-{number}"
            try:
                if key.strategy is None or key.sampling is None:
                    record = await self._ceiling(client, task_id, key)
                else:
                    record = await self._label(
                        client, task_id, key, key.strategy, key.sampling, on_batch
                    )
                await on_record(record, task_id)
            finally:
                with contextlib.suppress(NotFound):
                    await client.delete_task(task_id, timeout=_CLEAN_UP)

    async def _label(
        self,
        client: AsyncLearnerClient,
        task_id: str,
        key: RunKey,
        strategy: AcquisitionFunction,
        sampling: SelectionRule,
        on_batch: Callable[[RunKey], None],
    ) -> RunRecord:
        spec, classes = self._spec, self._corpus.classes[key.task]
        seed_labels = self._corpus.seed_labels(key.task, spec.seed_labels, key.seed)
        query_strategy = spec.query_strategy(strategy, sampling)
        first_head = await self._create(client, task_id, key, query_strategy, seed_labels)
        batches: list[LabelingRound] = []

        def on_round(batch: LabelingRound) -> None:
            batches.append(batch)
            on_batch(key)

        report = await label_task(
            client,
            task_id,
            make_oracle(key.oracle, self._corpus.truth[key.task], classes, seed=key.seed),
            oracle_id="simulated",
            batch_size=spec.batch_size(sampling, len(classes)),
            rounds=spec.rounds,
            min_head_version=first_head,
            on_round=on_round,
            call_timeout=PATIENCE,
        )
        return await self._record(client, task_id, key, report.head_version, batches)

    async def _ceiling(self, client: AsyncLearnerClient, task_id: str, key: RunKey) -> RunRecord:
        labels = self._corpus.known_labels(key.task, [Split.TRAIN])
        head = await self._create(client, task_id, key, QueryStrategy(), labels)
        return await self._record(client, task_id, key, head, [])

    async def _create(
        self,
        client: AsyncLearnerClient,
        task_id: str,
        key: RunKey,
        strategy: QueryStrategy,
        train_labels: Sequence[KnownLabel],
    ) -> int:
        """Create a task with its known labels; return the version of its first head."""
        await client.create_task(
            task_id,
            self._pool_id,
            self._corpus.classes[key.task],
            query_strategy=strategy,
            lease_duration=_LEASE,
            seed=key.seed,
            timeout=PATIENCE,
        )
        held_out = self._corpus.known_labels(key.task, [Split.VALIDATION, Split.TEST])
        imported = await client.import_labels(task_id, [*held_out, *train_labels], timeout=PATIENCE)
        return imported.head_version or 0

    async def _record(
        self,
        client: AsyncLearnerClient,
        task_id: str,
        key: RunKey,
        last_head: int,
        batches: Sequence[LabelingRound],
    ) -> RunRecord:
        """Wait for the last head and read the rounds."""
        async for update in client.watch_task(task_id, timeout=PATIENCE):
            if update.task.head_version >= last_head:
                break
        rounds = await client.list_rounds(task_id, timeout=PATIENCE)
        return RunRecord(key, rounds, tuple(batches))

    async def _delete_left_over(self) -> None:
        """Delete the tasks of an earlier experiment of this prefix that was killed."""
        client = self._clients[0]
        for task in await client.list_tasks(self._pool_id, timeout=PATIENCE):
            if task.task_id.startswith(f"{self._prefix}-"):
                await client.delete_task(task.task_id, timeout=PATIENCE)
