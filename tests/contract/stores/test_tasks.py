from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import AlreadyExists, PoolNotFound
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.leases import Conflict, LabelChange, LabelsDiffer, Pick
from aloe.learner.ports.store import Store
from aloe.values.recipes import LbfgsRecipe
from aloe.values.states import ClipState, EventKind
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule

from .conftest import Scene, new_clips, new_pool, new_task


async def test_a_task_comes_back_as_it_was_created(scene: Scene):
    task = new_task(
        scene.pool.pool_id,
        classes=("ä", "b c", "d"),
        query_strategy=QueryStrategy(AcquisitionFunction.NORM, SelectionRule.CLASS_AGNOSTIC),
        head_recipe=LbfgsRecipe(0.5),
        label_budget=7,
        lease_duration=timedelta(seconds=1.5),
        seed=2**64 - 1,
    )
    assert await scene.store.create_task(task) == task
    assert (await scene.store.read_task(task.task_id))[0] == task


async def test_creating_a_task_twice_returns_the_first(scene: Scene):
    again = replace(scene.task, epoch="other")
    assert await scene.store.create_task(again) == scene.task


async def test_a_task_id_with_other_classes_is_taken(scene: Scene):
    with pytest.raises(AlreadyExists, match=scene.task.task_id):
        await scene.store.create_task(replace(scene.task, classes=("a", "b")))


async def test_a_task_needs_a_pool(store: Store):
    with pytest.raises(PoolNotFound, match="nowhere"):
        await store.create_task(new_task("nowhere"))


async def test_a_deleted_task_leaves_nothing_to_its_successor(scene: Scene):
    await scene.store.import_labels(scene.task, [LabelChange(0, ClipState.LABELED, 1)])
    await scene.store.delete_task(scene.task.task_id)
    successor = await scene.store.create_task(replace(scene.task, epoch="new"))
    _, progress = await scene.store.read_task(successor.task_id)
    assert progress.taken == 0
    assert await scene.store.read_labels(successor) == []


async def test_tasks_are_listed_by_pool(scene: Scene):
    other = await scene.store.create_task(new_task(scene.pool.pool_id))
    ids = await scene.store.list_task_ids(scene.pool.pool_id)
    assert ids == sorted([scene.task.task_id, other.task_id])
    assert set(ids) <= set(await scene.store.list_task_ids(None))


async def test_imported_labels_are_counted_by_split(scene: Scene):
    outcome = await scene.store.import_labels(
        scene.task,
        [
            LabelChange(0, ClipState.LABELED, 0),
            LabelChange(1, ClipState.VALIDATION, 1),
            LabelChange(2, ClipState.TEST, 0),
        ],
    )
    assert (outcome.changed_count, outcome.head_version, outcome.label_count) == (3, None, 1)
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.validation, progress.test) == (1, 1, 1)
    assert progress.budget_spent == 0


async def test_importing_the_same_labels_again_changes_nothing(scene: Scene):
    labels = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]
    first = await scene.store.import_labels(scene.task, labels)
    again = await scene.store.import_labels(scene.task, labels)
    assert (first.changed_count, first.head_version) == (2, 1)
    assert (again.changed_count, again.head_version, again.label_count) == (0, None, 2)


async def test_a_label_that_differs_from_what_is_stored_is_refused_with_all_of_the_import(
    scene: Scene,
):
    (lease,) = (await scene.store.lease(scene.task, scene.request())).leases
    await scene.store.submit(scene.task, "ann", [(lease.lease_id, 1)], "r")
    await scene.store.import_labels(scene.task, [LabelChange(1, ClipState.ABSTAINED, NO_CLASS)])
    before = await scene.store.read_labels(scene.task)
    labels = [
        LabelChange(2, ClipState.LABELED, 1),
        LabelChange(1, ClipState.LABELED, 0),
        LabelChange(0, ClipState.LABELED, 0, "bob"),
    ]
    for flags in ({}, {"validate_only": True}):
        with pytest.raises(LabelsDiffer) as caught:
            await scene.store.import_labels(scene.task, labels, **flags)
        assert (caught.value.conflicts, caught.value.count) == (
            (
                Conflict(1, ClipState.ABSTAINED, NO_CLASS, ""),
                Conflict(2, ClipState.LABELED, 1, "ann"),
            ),
            2,
        )
    assert await scene.store.read_labels(scene.task) == before


