"""The trainer looks again whenever it is told to."""

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.adapters.memory_store import MemoryStore
from aloe.learner.caches import TaskCache
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import ClipState, Task
from aloe.learner.pool_cache import PoolCache
from aloe.learner.ports import LabelChange
from aloe.learner.training import Trainer

BYTE_BUDGET = 1 << 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def fill(store: MemoryStore) -> Task:
    pool = Pool("p", EncoderInfo("e", "f", 2), keep_audio=False, epoch="e", create_time=NOW)
    await store.create_pool(pool)
    vectors = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    await store.append_clips(pool, [Clip(f"c{n}", "h") for n in range(3)], vectors)
    return await store.create_task(Task("t", "p", ("no", "yes"), epoch="e", create_time=NOW))


class LateNews(MemoryStore):
    """Labels come in when the trainer has just been told that no round is due."""

    def __init__(self) -> None:
        super().__init__()
        self.trainer: Trainer | None = None

    async def begin_round(self, *args, **options):
        ticket = await super().begin_round(*args, **options)
        if ticket is None and self.trainer is not None:
            # Scheduled before the trainer ends, and so it runs before anyone sees it ended.
            asyncio.get_running_loop().call_soon(self.trainer.notify, "t")
            self.trainer = None
            labels = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]
            await self.import_labels(args[0], labels)
        return ticket


@pytest.mark.timeout(20)
async def test_labels_that_come_as_the_trainer_ends_are_trained_without_a_sweep():
    store = LateNews()
    await fill(store)
    tasks = TaskCache(store)
    store.trainer = trainer = Trainer(store, PoolCache(store, BYTE_BUDGET), tasks, lambda: NOW)
    trainer.notify("t")
    cached = await tasks.fresh("t")
    async with asyncio.timeout(10):
        while cached.view.head_version == 0:
            await cached.changed.wait()
    await trainer.stop()
    assert (await store.read_task("t"))[1].head_version == 1


async def test_stopping_gives_back_the_threads_of_the_matrices():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def thread_counts() -> list[int]:
        return [
            each["num_threads"]
            for each in threadpoolctl.threadpool_info()
            if each["user_api"] == "blas"
        ]

    store = MemoryStore()
    before = thread_counts()
    trainer = Trainer(store, PoolCache(store, BYTE_BUDGET), TaskCache(store), lambda: NOW)
    trainer.start()
    during = thread_counts()
    await trainer.stop()
    assert set(during) == {1}
    assert thread_counts() == before
