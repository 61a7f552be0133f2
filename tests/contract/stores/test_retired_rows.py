"""Rows that their pool retired leave a task with labels and leases; the log still tells of them."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import ClipNotFound, LeaseLost
from aloe.learner.domain.events import RETRACTED, START_OF_LOG, TaskView
from aloe.learner.domain.leases import LabelChange
from aloe.values.states import ClipState, EventKind, PoolState

from .conftest import Scene
from .heads import a_head, a_round


async def progress(scene: Scene):
    return (await scene.store.read_task(scene.task.task_id))[1]


async def label(scene: Scene, *labels: tuple[int, ClipState, int, str]) -> None:
    await scene.store.import_labels(scene.task, [LabelChange(*each) for each in labels])


async def lease_one(scene: Scene, oracle_id: str = "ann", **changes: object) -> str:
    (lease,) = (await scene.store.lease(scene.task, scene.request(oracle_id, **changes))).leases
    return lease.lease_id


async def test_a_retired_row_loses_its_label_and_no_count_has_it(scene: Scene):
    await label(
        scene,
        (0, ClipState.LABELED, 0, "ann"),
        (1, ClipState.LABELED, 1, ""),
        (2, ClipState.VALIDATION, 1, ""),
        (3, ClipState.ABSTAINED, NO_CLASS, "ann"),
        (4, ClipState.LABELED, 1, "ann"),
    )
    for _ in range(2):
        await scene.store.retire_rows(scene.task, [0, 2, 3, 5])
        now = await progress(scene)
        assert (now.retired, now.labeled, now.abstained, now.validation) == (4, 2, 0, 0)
        assert (now.taken, now.budget_spent, now.leased) == (2, 1, 0)
    assert [each.row for each in await scene.store.read_labels(scene.task)] == [1, 4]


async def test_the_log_tells_of_the_label_and_of_its_end(scene: Scene):
    await label(scene, (0, ClipState.LABELED, 0, "ann"), (1, ClipState.LABELED, 1, "ann"))
    await scene.store.retire_rows(scene.task, [0, 3])
    await scene.store.retire_rows(scene.task, [3])
    events = await scene.store.read_events(scene.task, START_OF_LOG)
    assert [event.kind for event in events[1:]] == [
        EventKind.LABELS_IMPORTED,
        EventKind.CLIPS_RETIRED,
    ]
    assert (events[2].rows, events[2].states) == ((0, 3), (ClipState.RETIRED,) * 2)
    view = TaskView(6)
    for event in events:
        view.apply(event)
    assert view.retired_count == 2
    assert view.rows_in(ClipState.RETIRED).tolist() == [0, 3]
    assert view.unanswered_rows().tolist() == [2, 4, 5]


async def test_a_retired_row_is_not_leased_though_a_ranking_has_it(scene: Scene):
    await scene.store.retire_rows(scene.task, [0, 2])
    outcome = await scene.store.lease(scene.task, scene.request(max_count=9))
    assert [lease.pick.row for lease in outcome.leases] == [1, 3, 4, 5]
    none_left = await scene.store.lease(scene.task, scene.request("bob"))
    assert none_left.pool_state is PoolState.ALL_LEASED
    await scene.store.retire_rows(scene.task, [1, 3, 4, 5])
    none_left = await scene.store.lease(scene.task, scene.request("bob"))
    assert none_left.pool_state is PoolState.EXHAUSTED


@pytest.mark.parametrize("call", ["submit", "correct", "retract", "renew"])
async def test_a_lease_on_a_retired_row_is_lost_and_says_why(scene: Scene, call: str):
    lease_id = await lease_one(scene)
    if call != "submit":
        await scene.store.submit(scene.task, "ann", [(lease_id, 1)], "first")
    await scene.store.retire_rows(scene.task, [0])
    before = await scene.store.read_events(scene.task, START_OF_LOG)
    other_id = await lease_one(scene)
    lost: Awaitable[Any]
    if call == "renew":
        lost = scene.store.renew(scene.task, "ann", [lease_id, other_id], timedelta(minutes=1))
    else:
        answers = [(lease_id, RETRACTED if call == "retract" else 0), (other_id, 1)]
        lost = scene.store.submit(scene.task, "ann", answers, "second")
    with pytest.raises(LeaseLost, match=r"\[0\].*was deleted or replaced") as caught:
        await lost
    assert "[1]" not in str(caught.value)
    # But for the other lease nothing happened.
    assert len(await scene.store.read_events(scene.task, START_OF_LOG)) == len(before) + 1
    assert (await progress(scene)).labeled == 0
    assert await scene.store.release(scene.task, "ann", [lease_id]) == 0


async def test_labels_for_a_retired_row_are_refused_all_of_them(scene: Scene):
    await scene.store.retire_rows(scene.task, [0])
    with pytest.raises(ClipNotFound, match="nothing was stored"):
        await label(scene, (1, ClipState.LABELED, 0, ""), (0, ClipState.LABELED, 0, ""))
    assert (await progress(scene)).labeled == 0


async def test_a_dropped_label_makes_a_head_due(scene: Scene):
    rows = [(row, ClipState.LABELED, row % 2, "") for row in range(4)]
    await label(scene, *rows)
    ticket = await scene.store.begin_round(scene.task, "t", timedelta(minutes=1))
    assert ticket
    await scene.store.publish_head(ticket, a_head(1), a_round(1))
    await scene.store.retire_rows(scene.task, [4])
    assert (await progress(scene)).promised_head_version == 1
    await scene.store.retire_rows(scene.task, [0])
    assert (await progress(scene)).promised_head_version == 2
    assert await scene.store.begin_round(scene.task, "t", timedelta(minutes=1))
    # One class is left.
    await scene.store.retire_rows(scene.task, [2])
    assert (await progress(scene)).labeled == 2


async def test_many_rows_are_retired_by_several_learners_at_once(scene: Scene):
    rows = list(range(2_500))
    await asyncio.gather(*(scene.store.retire_rows(scene.task, rows) for _ in range(3)))
    assert (await progress(scene)).retired == 2_500
    events = await scene.store.read_events(scene.task, START_OF_LOG)
    assert sorted(row for event in events for row in event.rows) == rows