async def test_labels_replace_others_where_the_import_says_so(scene: Scene):
    labels = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]
    await scene.store.import_labels(scene.task, labels)
    others = [LabelChange(1, ClipState.LABELED, 0, "bob"), LabelChange(2, ClipState.TEST, 0)]
    checked = await scene.store.import_labels(
        scene.task, [*labels[:1], *others], replace=True, validate_only=True
    )
    assert (checked.changed_count, checked.replaced_count) == (2, 1)
    assert len(await scene.store.read_labels(scene.task)) == 2
    replaced = await scene.store.import_labels(scene.task, [*labels[:1], *others], replace=True)
    assert (replaced.changed_count, replaced.replaced_count) == (2, 1)
    stored = await scene.store.read_labels(scene.task)
    assert [(each.class_index, each.oracle_id) for each in stored] == [(0, ""), (0, "bob"), (0, "")]
    last = (await scene.store.read_events(scene.task, "0-0"))[-1]
    assert (last.kind, last.rows) == (EventKind.LABELS_IMPORTED, (1, 2))


async def test_the_first_conflicts_of_many_are_told_and_how_many_there_are(store: Store):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(2_500))
    task = await store.create_task(new_task(pool.pool_id))
    rows = range(2_500)
    await store.import_labels(task, [LabelChange(row, ClipState.LABELED, 0) for row in rows])
    with pytest.raises(LabelsDiffer) as caught:
        await store.import_labels(
            task, [LabelChange(row, ClipState.LABELED, row % 2) for row in rows]
        )
    assert caught.value.count == 1_250
    assert [each.place for each in caught.value.conflicts] == list(range(1, 41, 2))


async def test_a_promise_needs_labels_of_two_classes(scene: Scene):
    one = await scene.store.import_labels(scene.task, [LabelChange(0, ClipState.LABELED, 1)])
    same = await scene.store.import_labels(scene.task, [LabelChange(1, ClipState.LABELED, 1)])
    two = await scene.store.import_labels(scene.task, [LabelChange(2, ClipState.LABELED, 0)])
    assert [one.head_version, same.head_version, two.head_version] == [None, None, 1]
    moved = await scene.store.import_labels(
        scene.task, [LabelChange(2, ClipState.TEST, 0)], replace=True
    )
    assert moved.head_version is None


async def test_the_log_folds_to_the_state(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request(max_count=4))
    first, second, third, _ = outcome.leases
    await scene.store.submit(scene.task, "ann", [(first.lease_id, 1), (second.lease_id, -1)], "r")
    await scene.store.release(scene.task, "ann", [third.lease_id])
    await scene.store.import_labels(scene.task, [LabelChange(4, ClipState.TEST, 0)])
    view = TaskView(scene.pool.clip_count)
    for event in await scene.store.read_events(scene.task, "0-0"):
        view.apply(event)
    assert view.states.tolist() == [
        ClipState.LABELED,
        ClipState.ABSTAINED,
        ClipState.UNLABELED,
        ClipState.LEASED,
        ClipState.TEST,
        ClipState.UNLABELED,
    ]
    assert view.class_indices.tolist() == [1, -1, -1, -1, 0, -1]
    assert await scene.store.read_events(scene.task, view.last_event_id) == []


async def test_labels_are_read_by_row_with_their_oracle(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request(max_count=2))
    answers = [(lease.lease_id, 0) for lease in reversed(outcome.leases)]
    await scene.store.submit(scene.task, "ann", answers, "r")
    await scene.store.import_labels(scene.task, [LabelChange(5, ClipState.TEST, 1)])
    labels = await scene.store.read_labels(scene.task)
    assert [(label.row, label.state, label.class_index, label.oracle_id) for label in labels] == [
        (0, ClipState.LABELED, 0, "ann"),
        (1, ClipState.LABELED, 0, "ann"),
        (5, ClipState.TEST, 1, ""),
    ]


