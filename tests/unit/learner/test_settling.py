"""A task is settled with a pool that others change at the same time: nothing is taken for lost."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import numpy as np

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.events import START_OF_LOG
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.usecases.settling import settle
from aloe.values.states import ClipState, EventKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POOL = Pool("p", EncoderInfo("e", "f", 2), False, "pe", NOW)


class ChangingStore(MemoryStore):
    """Others change what it holds right behind the next read of a pool."""

    behind: Callable[[], Awaitable[None]] | None = None

    async def read_pool(self, pool_id: str) -> Pool:
        found = await super().read_pool(pool_id)
        behind, self.behind = self.behind, None
        if behind:
            await behind()
        return found


async def test_a_clip_that_is_deleted_while_the_pool_is_read_stays_taken_out_of_the_task():
    store = ChangingStore()
    pool = await store.create_pool(POOL)
    clips = [Clip(f"c{row}", f"h{row}") for row in range(4)]
    await store.append_clips(pool, clips, np.eye(4, 2, dtype=np.float32))
    task = await store.create_task(Task("t", "p", ("no", "yes"), epoch="te", create_time=NOW))
    pools, tasks = PoolCache(store), TaskCache(store)
    cached, before = await tasks.fresh("t"), await pools.fresh("p")

    async def delete(row: int) -> None:
        """As another learner does; this one hears of the task's part first."""
        await store.remove_clips(pool, [f"c{row}"])
        await store.retire_rows(task, [row])
        await cached.refresh(store)

    async def delete_second() -> None:
        await delete(1)

    await delete(0)
    store.behind = delete_second
    await settle(store, pools, cached, before)
    kinds = [each.kind for each in await store.read_events(task, START_OF_LOG)]
    assert EventKind.LABELS_DROPPED not in kinds
    assert kinds.count(EventKind.CLIPS_RETIRED) == 2
    assert cached.view.rows_in(ClipState.RETIRED).tolist() == [0, 1]
    # What came meanwhile is compared the next time, and agrees.
    await settle(store, pools, cached, await pools.fresh("p"))
    assert EventKind.LABELS_DROPPED not in [
        each.kind for each in await store.read_events(task, START_OF_LOG)
    ]
