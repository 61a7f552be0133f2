"""Calls that wait for a task's next head share one waiter."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.unit.learner.test_trainer import NOW, fill

from aloe.admission.errors import Overloaded
from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.errors import (
    HeadVersionUnknown,
    StoreUnavailable,
    TaskChanged,
    TaskNotFound,
)
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.task import Task
from aloe.learner.ports.tasks import TaskMark
from aloe.learner.usecases.head_waiting import HeadWaiting
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.training import Trainer
from aloe.values.states import ClipState

LABELS = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]


class CountingStore(MemoryStore):
    """Counts what it is asked of tasks, and may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_count = 0
        self.is_away = False
        self.tells_changes = True

    async def read_task(self, task_id: str):
        self.asked_count += 1
        if self.is_away:
            raise StoreUnavailable("away")
        return await super().read_task(task_id)

    async def changed_since(self, marks: Sequence[TaskMark]) -> set[str]:
        self.asked_count += 1
        return await super().changed_since(marks) if self.tells_changes else set()


class Scene:
    """A task whose first head is promised, and calls that wait; another replica trains it."""

    def __init__(self) -> None:
        self.store = CountingStore()
        self.cache = TaskCache(self.store)
        self.told: list[str] = []
        self.heads = HeadWaiting(self.store, self.told.append, most_calls=300)

    async def begin(self) -> None:
        self.task: Task = await fill(self.store)
        await self.store.import_labels(self.task, LABELS)
        self.cached: CachedTask = await self.cache.fresh("t")

    def calls(self, count: int, version: int = 1) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.heads.wait(self.cached, version)) for _ in range(count)]

    async def train_elsewhere(self) -> None:
        trainer = Trainer(
            self.store,
            PoolCache(self.store),
            TaskCache(self.store),
            PoolMaps(self.store),
            lambda: NOW,
        )
        assert not await trainer._train_once("t")
        await trainer.stop()


@pytest.fixture
async def scene() -> Scene:
    made = Scene()
    await made.begin()
    return made


async def all_of(calls: list[asyncio.Task[None]]) -> list[BaseException | None]:
    async with asyncio.timeout(5):
        return await asyncio.gather(*calls, return_exceptions=True)


async def test_any_number_of_calls_asks_the_store_no_more_than_one(scene: Scene):
    calls = scene.calls(300)
    await asyncio.sleep(0.55)
    assert scene.store.asked_count <= 12
    assert set(scene.told) == {"t"}
    await scene.train_elsewhere()
    assert await all_of(calls) == [None] * 300


async def test_a_head_that_this_process_sees_wakes_its_calls_at_once(scene: Scene):
    calls = scene.calls(3)
    await asyncio.sleep(0.15)
    scene.store.tells_changes = False
    await scene.train_elsewhere()
    assert not any(call.done() for call in calls)
    await scene.cached.refresh(scene.store)
    async with asyncio.timeout(0.3):
        await asyncio.gather(*calls)


async def test_calls_for_a_version_that_never_comes_are_told_and_the_others_wait(scene: Scene):
    promised = scene.calls(2)
    await asyncio.sleep(0.15)
    [error] = await all_of(scene.calls(1, version=2))
    assert isinstance(error, HeadVersionUnknown)
    assert "head 0 and none past 1 in the making; 2 would never come" in str(error)
    assert not any(call.done() for call in promised)
    elsewhere = [LabelChange(1, ClipState.VALIDATION, 1)]  # It leaves one class to train on.
    await scene.store.import_labels(scene.task, elsewhere, replace=True)
    errors = await all_of(promised)
    assert [type(each) for each in errors] == [HeadVersionUnknown] * 2


async def test_more_calls_than_may_wait_are_refused_and_those_that_leave_make_room(scene: Scene):
    calls = scene.calls(300)
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="300 calls wait for heads already") as raised:
        await scene.heads.wait(scene.cached, 1)
    assert raised.value.retry_after_s >= 1
    for call in calls:
        call.cancel()
    await all_of(calls)
    assert not scene.heads._awaited
    another = scene.calls(1)
    await scene.train_elsewhere()
    assert await all_of(another) == [None]


@pytest.mark.parametrize("fault", ["away", "deleted", "made anew"])
async def test_calls_end_where_their_task_does_or_the_store_is_away(scene: Scene, fault: str):
    calls = scene.calls(3)
    await asyncio.sleep(0.15)
    if fault == "away":
        scene.store.is_away = True
    else:
        await scene.store.delete_task("t")
    if fault == "made anew":
        await scene.store.create_task(Task("t", "p", ("no", "yes"), "another", NOW))
    errors = await all_of(calls)
    expected = {"away": StoreUnavailable, "deleted": TaskNotFound, "made anew": TaskChanged}
    assert [type(each) for each in errors] == [expected[fault]] * 3


async def test_nothing_is_asked_once_nobody_waits(scene: Scene):
    others = asyncio.all_tasks()
    calls = scene.calls(3)
    await asyncio.sleep(0.05)
    for call in calls:
        call.cancel()
    left = asyncio.all_tasks() - others
    async with asyncio.timeout(5):
        await asyncio.gather(*left, return_exceptions=True)