async def test_events_say_who_did_what_by_which_score(scene: Scene):
    ranking = [Pick(3, 0.5, 1), Pick(1, 0.25, 0)]
    outcome = await scene.store.lease(
        scene.task, scene.request("ann", ranking=ranking, max_count=2, head_version=4)
    )
    lease_ids = tuple(lease.lease_id for lease in outcome.leases)
    await scene.store.submit(scene.task, "ann", [(lease_ids[1], 1)], "r")
    _, leased, answered = await scene.store.read_events(scene.task, "0-0")
    assert (leased.kind, leased.oracle_id, leased.rows) == (EventKind.CLIPS_LEASED, "ann", (3, 1))
    assert (leased.lease_ids, leased.scores) == (lease_ids, (0.5, 0.25))
    assert (leased.head_version, leased.query_strategy) == (4, QueryStrategy())
    assert (answered.kind, answered.oracle_id, answered.rows) == (
        EventKind.CLIPS_ANSWERED,
        "ann",
        (1,),
    )
    assert answered.lease_ids == lease_ids[1:]


async def test_leases_and_events_say_which_clips_were_drawn_at_random(scene: Scene):
    ranking = [Pick(3, 0.5, 1), Pick(1, 0.25, 0, is_audit=True), Pick(0, None, -1, is_audit=True)]
    request = scene.request("ann", ranking=ranking, max_count=3)
    for _ in range(2):  # The second time it is a repetition.
        outcome = await scene.store.lease(scene.task, request)
        assert [lease.pick.is_audit for lease in outcome.leases] == [False, True, True]
    _, leased = await scene.store.read_events(scene.task, "0-0")
    assert (leased.audits, leased.scores) == ((False, True, True), (0.5, 0.25, None))
    first, second, third = (lease.lease_id for lease in outcome.leases)
    await scene.store.renew(scene.task, "ann", [third], timedelta(minutes=9))
    await scene.store.submit(scene.task, "ann", [(first, 0), (third, 1)], "r")
    changes = [LabelChange(4, ClipState.LABELED, 1, is_audit=True)]
    await scene.store.import_labels(scene.task, changes)
    labels = await scene.store.read_labels(scene.task)
    assert [(label.row, label.is_audit) for label in labels] == [(0, True), (3, False), (4, True)]
    *_, answered, imported = await scene.store.read_events(scene.task, "0-0")
    assert dict(zip(answered.rows, answered.audits, strict=True)) == {3: False, 0: True}
    assert imported.audits == (True,)
    await scene.store.submit(scene.task, "ann", [(second, 0)], "s")
    await scene.store.submit(scene.task, "ann", [(second, 1)], "t")  # A correction.
    labels = await scene.store.read_labels(scene.task)
    assert [label.row for label in labels if label.is_audit] == [0, 1, 4]
    plain = await scene.store.lease(scene.task, scene.request("bob"))
    assert not plain.leases[0].pick.is_audit
    *_, leased = await scene.store.read_events(scene.task, "0-0")
    assert leased.audits == ()


async def test_events_can_be_read_some_at_a_time(scene: Scene):
    for row in range(3):
        await scene.store.import_labels(scene.task, [LabelChange(row, ClipState.TEST, 0)])
    first = await scene.store.read_events(scene.task, "0-0", 2)
    rest = await scene.store.read_events(scene.task, first[-1].event_id, 10)
    assert [event.rows for event in (*first, *rest)] == [(), (0,), (1,), (2,)]


async def test_imported_labels_keep_who_gave_them_and_when(scene: Scene):
    given = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    await scene.store.import_labels(
        scene.task,
        [
            LabelChange(0, ClipState.LABELED, 1, "ann", given),
            LabelChange(1, ClipState.ABSTAINED, NO_CLASS, "bob"),
            LabelChange(2, ClipState.LABELED, 0),
        ],
    )
    labels = await scene.store.read_labels(scene.task)
    assert (labels[0].oracle_id, labels[0].label_time) == ("ann", given)
    assert (labels[1].state, labels[1].oracle_id) == (ClipState.ABSTAINED, "bob")
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.abstained, progress.budget_spent) == (2, 1, 1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("5138-11-16T09:46:40.001Z", "5138-11-16T09:46:40.001Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
async def test_a_label_keeps_any_time_to_the_millisecond(scene: Scene, given, kept):
    label = LabelChange(0, ClipState.LABELED, 1, "ann", datetime.fromisoformat(given))
    await scene.store.import_labels(scene.task, [label])
    (stored,) = await scene.store.read_labels(scene.task)
    assert stored.label_time == datetime.fromisoformat(kept)
