"""Updates of a task, and calls that hold a copy of one that is no longer there."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from aloe.learner.domain.errors import TaskChanged, TaskNotFound
from aloe.learner.domain.events import START_OF_LOG
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.task import Task
from aloe.values.states import EventKind, PoolState

from .conftest import Scene, new_task
from .heads import a_head, a_round

CALLS: dict[str, Callable[[Scene, Task], Awaitable[object]]] = {
    "update_task": lambda scene, task: scene.store.update_task(task),
    "change_classes": lambda scene, task: scene.store.change_classes(task, teaches=True),
    "import_labels": lambda scene, task: scene.store.import_labels(task, []),
    "lease": lambda scene, task: scene.store.lease(task, scene.request()),
    "submit": lambda scene, task: scene.store.submit(task, "ann", [("x", 0)], "r"),
    "release": lambda scene, task: scene.store.release(task, "ann", []),
    "renew": lambda scene, task: scene.store.renew(task, "ann", ["x"], timedelta(minutes=1)),
    "read_events": lambda scene, task: scene.store.read_events(task, START_OF_LOG),
    "read_labels": lambda scene, task: scene.store.read_labels(task),
    "begin_round": lambda scene, task: scene.store.begin_round(task, "t", timedelta(minutes=1)),
    "publish_head": lambda scene, task: scene.store.publish_head(
        RoundTicket(task, 1, START_OF_LOG, 1), a_head(1), a_round(1)
    ),
    "read_head": lambda scene, task: scene.store.read_head(task, 1),
    "read_rounds": lambda scene, task: scene.store.read_rounds(task, 1, 1),
}


async def test_an_update_is_seen_and_logged(scene: Scene):
    await scene.store.update_task(replace(scene.task, label_budget=3))
    task, _ = await scene.store.read_task(scene.task.task_id)
    assert (task.label_budget, task.revision) == (3, 1)
    events = await scene.store.read_events(task, START_OF_LOG)
    assert [event.kind for event in events] == [EventKind.TASK_CREATED, EventKind.TASK_UPDATED]


async def test_an_update_from_an_older_copy_is_refused_and_changes_nothing(scene: Scene):
    await scene.store.update_task(replace(scene.task, label_budget=3))
    before = await scene.store.read_task(scene.task.task_id)
    for revision in (0, 2):
        stale = replace(scene.task, seed=9, label_budget=4, revision=revision)
        with pytest.raises(TaskChanged, match="updated by another"):
            await scene.store.update_task(stale)
    assert await scene.store.read_task(scene.task.task_id) == before
    assert len(await scene.store.read_events(scene.task, START_OF_LOG)) == 2
    await scene.store.update_task(replace(before[0], label_budget=4))
    task, _ = await scene.store.read_task(scene.task.task_id)
    assert (task.label_budget, task.revision) == (4, 2)


async def test_an_update_that_is_repeated_succeeds_and_counts_once(scene: Scene):
    for _ in range(2):
        await scene.store.update_task(replace(scene.task, label_budget=3))
    task, _ = await scene.store.read_task(scene.task.task_id)
    assert task.revision == 1
    assert len(await scene.store.read_events(task, START_OF_LOG)) == 2


async def test_creating_a_task_again_after_an_update_returns_its_revision(scene: Scene):
    await scene.store.update_task(replace(scene.task, label_budget=3))
    again = await scene.store.create_task(replace(scene.task, label_budget=3))
    assert again.revision == 1


async def test_what_is_stored_limits_an_oracle_not_what_the_caller_remembers(scene: Scene):
    await scene.store.update_task(replace(scene.task, max_leases_per_oracle=1))
    outcome = await scene.store.lease(scene.task, scene.request(max_count=3))
    assert len(outcome.leases) == 1
    following = await scene.store.lease(scene.task, scene.request())
    assert following.pool_state is PoolState.ORACLE_LIMIT


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_on_a_task_made_anew_is_refused(scene: Scene, call: str):
    await scene.store.delete_task(scene.task.task_id)
    await scene.store.create_task(replace(scene.task, epoch="new"))
    with pytest.raises(TaskChanged, match="made anew"):
        await CALLS[call](scene, scene.task)


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_on_an_unknown_task_is_refused(scene: Scene, call: str):
    with pytest.raises(TaskNotFound):
        await CALLS[call](scene, new_task(scene.pool.pool_id))


async def test_an_unknown_task_is_neither_read_nor_deleted(scene: Scene):
    with pytest.raises(TaskNotFound):
        await scene.store.read_task("nowhere")
    with pytest.raises(TaskNotFound):
        await scene.store.delete_task("nowhere")
