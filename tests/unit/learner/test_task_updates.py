"""An update that others get ahead of is made again, on top of theirs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.errors import TaskChanged
from aloe.learner.domain.pool import EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.tasks import Tasks
from aloe.learner.usecases.training import Trainer

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class ContestedStore(MemoryStore):
    """Somebody else lengthens the leases just before each of the first updates."""

    def __init__(self, contested_count: int) -> None:
        super().__init__()
        self._contested_count = contested_count

    async def update_task(self, task: Task) -> None:
        if self._contested_count:
            self._contested_count -= 1
            stored, _ = await self.read_task(task.task_id)
            longer = stored.lease_duration + timedelta(seconds=1)
            await super().update_task(replace(stored, lease_duration=longer))
        await super().update_task(task)


async def tasks_on(store: MemoryStore) -> Tasks:
    await store.create_pool(Pool("p", EncoderInfo("e", "f", 4), False, "pe", NOW))
    await store.create_task(
        Task("t", "p", ("no", "yes"), "te", NOW, lease_duration=timedelta(seconds=10))
    )
    pools, cache = PoolCache(store), TaskCache(store)
    trainer = Trainer(store, pools, cache, PoolMaps(store), lambda: NOW)
    return Tasks(store, pools, cache, trainer, PoolMaps(store))


def with_budget(task: Task) -> Task:
    return replace(task, label_budget=7)


@pytest.mark.parametrize("contested_count", [0, 1, 19])
async def test_an_update_keeps_what_others_changed_meanwhile(contested_count: int):
    tasks = await tasks_on(ContestedStore(contested_count))
    state = await tasks.update("t", with_budget)
    assert state.task.label_budget == 7
    assert state.task.lease_duration == timedelta(seconds=10 + contested_count)
    assert state.task.revision == contested_count + 1


async def test_an_update_that_others_keep_getting_ahead_of_is_given_up():
    tasks = await tasks_on(ContestedStore(1_000))
    with pytest.raises(TaskChanged, match="updated by another"):
        await tasks.update("t", with_budget)
