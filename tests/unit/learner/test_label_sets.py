"""Sets of classes: as text, as numbers of a view, as names."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from aloe.learner.domain.classes import NO_CLASS, ClassDetails
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.events import Event, TaskView
from aloe.learner.domain.given_labels import class_of, named_set
from aloe.learner.domain.label_sets import (
    ClassSet,
    class_set,
    counted,
    dump_class_set,
    load_class_set,
)
from aloe.learner.domain.task import Task
from aloe.values.labels import LabelMode, LabelSet, Unmentioned
from aloe.values.states import ClipState, EventKind, Split

TASK = Task(
    "calls",
    "pool",
    ("a", "b", "c", "d"),
    "epoch",
    datetime(2026, 1, 1, tzinfo=UTC),
    label_mode=LabelMode.MULTIPLE,
)
UNKNOWN = replace(TASK, unmentioned=Unmentioned.UNKNOWN)
SINGLE = replace(TASK, label_mode=LabelMode.SINGLE)
INDICES = st.sets(st.integers(0, 1_000))


@st.composite
def sets(draw: st.DrawFn) -> ClassSet:
    positive = draw(INDICES)
    return class_set(positive, draw(INDICES) - positive)


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        (ClassSet((), ()), ";"),
        (ClassSet((3,), ()), "3;"),
        (ClassSet((), (0, 1, 2)), ";0-2"),
        (ClassSet((3, 17), (0, 1, 2, *range(4, 17))), "3,17;0-2,4-16"),
    ],
)
def test_a_set_is_short_as_text(classes, text):
    assert dump_class_set(classes) == text
    assert load_class_set(text) == classes


@given(sets(), sets())
def test_sets_are_read_as_they_were_written_and_equal_ones_have_one_text(one, other):
    assert load_class_set(dump_class_set(one)) == one
    assert (dump_class_set(one) == dump_class_set(other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    ["", "3", "3;4;5", "a;", "3,2;", "3,3;", "2-1;", "1,2;", "3;3", "0-999999999;", "-1;", " 3;"],
)
def test_what_is_no_set_is_refused(text):
    with pytest.raises(ValueError, match=r"no set|invalid literal|unpack|more than"):
        load_class_set(text)


def event(number: int, *labels: tuple[int, ClassSet | None]) -> Event:
    return Event(
        event_id=f"1700000000000-{number}",
        kind=EventKind.CLIPS_ANSWERED,
        rows=tuple(row for row, _ in labels),
        states=tuple(
            ClipState.ABSTAINED if each is None else ClipState.LABELED for _, each in labels
        ),
        class_indices=tuple(NO_CLASS for _ in labels),
        class_sets=tuple(each for _, each in labels),
    )


def test_a_view_says_of_each_labeled_clip_what_is_known_and_goes_back():
    view = TaskView(4)
    view.apply(event(1, (0, ClassSet((1,), (0,))), (2, None)))
    view.apply(event(2, (3, ClassSet((), (0, 1, 2))), (0, ClassSet((0, 2), ()))))
    rows, targets = view.labeled_targets(Split.TRAIN, np.arange(3))
    assert_array_equal(rows, [0, 3])
    assert_array_equal(targets, [[1, -1, 1], [0, 0, 0]])
    before = view.at("1700000000000-1")
    assert before is not None
    rows, targets = before.labeled_targets(Split.TRAIN, np.arange(3))
    assert_array_equal(rows, [0])
    assert_array_equal(targets, [[0, 1, -1]])


def test_unmentioned_classes_are_negative_or_unknown_as_the_task_says():
    said = LabelSet(("c", "a"), unknown=("d",))
    assert class_of(TASK, said, "") == ClassSet((0, 2), (1,))
    assert class_of(UNKNOWN, said, "") == ClassSet((0, 2), ())
    assert class_of(TASK, LabelSet(), "") == ClassSet((), (0, 1, 2, 3))
    assert class_of(UNKNOWN, LabelSet(("a",), ("b",)), "") == ClassSet((0,), (1,))


@given(st.permutations(TASK.classes), st.integers(0, 4), st.integers(0, 4), st.booleans())
def test_labels_come_back_by_name_and_leave_out_what_the_task_says(names, first, second, is_known):
    low, high = sorted((first, second))
    task = TASK if is_known else UNKNOWN
    said = LabelSet(tuple(names[:low]), tuple(names[low:high]), tuple(names[high:]))
    if not high:
        return
    kept = class_of(task, said, "")
    assert isinstance(kept, ClassSet)
    back = named_set(task, kept)
    assert set(back.positive) == set(said.positive)
    assert (back.negative, back.unknown)[is_known] == tuple(
        sorted((said.negative, said.unknown)[is_known])
    )
    assert (back.negative, back.unknown)[not is_known] == ()
    assert class_of(task, back, "") == kept


@pytest.mark.parametrize(
    ("task", "label", "fields"),
    [
        (TASK, LabelSet(("a", "x")), ["at.labels.positive[1]"]),
        (TASK, LabelSet(("a",), ("a",)), ["at.labels.negative[0]"]),
        (TASK, LabelSet(("a", "a")), ["at.labels.positive[1]"]),
        (TASK, LabelSet(unknown=("a", "b", "c", "d")), ["at.labels"]),
        (UNKNOWN, LabelSet(), ["at.labels"]),
        (UNKNOWN, LabelSet(("x",), ("y",)), ["at.labels.positive[0]", "at.labels.negative[0]"]),
        (TASK, "a", ["at.label"]),
        (SINGLE, LabelSet(("a",)), ["at.labels"]),
        (SINGLE, "x", ["at.label"]),
    ],
)
def test_labels_that_say_nothing_or_what_is_none_are_refused_with_their_place(task, label, fields):
    with pytest.raises(InvalidInput) as caught:
        class_of(task, label, "at.")
    assert [each.field for each in caught.value.violations] == fields


def changed(task: Task, **details: ClassDetails) -> Task:
    """Return the task with other details of some classes."""
    return replace(
        task, class_details=tuple(details.get(name, ClassDetails()) for name in task.classes)
    )


def test_merged_classes_count_as_one_and_retired_ones_as_nothing():
    task = changed(TASK, a=ClassDetails(merged_into=2), d=ClassDetails(is_retired=True))
    columns = task.class_table.columns
    assert columns.tolist() == [1, 0, 1, NO_CLASS]
    assert counted(ClassSet((0,), (1, 2, 3)), columns) == ClassSet((1,), (0,))
    assert counted(ClassSet((3,), (2,)), columns) == ClassSet((), (1,))
    assert counted(ClassSet((3,), ()), columns) == ClassSet((), ())
    view = TaskView(3)
    view.apply(
        event(1, (0, ClassSet((0,), (1,))), (1, ClassSet((3,), ())), (2, ClassSet((), (0,))))
    )
    rows, targets = view.labeled_targets(Split.TRAIN, columns)
    assert_array_equal(rows, [0, 2])
    assert_array_equal(targets, [[0, 1], [-1, 0]])


def test_labels_go_by_the_names_of_what_classes_became():
    task = changed(TASK, a=ClassDetails(merged_into=2), d=ClassDetails(is_retired=True))
    # Nothing is known of b; that a clip is not of a retired class is left out, that it is is not.
    assert named_set(task, ClassSet((0,), (3,))) == LabelSet(("c",), unknown=("b",))
    assert named_set(task, ClassSet((3,), (0, 1, 2))) == LabelSet(("d",))
    unknown = replace(task, unmentioned=Unmentioned.UNKNOWN)
    assert named_set(unknown, ClassSet((), (0, 3))) == LabelSet((), ("c",))
    assert class_of(task, LabelSet(("a",)), "") == ClassSet((0,), (1,))
    with pytest.raises(InvalidInput, match="retired"):
        class_of(task, LabelSet(("d",)), "")


@pytest.mark.parametrize(
    ("label", "kept", "counts_as"),
    [
        (LabelSet(("a", "c")), ClassSet((0, 2), (1,)), ClassSet((2,), (1,))),
        (LabelSet(("a",), ("c",)), ClassSet((0,), (1, 2)), ClassSet((2,), (1,))),
        (LabelSet(("c",), ("a", "b")), ClassSet((2,), (0, 1)), ClassSet((2,), (1,))),
        (LabelSet(("b",), ("a", "c")), ClassSet((1,), (0, 2)), ClassSet((1,), (2,))),
        (LabelSet(("b",), ("a",), ("c",)), ClassSet((1,), (0,)), ClassSet((1,), (2,))),
        (LabelSet(("b",), (), ("a",)), ClassSet((1,), ()), ClassSet((1,), ())),
    ],
)
def test_answers_by_classes_that_were_merged_meanwhile_count_as_if_given_before(
    label, kept, counts_as
):
    merged = changed(TASK, a=ClassDetails(merged_into=2), d=ClassDetails(is_retired=True))
    assert class_of(merged, label, "") == kept
    assert counted(kept, merged.class_table.targets) == counts_as
    with pytest.raises(InvalidInput, match=r"stands in positive\[0\] already"):
        class_of(merged, LabelSet(("a", "a")), "")


def test_one_label_a_clip_is_the_index_of_its_class():
    assert class_of(SINGLE, "c", "") == 2
