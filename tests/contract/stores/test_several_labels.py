"""Several labels a clip: sets of classes in answers, imports, events and rounds."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from aloe.learner.domain.classes import NO_CLASS, ClassDetails
from aloe.learner.domain.errors import AlreadyExists
from aloe.learner.domain.events import RETRACTED, START_OF_LOG, TaskView
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import Conflict, LabelChange, LabelsDiffer
from aloe.learner.domain.several_evaluation import ClassFigures
from aloe.learner.ports.store import Store
from aloe.values.labels import LabelMode, Unmentioned
from aloe.values.states import ClipState, Split

from .conftest import Scene, make_scene, new_task
from .heads import a_head, a_round

COLUMNS = np.arange(2)
CAT, DOG, NEITHER = ClassSet((0,), (1,)), ClassSet((1,), ()), ClassSet((), (0, 1))


@pytest.fixture
async def several(store: Store) -> Scene:
    scene = await make_scene(store)
    task = new_task(
        scene.pool.pool_id, label_mode=LabelMode.MULTIPLE, unmentioned=Unmentioned.UNKNOWN
    )
    return replace(scene, task=await store.create_task(task))


def label(row: int, classes: ClassSet, state: ClipState = ClipState.LABELED) -> LabelChange:
    return LabelChange(row, state, NO_CLASS, class_set=classes)


async def view_of(scene: Scene) -> TaskView:
    view = TaskView(scene.pool.row_count)
    for event in await scene.store.read_events(scene.task, START_OF_LOG):
        view.apply(event)
    return view


async def sets_of(scene: Scene) -> dict[int, ClassSet | None]:
    return {each.row: each.class_set for each in await scene.store.read_labels(scene.task)}


async def test_a_task_keeps_how_many_labels_a_clip_has(several: Scene):
    assert (await several.store.read_task(several.task.task_id))[0] == several.task
    with pytest.raises(AlreadyExists):
        await several.store.create_task(replace(several.task, unmentioned=Unmentioned.NEGATIVE))


async def test_answers_are_stored_and_logged_as_they_are(several: Scene):
    leased = await several.store.lease(several.task, several.request(max_count=3))
    ids = [each.lease_id for each in leased.leases]
    answers: list[tuple[str, int | ClassSet]] = [
        (ids[0], CAT),
        (ids[1], NEITHER),
        (ids[2], NO_CLASS),
    ]
    outcome = await several.store.submit(several.task, "ann", answers, "r")
    assert (outcome.changed_count, outcome.head_version, outcome.label_count) == (3, 1, 2)
    assert await sets_of(several) == {0: CAT, 1: NEITHER, 2: None}
    view = await view_of(several)
    rows, targets = view.labeled_targets(Split.TRAIN, COLUMNS)
    assert (rows.tolist(), targets.tolist()) == ([0, 1], [[1, 0], [0, 0]])
    assert view.states.tolist()[:4] == [
        *(ClipState.LABELED, ClipState.LABELED),
        *(ClipState.ABSTAINED, ClipState.UNLABELED),
    ]


async def test_an_answer_is_corrected_and_taken_back_under_its_lease(several: Scene):
    (lease,) = (await several.store.lease(several.task, several.request())).leases
    for request_id, answer, changed in (
        ("1", CAT, 1),
        ("2", CAT, 0),
        ("3", DOG, 1),
        ("4", NO_CLASS, 1),
        ("5", DOG, 1),
        ("6", RETRACTED, 1),
    ):
        outcome = await several.store.submit(
            several.task, "ann", [(lease.lease_id, answer)], request_id
        )
        assert outcome.changed_count == changed
    assert await sets_of(several) == {}
    _, progress = await several.store.read_task(several.task.task_id)
    assert (progress.taken, progress.budget_spent) == (0, 0)


async def test_a_head_is_due_once_clips_differ_in_their_labels(several: Scene):
    alike = [label(0, CAT), label(1, CAT)]
    outcome = await several.store.import_labels(several.task, alike)
    assert (outcome.label_count, outcome.head_version) == (2, None)
    assert await several.store.begin_round(several.task, "t", timedelta(minutes=1)) is None
    outcome = await several.store.import_labels(several.task, [label(2, NEITHER)])
    assert (outcome.label_count, outcome.head_version) == (3, 1)
    assert await several.store.begin_round(several.task, "t", timedelta(minutes=1)) is not None


async def test_imported_labels_are_compared_as_sets(several: Scene):
    first = [label(0, CAT), label(1, DOG, ClipState.TEST)]
    await several.store.import_labels(several.task, first)
    again = await several.store.import_labels(several.task, first)
    assert again.changed_count == 0
    others = [label(0, CAT), label(1, NEITHER, ClipState.TEST)]
    with pytest.raises(LabelsDiffer) as caught:
        await several.store.import_labels(several.task, others)
    assert caught.value.conflicts == (Conflict(1, ClipState.TEST, NO_CLASS, "", DOG),)
    replaced = await several.store.import_labels(several.task, others, replace=True)
    assert (replaced.changed_count, replaced.replaced_count) == (1, 1)
    assert await sets_of(several) == {0: CAT, 1: NEITHER}


async def test_labels_of_clips_that_go_are_taken_off(several: Scene):
    await several.store.import_labels(several.task, [label(0, CAT), label(1, DOG), label(2, CAT)])
    await several.store.retire_rows(several.task, [0])
    assert await several.store.drop_strays(several.task, {1: None}) == 1
    assert await sets_of(several) == {2: CAT}
    view = await view_of(several)
    assert view.labeled_targets(Split.TRAIN, COLUMNS)[0].tolist() == [2]
    _, progress = await several.store.read_task(several.task.task_id)
    assert (progress.labeled, progress.promised_head_version) == (1, 0)


async def test_heads_and_the_figures_of_rounds_come_back(several: Scene):
    await several.store.import_labels(several.task, [label(0, CAT), label(1, DOG)])
    ticket = await several.store.begin_round(several.task, "t", timedelta(minutes=1))
    assert ticket is not None
    assert ticket.task == several.task
    head = replace(a_head(1), label_mode=LabelMode.MULTIPLE)
    plain = a_round(1)
    assert plain.validation is not None
    figures = ClassFigures((0.5, 0.25), (0.75, 1.0), (0.5, 0.0), (1.0, 0.0), (0.5, 0.375))
    round_ = replace(
        plain, test=replace(plain.validation, class_recalls=(1.0, 0.0), figures=figures)
    )
    assert await several.store.publish_head(ticket, head, round_)
    stored = await several.store.read_head(several.task, 1)
    assert stored is not None
    assert stored.label_mode is LabelMode.MULTIPLE
    assert stored.weights.tobytes() == head.weights.tobytes()
    (read,) = await several.store.read_rounds(several.task, 1, 5)
    assert read.test == round_.test


async def test_tasks_of_one_label_a_clip_store_no_more_than_before(scene: Scene):
    await scene.store.import_labels(scene.task, [LabelChange(0, ClipState.LABELED, 1)])
    (stored,) = await scene.store.read_labels(scene.task)
    assert (stored.class_index, stored.class_set) == (1, None)
    events = await scene.store.read_events(scene.task, START_OF_LOG)
    assert all(each.class_sets == () for each in events)


async def test_labels_agree_where_they_count_as_the_same_since_classes_changed(several: Scene):
    owl = ClassDetails(add_time=several.task.create_time)
    task, store = several.task, several.store
    three = replace(
        task, classes=("cat", "dog", "owl"), class_details=(*(ClassDetails(),) * 2, owl)
    )
    await store.change_classes(three, teaches=True)
    task, _ = await store.read_task(task.task_id)
    stored = [label(0, ClassSet((2,), (0,))), label(1, ClassSet((0,), (1, 2)))]
    outcome = await store.import_labels(task, stored)
    assert outcome.head_version == 1
    merged = replace(task, class_details=(*task.class_details[:2], replace(owl, merged_into=1)))
    assert await store.change_classes(merged, teaches=True) == 1
    task, progress = await store.read_task(task.task_id)
    assert progress.promised_head_version == 1
    same = [label(0, ClassSet((1,), (0,))), label(1, ClassSet((0,), (1,)))]
    assert (await store.import_labels(task, same)).changed_count == 0
    with pytest.raises(LabelsDiffer):
        await store.import_labels(task, [label(0, ClassSet((0,), (1,)))])
    more = await store.import_labels(task, [label(2, ClassSet((0, 1), ()))])
    assert (more.changed_count, more.head_version) == (1, 1)
    assert await store.begin_round(task, "t", timedelta(minutes=1)) is not None
