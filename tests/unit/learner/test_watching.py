"""All streams that watch a task share one watcher, which shares its questions with the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.errors import (
    StoreUnavailable,
    TaskChanged,
    TaskNotFound,
)
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.ports.tasks import TaskMark
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.tasks import Tasks
from aloe.learner.usecases.training import Trainer
from aloe.learner.usecases.watching import TaskUpdate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POOL = Pool("p", EncoderInfo("e", "f", 4), False, "pe", NOW)


class CountingStore(MemoryStore):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        self.is_away = False

    async def read_task(self, task_id: str) -> Any:
        self.asked["read_task"] += 1
        if self.is_away:
            raise StoreUnavailable("away")
        return await super().read_task(task_id)

    async def changed_since(self, marks: Sequence[TaskMark]) -> set[str]:
        self.asked["changed_since"] += 1
        self.asked["marks"] = len(marks)
        return await super().changed_since(marks)


class Scene:
    """Some tasks on a pool, and the use cases."""

    def __init__(self) -> None:
        self.store = CountingStore()
        pools, cache = PoolCache(self.store), TaskCache(self.store)
        trainer = Trainer(self.store, pools, cache, PoolMaps(self.store), lambda: NOW)
        self.tasks = Tasks(self.store, pools, cache, trainer, PoolMaps(self.store))

    async def make(self, count: int) -> None:
        await self.store.create_pool(POOL)
        for number in range(count):
            await self.store.create_task(new_task(f"t{number}"))

    async def set_budget(self, task_id: str, budget: int) -> None:
        """Change a task as another process would."""
        task, _ = await self.store.read_task(task_id)
        await self.store.update_task(replace(task, label_budget=budget))


def new_task(task_id: str, epoch: str = "te") -> Task:
    return Task(task_id, "p", ("no", "yes"), epoch, NOW)


@pytest.fixture
async def scene() -> Scene:
    made = Scene()
    await made.make(20)
    return made


async def told(stream: AsyncIterator[TaskUpdate]) -> TaskUpdate:
    async with asyncio.timeout(10):
        return await anext(stream)


async def test_streams_on_a_task_cost_the_store_no_more_than_one(scene: Scene):
    streams = [scene.tasks.watch("t0") for _ in range(300)]
    first = await asyncio.gather(*map(told, streams))
    assert all(update is first[0] for update in first)
    assert scene.store.asked["read_task"] <= 4
    waiting = [asyncio.create_task(told(stream)) for stream in streams]
    await scene.set_budget("t0", 7)
    scene.store.asked.clear()
    following = await asyncio.gather(*waiting)
    assert all(update is following[0] for update in following)
    assert following[0].state.task.label_budget == 7
    assert scene.store.asked["read_task"] <= 4


async def test_all_tasks_are_asked_for_at_once_and_read_only_if_they_changed(scene: Scene):
    streams = [scene.tasks.watch(f"t{number}") for number in range(20)]
    await asyncio.gather(*map(told, streams))
    scene.store.asked.clear()
    waiting = asyncio.create_task(told(streams[3]))
    await scene.set_budget("t3", 7)
    assert (await waiting).state.task.label_budget == 7
    assert scene.store.asked["marks"] == 20
    assert scene.store.asked["changed_since"] <= 3
    assert scene.store.asked["read_task"] <= 4


async def test_a_slow_stream_is_told_the_newest_state_alone(scene: Scene):
    slow, quick = scene.tasks.watch("t0"), scene.tasks.watch("t0")
    await asyncio.gather(told(slow), told(quick))
    for budget in (1, 2, 3):
        await scene.set_budget("t0", budget)
        assert (await told(quick)).state.task.label_budget == budget
    assert (await told(slow)).state.task.label_budget == 3


async def test_a_new_stream_is_told_what_just_happened(scene: Scene):
    watched = scene.tasks.watch("t0")
    await told(watched)
    for budget in (1, 2, 3):
        await scene.set_budget("t0", budget)
        await asyncio.sleep(0.06)  # what it is told may be so old
        assert (await told(scene.tasks.watch("t0"))).state.task.label_budget == budget


async def test_a_watcher_is_told_of_clips_that_come_to_the_pool(scene: Scene):
    stream = scene.tasks.watch("t0")
    assert (await told(stream)).state.clip_count == 0
    await scene.store.append_clips(POOL, [Clip("a", "h")], np.ones((1, 4), np.float32))
    assert (await told(stream)).state.clip_count == 1


async def test_streams_end_where_their_task_does(scene: Scene):
    streams = [scene.tasks.watch("t0") for _ in range(3)]
    await asyncio.gather(*map(told, streams))
    await scene.store.delete_task("t0")
    for stream in streams:
        with pytest.raises(TaskNotFound):
            await told(stream)
    with pytest.raises(TaskNotFound):
        await told(scene.tasks.watch("t0"))


async def test_streams_end_where_their_task_is_made_anew(scene: Scene):
    stream = scene.tasks.watch("t0")
    await told(stream)
    await scene.store.delete_task("t0")
    await scene.store.create_task(new_task("t0", "another"))
    with pytest.raises(TaskChanged):
        await told(stream)
    assert (await told(scene.tasks.watch("t0"))).state.task.epoch == "another"


async def test_streams_end_where_the_store_is_away_and_others_begin_once_it_is_back(scene: Scene):
    stream = scene.tasks.watch("t0")
    await told(stream)
    await scene.set_budget("t0", 7)
    scene.store.is_away = True
    with pytest.raises(StoreUnavailable):
        await told(stream)
    scene.store.is_away = False
    assert (await told(scene.tasks.watch("t0"))).state.task.label_budget == 7


async def test_nothing_is_asked_once_nobody_watches(scene: Scene):
    stream = scene.tasks.watch("t0")
    await told(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    before = asyncio.all_tasks() - {asyncio.current_task()}
    async with asyncio.timeout(10):
        await asyncio.gather(*before, return_exceptions=True)
