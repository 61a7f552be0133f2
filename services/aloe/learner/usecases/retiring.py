"""Rows that a pool retired are taken out of its tasks, by whoever finds a task that lacks it.

Pool and task cannot change in one step. So whoever retires rows takes them out of all tasks before
it answers; if it dies first, the next that looks at pool and task does it: a query, a sweep. Tasks
take rows out in the order in which the pool retired them, so their number tells which are left.
"""

import contextlib
from collections.abc import Callable

import numpy as np

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.errors import StoreFull, TaskChanged, TaskNotFound
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.task import Task, TaskProgress
from aloe.learner.ports.store import Store
from aloe.values.states import ClipState

_CHANGES_PER_READ = 10_000


async def retire_known(store: Store, cached: CachedTask, pool: CachedPool) -> None:
    """Take out what a task lacks, by what is in memory; the task is up to date afterwards."""
    if cached.view.retired_count < len(pool.retired_rows):
        retired = np.asarray(pool.retired_rows)
        cached.view.grow(int(retired.max()) + 1)
        rows = retired[cached.view.states[retired] != ClipState.RETIRED]
        await store.retire_rows(cached.task, rows.tolist())
        await cached.refresh(store)


async def settled_task(store: Store, task_id: str) -> tuple[Task, TaskProgress, Pool]:
    """Return a task and its pool as they are, after taking out what the task lacks.

    A store without room is read all the same: the task then has rows that are retired.

    Raises:
        TaskNotFound: there is no such task.
        PoolNotFound: it has no pool any more.
    """
    task, progress = await store.read_task(task_id)
    pool = await store.read_pool(task.pool_id)
    if progress.retired < pool.retired_count:
        with contextlib.suppress(StoreFull):
            for known_count in (progress.retired, 0):
                rows = await _retired_rows(store, pool, known_count)
                await store.retire_rows(task, rows)
                task, progress = await store.read_task(task_id)
                if progress.retired >= pool.retired_count:
                    break  # Else others than the last are lacking: the store went back.
    return task, progress, pool


class Retiring:
    """Lets a learner know that it changed a pool."""

    def __init__(self, store: Store, pools: PoolCache, notify: Callable[[str], None]) -> None:
        """Take the store and the cache; `notify` is told tasks that may have a round due."""
        self._store, self._pools, self._notify = store, pools, notify

    def changed(self, pool_id: str) -> None:
        """Have the pool read before it is used again."""
        self._pools.changed(pool_id)

    async def retired(self, pool_id: str) -> None:
        """Take retired rows out of all tasks of a pool, and train those that lost labels."""
        for task_id in await self._store.list_task_ids(pool_id):
            with contextlib.suppress(TaskNotFound, TaskChanged):
                _, progress, _ = await settled_task(self._store, task_id)
                if progress.promised_head_version > progress.head_version:
                    self._notify(task_id)


async def _retired_rows(store: Store, pool: Pool, known_count: int) -> list[int]:
    """Return the rows that a pool retired, in order, but for some of the first `known_count`."""
    rows: list[int] = []
    # Not every change retires a row, so that many changes at least are known.
    for first in range(known_count, pool.change_count, _CHANGES_PER_READ):
        changes = await store.read_changes(pool, first, _CHANGES_PER_READ)
        rows += [change.row for change in changes if change.clip.is_retired]
    return rows
