"""Leases and labels say which clip they are for: in a row that became another clip's they are taken
off."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import LeaseLost
from aloe.learner.domain.events import START_OF_LOG, TaskView, content_key, event_order
from aloe.learner.domain.leases import LabelChange, LabelsDiffer, Lease, Pick
from aloe.values.states import ClipState, EventKind

from .conftest import Scene
from .heads import a_head, a_round

HERE, GONE = "content-here", "content-gone"


async def leased(scene: Scene, *rows: int, content_hash: str = GONE) -> list[Lease]:
    ranking = [Pick(row, None, NO_CLASS, content_hash) for row in rows]
    request = scene.request("ann", ranking=ranking, max_count=len(rows))
    return list((await scene.store.lease(scene.task, request)).leases)


async def answered(scene: Scene, *rows: int, content_hash: str = GONE) -> list[str]:
    lease_ids = [each.lease_id for each in await leased(scene, *rows, content_hash=content_hash)]
    answers = [(each, 1) for each in lease_ids]
    await scene.store.submit(scene.task, "ann", answers, f"answers to {rows}")
    return lease_ids


async def view_of(scene: Scene) -> TaskView:
    view = TaskView(6)
    for event in await scene.store.read_events(scene.task, START_OF_LOG):
        view.apply(event)
    return view


async def test_leases_labels_and_events_keep_the_content_of_their_clips(scene: Scene):
    (lease,) = await leased(scene, 2)
    assert lease.pick.content_hash == GONE
    assert (await view_of(scene)).content_keys.tolist() == [0, 0, content_key(GONE), 0, 0, 0]
    await scene.store.submit(scene.task, "ann", [(lease.lease_id, 1)], "r")
    changes = [LabelChange(4, ClipState.TEST, 0, content_hash=HERE)]
    await scene.store.import_labels(scene.task, changes)
    stored = await scene.store.read_labels(scene.task)
    assert [(each.row, each.content_hash) for each in stored] == [(2, GONE), (4, HERE)]
    _, *events = await scene.store.read_events(scene.task, START_OF_LOG)
    assert [each.content_hashes for each in events] == [(GONE,), (GONE,), (HERE,)]


async def test_a_renewed_lease_keeps_the_content_of_its_clip(scene: Scene):
    (lease,) = await leased(scene, 2)
    await scene.store.renew(scene.task, "ann", [lease.lease_id], scene.request().duration)
    await scene.store.submit(scene.task, "ann", [(lease.lease_id, 1)], "r")
    assert [each.content_hash for each in await scene.store.read_labels(scene.task)] == [GONE]


async def test_what_was_given_for_another_clip_is_dropped_and_nothing_else_is(scene: Scene):
    (lost_label,) = await answered(scene, 0)
    await answered(scene, 1, content_hash=HERE)
    await answered(scene, 2, content_hash="")
    (lost_lease,) = await leased(scene, 3)
    (kept_lease,) = await leased(scene, 4, content_hash=HERE)
    contents: dict[int, Any] = dict.fromkeys(range(5), HERE) | {5: None}
    assert await scene.store.drop_strays(scene.task, contents) == 2
    assert [each.row for each in await scene.store.read_labels(scene.task)] == [1, 2]
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.leased, progress.budget_spent) == (2, 1, 2)
    last = (await scene.store.read_events(scene.task, START_OF_LOG))[-1]
    assert (last.kind, sorted(last.rows)) == (EventKind.LABELS_DROPPED, [0, 3])
    for lease_id in (lost_label, lost_lease.lease_id):
        with pytest.raises(LeaseLost, match=r"answers\[0\].* no lease of this task"):
            await scene.store.submit(scene.task, "ann", [(lease_id, 0)], f"late {lease_id}")
    await scene.store.submit(scene.task, "ann", [(kept_lease.lease_id, 0)], "in time")
    assert await scene.store.drop_strays(scene.task, contents) == 0


async def test_what_is_in_a_row_that_is_no_clips_any_more_is_dropped(scene: Scene):
    await answered(scene, 0)
    await leased(scene, 1)
    assert await scene.store.drop_strays(scene.task, {0: None, 1: None}) == 2
    view = await view_of(scene)
    assert set(view.states.tolist()) == {ClipState.UNLABELED}


async def test_a_row_that_is_retired_in_the_task_alone_comes_back(scene: Scene):
    await scene.store.retire_rows(scene.task, [2, 3])
    assert await scene.store.drop_strays(scene.task, {3: HERE}) == 1
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert progress.retired == (await view_of(scene)).retired_count == 1
    assert await answered(scene, 3, content_hash=HERE)


async def test_a_dropped_label_lets_the_next_head_be_due(scene: Scene):
    await answered(scene, 0)
    changes = [LabelChange(row, ClipState.LABELED, row % 2, content_hash=HERE) for row in (1, 2)]
    await scene.store.import_labels(scene.task, changes)
    before = (await scene.store.read_task(scene.task.task_id))[1]
    view = await view_of(scene)
    await scene.store.drop_strays(scene.task, {0: HERE})
    after = (await scene.store.read_task(scene.task.task_id))[1]
    assert before.promised_head_version == after.promised_head_version == 1
    assert (await view_of(scene)).is_changed_after(view.last_event_id)


@pytest.mark.parametrize("replace_answers", [False, True])
async def test_a_label_of_another_clip_is_no_conflict(scene: Scene, replace_answers):
    await answered(scene, 0)
    change = LabelChange(0, ClipState.LABELED, 0, content_hash=HERE)
    for validate_only in (True, False):
        outcome = await scene.store.import_labels(
            scene.task, [change], replace=replace_answers, validate_only=validate_only
        )
        assert (outcome.changed_count, outcome.replaced_count) == (1, 0)
    stored = await scene.store.read_labels(scene.task)
    assert [(each.class_index, each.content_hash) for each in stored] == [(0, HERE)]
    with pytest.raises(LabelsDiffer):
        await scene.store.import_labels(scene.task, [replace(change, class_index=1)])


async def test_a_label_of_another_clip_is_set_anew_even_if_it_agrees(scene: Scene):
    await answered(scene, 0)
    change = LabelChange(0, ClipState.LABELED, 1, content_hash=HERE)
    assert (await scene.store.import_labels(scene.task, [change])).changed_count == 1
    assert [each.content_hash for each in await scene.store.read_labels(scene.task)] == [HERE]


async def test_a_round_on_labels_that_are_dropped_is_given_up(scene: Scene):
    await answered(scene, 0)
    changes = [LabelChange(row, ClipState.LABELED, row % 2, content_hash=HERE) for row in (1, 2)]
    await scene.store.import_labels(scene.task, changes)
    minute = timedelta(minutes=1)
    lost = await scene.store.begin_round(scene.task, "t1", minute)
    assert lost is not None
    await scene.store.drop_strays(scene.task, {0: HERE})
    assert not await scene.store.publish_head(lost, a_head(1), a_round(1))
    ticket = await scene.store.begin_round(scene.task, "t2", minute)
    assert ticket is not None
    assert event_order(ticket.cutoff_event_id) > event_order(lost.cutoff_event_id)
    assert await scene.store.publish_head(ticket, a_head(1), a_round(1))
