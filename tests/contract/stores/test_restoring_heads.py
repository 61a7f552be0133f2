"""Heads of backups: kept under their versions, with those of the task's own after them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aloe.learner.domain.errors import AlreadyExists, TaskChanged
from aloe.learner.domain.events import START_OF_LOG, TaskView
from aloe.learner.domain.head import Head, is_same_head
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.rounds import LabelOrigins
from aloe.values.kept_heads import KEPT_HEADS
from aloe.values.states import ClipState

from .conftest import Scene
from .heads import a_head, a_round

HOLD = timedelta(minutes=1)
ORIGINS = LabelOrigins((4, 3), (("ann", 5), ("", 2)))


async def train(scene: Scene, count: int) -> list[int]:
    """Train heads; return their versions."""
    versions = []
    _, progress = await scene.store.read_task(scene.task.task_id)
    for turn in range(progress.head_version, progress.head_version + count):
        labels = [LabelChange(row, ClipState.LABELED, (row + turn) % 2) for row in (0, 1)]
        await scene.store.import_labels(scene.task, labels, replace=True)
        ticket = await scene.store.begin_round(scene.task, "t", HOLD)
        assert ticket is not None
        version = ticket.head_version
        versions.append(version)
        assert await scene.store.publish_head(ticket, a_head(version), a_round(version))
    return versions


async def has(scene: Scene, head: Head) -> bool:
    return is_same_head(await scene.store.read_head(scene.task, head.version), head)


async def test_restored_heads_are_kept_and_later_ones_have_higher_versions(scene: Scene):
    older = replace(a_round(3), label_origins=ORIGINS, class_indices=(0, 1))
    await scene.store.restore_head(scene.task, a_head(3), older)
    newer = replace(a_head(7), map_name="linear.1.abc")
    await scene.store.restore_head(scene.task, newer, a_round(7))
    assert (await scene.store.read_rounds(scene.task, 3, 1))[0].label_origins == ORIGINS
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert progress.head_version == 7
    view = TaskView(0)
    for event in await scene.store.read_events(scene.task, START_OF_LOG):
        view.apply(event)
    assert view.head_version == 7
    assert await train(scene, KEPT_HEADS + 8) == [*range(8, KEPT_HEADS + 16)]
    assert await has(scene, a_head(3))
    assert await has(scene, newer)
    assert not await has(scene, a_head(8))


async def test_a_head_that_is_restored_again_is_left_as_it_is(scene: Scene):
    for _ in range(2):
        await scene.store.restore_head(scene.task, a_head(2), a_round(2))
    await train(scene, 1)
    before = await scene.store.read_events(scene.task, START_OF_LOG)
    await scene.store.restore_head(scene.task, a_head(2), a_round(2))
    assert await scene.store.read_events(scene.task, START_OF_LOG) == before
    assert await has(scene, a_head(2))


async def test_a_head_that_was_trained_and_is_restored_is_kept(scene: Scene):
    await train(scene, 1)
    await scene.store.restore_head(scene.task, a_head(1), a_round(1))
    await train(scene, KEPT_HEADS + 1)
    assert await has(scene, a_head(1))


async def test_another_head_of_a_version_is_refused(scene: Scene):
    await scene.store.restore_head(scene.task, a_head(2), a_round(2))
    other = replace(a_head(5), version=2)
    with pytest.raises(AlreadyExists, match="another head 2"):
        await scene.store.restore_head(scene.task, other, a_round(2))
    assert await has(scene, a_head(2))


async def test_a_head_that_labels_were_promised_is_not_taken(scene: Scene):
    await train(scene, 1)
    for version in (2, 9):
        with pytest.raises(AlreadyExists, match="heads before labels"):
            await scene.store.restore_head(scene.task, a_head(version), a_round(version))
    assert await train(scene, 1) == [2]


async def test_a_round_in_progress_gives_way_to_a_head_that_is_restored(scene: Scene):
    labels = [LabelChange(row, ClipState.LABELED, row) for row in (0, 1)]
    await scene.store.import_labels(scene.task, labels)
    ticket = await scene.store.begin_round(scene.task, "t", HOLD)
    assert ticket is not None
    # Nothing is promised any more.
    taken = [LabelChange(1, ClipState.LABELED, 0)]
    await scene.store.import_labels(scene.task, taken, replace=True)
    await scene.store.restore_head(scene.task, a_head(4), a_round(4))
    assert not await scene.store.publish_head(ticket, a_head(1), a_round(1))
    assert await train(scene, 1) == [5]


async def test_names_are_given_back_as_of_when_they_were_given(scene: Scene):
    await scene.store.restore_head(scene.task, a_head(2), a_round(2))
    since = a_round(2).start_time.replace(microsecond=345_000)
    name = await scene.store.promote_head(scene.task, "production", 2, since)
    assert name.head.promote_time == since
    later = since + timedelta(days=100_000)
    now = await scene.store.promote_head(scene.task, "canary", 2)
    future = await scene.store.promote_head(scene.task, "next", 2, later)
    assert future.head.promote_time - now.head.promote_time < timedelta(days=1)
    assert await scene.store.read_promotions(scene.task) == [now, future, name]


async def test_a_task_made_anew_takes_none_of_the_one_before(scene: Scene):
    await scene.store.delete_task(scene.task.task_id)
    await scene.store.create_task(replace(scene.task, epoch="other"))
    with pytest.raises(TaskChanged):
        await scene.store.restore_head(scene.task, a_head(1), a_round(1))
