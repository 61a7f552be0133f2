"""The runs on one pool, several at a time."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import timedelta

from aloe.bench.results.rows import RunRecord
from aloe.bench.run.checking import PATIENCE
from aloe.bench.run.parts import EmbeddedPart
from aloe.bench.run.task_run import Hardness, TaskRun
from aloe.bench.spec import Spec
from aloe.bench.spec.run_keys import RunKey
from aloe.client import AloeError, AsyncLearnerClient, DuplicateRule, ImportSummary
from aloe.oracle import PERFECT

CORE_COUNT = os.cpu_count() or 1
JOB_COUNT = 2 * CORE_COUNT
"""Runs at a time, so that some ask while the heads of others are trained. On two cores, with 100
rounds, one per core took a tenth longer, and four gained nothing."""
_CLEAN_UP = timedelta(seconds=5)

OnRecord = Callable[[RunRecord, AsyncLearnerClient, str], Awaitable[None]]
"""Called with what happened, a client of the run's learner, and the id of its task."""


class PoolRuns:
    """Does runs on one pool."""

    def __init__(
        self,
        clients: Sequence[AsyncLearnerClient],
        part: EmbeddedPart,
        spec: Spec,
        *,
        pool_id: str,
        prefix: str,
    ) -> None:
        """Describe runs.

        Args:
            clients: of the learner's replicas; a run keeps to one of them.
            part: the clips and the truth.
            spec: what to do.
            pool_id: the pool to import into; may hold the clips already.
            prefix: of the ids of the tasks, which are deleted after their runs; of one experiment
                alone, since tasks that an earlier process of it left are deleted as well.
        """
        self._clients, self._part, self._spec = clients, part, spec
        self._pool_id, self._prefix = pool_id, prefix
        self._hardness: dict[tuple[str, int], asyncio.Task[Hardness]] = {}
        # New ids for each process: a learner may still be busy with a task that had the old id.
        self._own_prefix = f"{prefix}-{secrets.token_hex(4)}"

    async def import_clips(self) -> ImportSummary:
        """Put the clips into the pool; those that it has are skipped."""
        # Equal recordings of a data set are clips of their own, with labels of their own.
        return await self._clients[0].import_clips(
            self._pool_id,
            self._part.corpus.clips(),
            duplicates=DuplicateRule.KEEP,
            timeout=PATIENCE,
        )

    async def run(
        self,
        keys: Sequence[RunKey],
        *,
        job_count: int,
        on_batch: Callable[[], None],
        on_record: OnRecord,
    ) -> None:
        """Do some runs.

        Args:
            keys: which.
            job_count: how many at a time.
            on_batch: told of every batch that was labeled.
            on_record: told of each run that is done, before its task is deleted.
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
        on_batch: Callable[[], None],
        on_record: OnRecord,
    ) -> None:
        for number, key in waiting:
            async with self._task_run(client, key, str(number)) as run:
                record = await run.do(on_batch, lambda: self._hardness_of(client, key))  # noqa: B023
                await on_record(record, client, run.task_id)

    @contextlib.asynccontextmanager
    async def _task_run(
        self, client: AsyncLearnerClient, key: RunKey, suffix: str
    ) -> AsyncIterator[TaskRun]:
        """Yield a run; delete its task at the end."""
        task_id = f"{self._own_prefix}-{suffix}"
        try:
            corpus = self._part.corpus_of(key.seed)
            yield TaskRun(client, corpus, self._spec, self._pool_id, task_id, key)
        finally:
            # A task that stays is deleted by the next process of the experiment.
            with contextlib.suppress(AloeError):
                await client.delete_task(task_id, timeout=_CLEAN_UP)

    async def _hardness_of(self, client: AsyncLearnerClient, key: RunKey) -> Hardness:
        """Return how hard the train clips are, found out once for all runs that share them."""
        seed = key.seed if self._part.splits_of else 0
        shared = key.task, seed
        if shared not in self._hardness:
            number = len(self._hardness)
            measuring = self._measure(client, RunKey(key.task, None, None, PERFECT, seed), number)
            self._hardness[shared] = asyncio.create_task(measuring)
        return await self._hardness[shared]

    async def _measure(self, client: AsyncLearnerClient, key: RunKey, number: int) -> Hardness:
        async with self._task_run(client, key, f"hardness-{number}") as run:
            return await run.hardness()

    async def _delete_left_over(self) -> None:
        """Delete the tasks of an earlier process that was killed."""
        client = self._clients[0]
        for task in await client.list_tasks(self._pool_id, timeout=PATIENCE):
            if task.task_id.startswith(f"{self._prefix}-"):
                await client.delete_task(task.task_id, timeout=PATIENCE)
