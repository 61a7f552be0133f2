"""The runs on one pool: each labels a task of its own with its own oracle, over gRPC."""

import asyncio
import contextlib
import os
import secrets
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
    StoppingRule,
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
            prefix: of the ids of the tasks, which are deleted after their runs; of one experiment
                alone, since tasks that an earlier process of it left are deleted as well.
        """
        self._clients, self._corpus, self._spec = clients, corpus, spec
        self._pool_id, self._prefix = pool_id, prefix
        # No id is used twice: a learner may still be busy with the task that had it.
        self._own_prefix = f"{prefix}-{secrets.token_hex(4)}"

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
                group.create_task(self._work(client, waiting, on_batch, on_record))

    async def _work(
        self,
        client: AsyncLearnerClient,
        waiting: Iterator[tuple[int, RunKey]],
        on_batch: Callable[[RunKey], None],
        on_record: Callable[[RunRecord, str], Awaitable[None]],
    ) -> None:
        for number, key in waiting:
            task_id = f"{self._own_prefix}-{number}"
            run = _Run(client, self._corpus, self._spec, self._pool_id, task_id, key)
            try:
                await on_record(await run.do(on_batch), task_id)
            finally:
                with contextlib.suppress(NotFound):
                    await client.delete_task(task_id, timeout=_CLEAN_UP)

    async def _delete_left_over(self) -> None:
        """Delete the tasks of an earlier process that was killed."""
        client = self._clients[0]
        for task in await client.list_tasks(self._pool_id, timeout=PATIENCE):
            if task.task_id.startswith(f"{self._prefix}-"):
                await client.delete_task(task.task_id, timeout=PATIENCE)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run on a task of its own."""

    client: AsyncLearnerClient
    corpus: Corpus
    spec: Spec
    pool_id: str
    task_id: str
    key: RunKey

    async def do(self, on_batch: Callable[[RunKey], None]) -> RunRecord:
        key = self.key
        if key.strategy is None or key.sampling is None:
            labels = self.corpus.known_labels(key.task, [Split.TRAIN])
            return await self._record(await self._create(QueryStrategy(), labels, None), [])
        seed_labels = self.corpus.seed_labels(key.task, self.spec.seed_labels, key.seed)
        strategy = self.spec.query_strategy(key.strategy, key.sampling)
        first_head = await self._create(strategy, seed_labels, self.spec.stopping_rule())
        batches: list[LabelingRound] = []

        def on_round(batch: LabelingRound) -> None:
            batches.append(batch)
            on_batch(key)

        classes = self.corpus.classes[key.task]
        report = await label_task(
            self.client,
            self.task_id,
            make_oracle(key.oracle, self.corpus.truth[key.task], classes, seed=key.seed),
            oracle_id="simulated",
            batch_size=self.spec.batch_size(key.sampling, len(classes)),
            rounds=self.spec.rounds,
            min_head_version=first_head,
            on_round=on_round,
            call_timeout=PATIENCE,
        )
        return await self._record(report.head_version, batches)

    async def _create(
        self,
        strategy: QueryStrategy,
        train_labels: Sequence[KnownLabel],
        stopping_rule: StoppingRule | None,
    ) -> int:
        """Create the task with its known labels; return the version of its first head."""
        await self.client.create_task(
            self.task_id,
            self.pool_id,
            self.corpus.classes[self.key.task],
            query_strategy=strategy,
            lease_duration=_LEASE,
            seed=self.key.seed,
            stopping_rule=stopping_rule,
            timeout=PATIENCE,
        )
        held_out = self.corpus.known_labels(self.key.task, [Split.VALIDATION, Split.TEST])
        imported = await self.client.import_labels(
            self.task_id, [*held_out, *train_labels], timeout=PATIENCE
        )
        return imported.head_version or 0

    async def _record(self, last_head: int, batches: Sequence[LabelingRound]) -> RunRecord:
        """Wait for the last head and read the rounds."""
        async for update in self.client.watch_task(self.task_id, timeout=PATIENCE):
            if update.task.head_version >= last_head:
                break
        rounds = await self.client.list_rounds(self.task_id, timeout=PATIENCE)
        return RunRecord(self.key, rounds, tuple(batches))
