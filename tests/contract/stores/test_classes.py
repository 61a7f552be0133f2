"""Changes of a task's classes: what labels count as from then on, in one step with all the rest."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest

from aloe.learner.domain.class_changes import changed_classes, teaches
from aloe.learner.domain.errors import ClassesChanged, TaskChanged
from aloe.learner.domain.events import RETRACTED, START_OF_LOG
from aloe.learner.domain.head import Head, shortened
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.task import Task
from aloe.values.classes import (
    AddClass,
    ClassChange,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
)
from aloe.values.states import ClipState, EventKind

from .conftest import Scene
from .heads import a_round

NOW = datetime(2026, 5, 4, tzinfo=UTC)
HOLD = timedelta(minutes=1)


async def change(scene: Scene, *changes: ClassChange) -> Task:
    """Make changes one by one; return the task."""
    for each in changes:
        task, _ = await scene.store.read_task(scene.task.task_id)
        table = changed_classes(task.class_table, each, NOW)
        await scene.store.change_classes(task.reclassed(table, uuid4().hex), teaches=teaches(each))
    task, _ = await scene.store.read_task(scene.task.task_id)
    return task


async def label(scene: Scene, *class_indices: int) -> None:
    """Give the first clips labels of these classes."""
    task, _ = await scene.store.read_task(scene.task.task_id)
    changes = [LabelChange(row, ClipState.LABELED, each) for row, each in enumerate(class_indices)]
    await scene.store.import_labels(task, changes, replace=True)


async def is_due(scene: Scene) -> bool:
    _, progress = await scene.store.read_task(scene.task.task_id)
    return progress.promised_head_version > progress.head_version


async def train(scene: Scene) -> int:
    """End the round that is due; return the version of its head."""
    ticket = await scene.store.begin_round(scene.task, "t", HOLD)
    assert ticket is not None
    indices = ticket.task.class_table.active
    weights = np.arange(3 * len(indices), dtype=np.float32).reshape(3, -1)
    head = Head(ticket.head_version, weights, weights[0], class_indices=shortened(indices))
    assert await scene.store.publish_head(ticket, head, a_round(ticket.head_version))
    return ticket.head_version


async def test_a_change_is_stored_and_logged_with_the_classes_after_it(scene: Scene):
    task = await change(scene, AddClass("third"), RenameClass("third", "3"))
    assert task.classes == (*scene.task.classes, "3")
    assert task.class_details[2].former_names == ("third",)
    assert (task.class_details[2].add_time, task.class_details[0].add_time) == (NOW, None)
    assert (task.revision, scene.task.class_mark) == (2, "")
    events = await scene.store.read_events(scene.task, START_OF_LOG)
    assert [each.kind for each in events[1:]] == [EventKind.CLASSES_CHANGED] * 2
    assert events[-1].settings == task


async def test_a_change_from_an_older_copy_is_refused_and_changes_nothing(scene: Scene):
    await change(scene, AddClass("third"))
    before = await scene.store.read_task(scene.task.task_id)
    table = changed_classes(scene.task.class_table, AddClass("other"), NOW)
    with pytest.raises(TaskChanged, match="updated by another"):
        await scene.store.change_classes(scene.task.reclassed(table, "other"), teaches=True)
    assert await scene.store.read_task(scene.task.task_id) == before


async def test_a_change_that_is_repeated_counts_once(scene: Scene):
    await label(scene, 0, 1)
    table = changed_classes(scene.task.class_table, AddClass("third"), NOW)
    versions = [
        await scene.store.change_classes(scene.task.reclassed(table, "again"), teaches=True)
        for _ in range(2)
    ]
    task, progress = await scene.store.read_task(scene.task.task_id)
    assert versions == [1, 1]
    assert (task.class_mark, progress.promised_head_version) == ("again", 1)


async def test_a_change_that_is_repeated_promises_the_head_that_is_being_trained_with_it(
    scene: Scene,
):
    await label(scene, 0, 1)
    table = changed_classes(scene.task.class_table, AddClass("third"), NOW)
    changed = scene.task.reclassed(table, "again")
    assert await scene.store.change_classes(changed, teaches=True) == 1
    assert await scene.store.begin_round(scene.task, "t", HOLD)
    assert await scene.store.change_classes(changed, teaches=True) == 1
    await label(scene, 1, 0)
    assert await scene.store.change_classes(changed, teaches=True) == 2


async def test_a_change_that_teaches_makes_a_head_due_and_others_do_not(scene: Scene):
    await label(scene, 0, 1)
    assert await train(scene) == 1
    await change(scene, RenameClass(scene.task.classes[0], "first"))
    assert not await is_due(scene)
    await change(scene, AddClass("third"))
    assert await is_due(scene)
    assert await train(scene) == 2
    assert not await is_due(scene)


async def test_classes_are_counted_by_what_their_labels_count_as(scene: Scene):
    first, second = scene.task.classes
    await change(scene, AddClass("third"), AddClass("fourth"))
    await label(scene, 0, 2)
    assert await is_due(scene)
    await change(scene, MergeClass("third", first))
    assert not await is_due(scene)
    assert await scene.store.begin_round(scene.task, "t", HOLD) is None
    await label(scene, 0, 2, 1)
    assert await is_due(scene)
    await change(scene, AddClass("fifth"), RetireClass(second))
    assert not await is_due(scene)
    await change(scene, RestoreClass("third"))
    assert await is_due(scene)


async def test_labels_of_a_retired_class_are_kept_and_may_be_taken_off(scene: Scene):
    first, _ = scene.task.classes
    task = await change(scene, AddClass("third"))
    lease = (await scene.store.lease(task, scene.request())).leases[0]
    await scene.store.submit(task, "ann", [(lease.lease_id, 0)], "r1")
    await scene.store.import_labels(
        task, [LabelChange(1, ClipState.LABELED, 1), LabelChange(2, ClipState.LABELED, 2)]
    )
    task = await change(scene, RetireClass(first))
    _, progress = await scene.store.read_task(task.task_id)
    assert progress.labeled == 3
    assert [each.class_index for each in await scene.store.read_labels(task)] == [0, 1, 2]
    assert await is_due(scene)
    await scene.store.submit(task, "ann", [(lease.lease_id, RETRACTED)], "r2")
    assert await is_due(scene)
    task = await change(scene, RestoreClass(first), RetireClass("third"))
    assert not await is_due(scene)
    assert [each.class_index for each in await scene.store.read_labels(task)] == [1, 2]


async def test_what_was_read_by_other_classes_is_refused_but_answers_are_given_again(scene: Scene):
    lease = (await scene.store.lease(scene.task, scene.request())).leases[0]
    first = await scene.store.submit(scene.task, "ann", [(lease.lease_id, 0)], "r1")
    task = await change(scene, AddClass("third"))
    for call in (
        scene.store.submit(scene.task, "ann", [(lease.lease_id, 1)], "r2"),
        scene.store.import_labels(scene.task, [LabelChange(1, ClipState.LABELED, 1)]),
        scene.store.read_labels(scene.task),
    ):
        with pytest.raises(ClassesChanged, match=r"classes of tasks/.* were changed"):
            await call
    assert await scene.store.submit(scene.task, "ann", [(lease.lease_id, 0)], "r1") == first
    assert [each.class_index for each in await scene.store.read_labels(task)] == [0]


async def test_a_label_that_counts_as_what_is_stored_changes_nothing(scene: Scene):
    first, _ = scene.task.classes
    await change(scene, AddClass("third"))
    await label(scene, 2)
    task = await change(scene, MergeClass("third", first))
    outcome = await scene.store.import_labels(task, [LabelChange(0, ClipState.LABELED, 0)])
    assert outcome.changed_count == 0
    assert [each.class_index for each in await scene.store.read_labels(task)] == [2]


async def test_a_head_keeps_the_classes_of_its_columns(scene: Scene):
    first, second = scene.task.classes
    await label(scene, 0, 1)
    await train(scene)
    await change(scene, AddClass("third"), RetireClass(second))
    await label(scene, 0, 1, 2)
    await train(scene)
    task = await change(scene, AddClass("fourth"), RestoreClass(second), MergeClass("third", first))
    old, new = [await scene.store.read_head(task, version) for version in (1, 2)]
    assert old is not None
    assert new is not None
    assert (old.column_classes, old.class_indices, old.weights.shape) == ((0, 1), (), (3, 2))
    assert (new.column_classes, new.weights.shape) == ((0, 2), (3, 2))
