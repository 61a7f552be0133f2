"""Which of many tasks changed since they were looked at."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.learner.ports.tasks import TaskMark
from aloe.redis.connecting import connect_redis
from aloe.values.states import ClipState

from .conftest import Scene, new_task

HOLD = timedelta(minutes=1)
TWO_CLASSES = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]


async def mark(store: Store, task: Task) -> TaskMark:
    events = await store.read_events(task, "0-0")
    _, progress = await store.read_task(task.task_id)
    return TaskMark(task.task_id, task.epoch, events[-1].event_id, progress.training_head_version)


async def changed(scene: Scene, marks: list[TaskMark]) -> list[str]:
    return sorted(await scene.store.changed_since(marks))


@pytest.mark.slow
async def test_tasks_change_by_events_and_rounds_each_alone(scene: Scene):
    tasks = [await scene.store.create_task(new_task(scene.pool.pool_id)) for _ in range(300)]
    marks = [await mark(scene.store, task) for task in tasks]
    assert await changed(scene, marks) == []
    await scene.store.import_labels(tasks[3], TWO_CLASSES)
    await scene.store.import_labels(tasks[299], TWO_CLASSES)
    assert await changed(scene, marks) == sorted([tasks[3].task_id, tasks[299].task_id])
    marks[3] = await mark(scene.store, tasks[3])
    marks[299] = await mark(scene.store, tasks[299])
    assert await changed(scene, marks) == []
    assert await scene.store.begin_round(tasks[3], "t", HOLD)  # of which no event tells
    assert await changed(scene, marks) == [tasks[3].task_id]
    marks[3] = await mark(scene.store, tasks[3])
    assert await changed(scene, marks) == []


async def test_a_lease_that_is_overdue_is_a_change(scene: Scene):
    await scene.store.lease(scene.task, scene.request(duration=timedelta(minutes=5)))
    assert await changed(scene, [await mark(scene.store, scene.task)]) == []
    await scene.store.lease(scene.task, scene.request("bea", duration=timedelta(milliseconds=300)))
    marks = [await mark(scene.store, scene.task)]
    async with asyncio.timeout(10):
        while not await scene.store.changed_since(marks):  # noqa: ASYNC110 - of the store
            await asyncio.sleep(0.01)
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert progress.leased == 1


async def test_a_task_that_is_gone_has_changed_and_others_have_not(scene: Scene):
    other = await scene.store.create_task(new_task(scene.pool.pool_id))
    marks = [await mark(scene.store, task) for task in (scene.task, other)]
    await scene.store.delete_task(other.task_id)
    assert await changed(scene, marks) == [other.task_id]


async def test_a_task_that_was_made_anew_has_changed(scene: Scene):
    marks = [await mark(scene.store, scene.task)]
    await scene.store.delete_task(scene.task.task_id)
    await scene.store.create_task(new_task(scene.pool.pool_id, task_id=scene.task.task_id))
    assert await changed(scene, marks) == [scene.task.task_id]


@pytest.mark.parametrize("key", ["meta", "expiries", "events"])
async def test_a_task_that_cannot_be_read_keeps_no_other_from_being_looked_at(
    scene: Scene, redis_url: str, key: str, request: pytest.FixtureRequest
):
    if isinstance(scene.store, MemoryStore):
        pytest.skip("keys of a wrong type are of Redis")
    url: Any = request.node.callspec.params["store"]
    client = connect_redis(request.getfixturevalue(url))
    other = await scene.store.create_task(new_task(scene.pool.pool_id))
    marks = [await mark(scene.store, task) for task in (other, scene.task)]
    name = f"aloe:{{task:{other.task_id}}}:{key}"
    await client.delete(name)
    await client.set(name, "of another type")
    assert await changed(scene, marks) == [other.task_id]
    await client.delete(name)
    await client.aclose()
