"""A task's classes over its life: what labels count as, and what each change makes of them."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.learner.domain.class_changes import (
    MAX_CLASSES,
    MAX_DESCRIPTION_LENGTH,
    changed_classes,
    teaches,
)
from aloe.learner.domain.classes import NO_CLASS, ClassDetails, ClassTable, class_table
from aloe.learner.domain.errors import HeadNotTrained, InvalidInput
from aloe.learner.domain.folding import fold_head
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.logistic import UNSEEN_BIAS
from aloe.learner.domain.task import Task
from aloe.values.classes import (
    AddClass,
    ClassChange,
    ClassState,
    DescribeClass,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
)
from aloe.values.labels import LabelMode

NOW = datetime(2026, 5, 4, tzinfo=UTC)
FOUR = class_table(("cat", "dog", "fox", "owl"), ())


def after(table: ClassTable, *changes: ClassChange) -> ClassTable:
    for change in changes:
        table = changed_classes(table, change, NOW)
    return table


def test_labels_of_a_merged_class_count_as_the_last_of_a_chain():
    table = after(FOUR, MergeClass("cat", "dog"), MergeClass("dog", "owl"))
    assert table.targets.tolist() == [3, 3, 2, 3]
    assert table.active == (2, 3)
    assert table.columns.tolist() == [1, 1, 0, 1]
    assert table.active_names == ("fox", "owl")
    assert [table.shown(index) for index in range(4)] == ["owl", "owl", "fox", "owl"]


def test_labels_of_a_retired_class_count_as_none_and_so_do_those_merged_into_it():
    table = after(FOUR, MergeClass("cat", "dog"), RetireClass("dog"))
    assert table.targets.tolist() == [NO_CLASS, NO_CLASS, 2, 3]
    assert table.columns.tolist() == [NO_CLASS, NO_CLASS, 0, 1]
    assert table.shown(1) == "dog"
    assert [each.state for each in table.details] == [
        ClassState.MERGED,
        ClassState.RETIRED,
        ClassState.ACTIVE,
        ClassState.ACTIVE,
    ]


def test_an_added_class_comes_behind_the_others_and_says_since_when():
    table = after(FOUR, AddClass("elk", "with antlers", "e"))
    assert table.names == (*FOUR.names, "elk")
    assert table.details[4] == ClassDetails(description="with antlers", hotkey="e", add_time=NOW)
    assert (table.original_count, table.active) == (4, (0, 1, 2, 3, 4))


def test_a_former_name_is_the_class_until_another_takes_it():
    table = after(FOUR, RenameClass("cat", "kitten"))
    assert (table.find("kitten"), table.find("cat"), table.find("cow")) == (0, 0, None)
    table = after(table, AddClass("cat"))
    assert (table.find("kitten"), table.find("cat")) == (0, 4)
    assert table.details[0].former_names == ()


def test_names_can_be_exchanged():
    table = after(FOUR, RenameClass("cat", "x"), RenameClass("dog", "cat"), RenameClass("x", "dog"))
    assert table.names[:2] == ("dog", "cat")
    assert (table.find("dog"), table.find("cat")) == (0, 1)


def test_what_was_merged_or_retired_can_be_restored():
    for change in (MergeClass("cat", "dog"), RetireClass("cat")):
        assert after(FOUR, change, RestoreClass("cat")) == FOUR


def test_a_hotkey_is_free_again_once_its_class_is_gone():
    table = after(
        FOUR, DescribeClass("cat", hotkey="c"), RetireClass("cat"), DescribeClass("dog", hotkey="c")
    )
    assert [each.hotkey for each in table.details] == ["", "c", "", ""]
    assert after(table, DescribeClass("dog", hotkey="")).details[1].hotkey == ""


@pytest.mark.parametrize(
    "change",
    [
        AddClass("elk", "with antlers", "e"),
        RenameClass("cat", "kitten"),
        MergeClass("cat", "dog"),
        RetireClass("cat"),
        RestoreClass("cat"),
        DescribeClass("cat", "purrs", "c"),
    ],
)
def test_a_change_that_is_repeated_changes_nothing(change: ClassChange):
    once = after(FOUR, change)
    assert changed_classes(once, change, NOW) is once


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        (AddClass(""), "add.name", "must be 1 to 128 printable"),
        (AddClass(" elk"), "add.name", "without blanks at its ends"),
        (AddClass("gone"), "add.name", "'gone' is retired; restore it"),
        (AddClass("old"), "add.name", "'old' was merged into 'cat'; restore it"),
        (AddClass("cat", "other words"), "add.name", "'cat' is a class already; describe it"),
        (AddClass("elk", "x" * (MAX_DESCRIPTION_LENGTH + 1)), "add.description", "501 characters"),
        (AddClass("elk", "two\nlines"), "add.description", "one line"),
        (AddClass("elk", hotkey="-"), "add.hotkey", "a digit, or a letter"),
        (AddClass("elk", hotkey="ab"), "add.hotkey", "a digit, or a letter"),
        (AddClass("elk", hotkey="k"), "add.hotkey", "'k' is that of 'cat'"),
        (RenameClass("elk", "moose"), "rename.name", "'elk' is no class; there are cat, dog"),
        (RenameClass("cat", "dog"), "rename.new_name", "'dog' is a class already; merge"),
        (RenameClass("cat", "gone"), "rename.new_name", "'gone' is retired"),
        (RenameClass("cat", "a\tb"), "rename.new_name", "printable"),
        (MergeClass("cat", "cat"), "merge.into", "cannot be merged into itself"),
        (MergeClass("cat", "elk"), "merge.into", "'elk' is no class"),
        (MergeClass("cat", "gone"), "merge.into", "'gone' is retired; restore it first"),
        (MergeClass("cat", "old"), "merge.into", "'old' was merged into 'cat'; restore it"),
        (MergeClass("old", "dog"), "merge.name", "'old' was merged into 'cat'; restore it"),
        (MergeClass("cat", "dog"), "merge.name", "one of the last 2 classes"),
        (RetireClass("cat"), "retire.name", "one of the last 2 classes"),
        (RetireClass("old"), "retire.name", "'old' was merged into 'cat'"),
        (RestoreClass("elk"), "restore.name", "'elk' is no class"),
        (DescribeClass("dog", hotkey="k"), "describe.hotkey", "'k' is that of 'cat'"),
        (DescribeClass("gone", hotkey="g"), "describe.hotkey", "'gone' is retired"),
        (DescribeClass("elk", "x"), "describe.name", "'elk' is no class"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(change: ClassChange, field: str, said: str):
    table = after(
        class_table(("cat", "dog", "gone", "old"), ()),
        RetireClass("gone"),
        MergeClass("old", "cat"),
        DescribeClass("cat", hotkey="k"),
    )
    with pytest.raises(InvalidInput) as caught:
        changed_classes(table, change, NOW)
    [violation] = caught.value.violations
    assert violation.field == field
    assert said in violation.description


def test_a_task_has_so_many_classes_at_most_the_former_ones_counted():
    many = class_table(tuple(f"class {number}" for number in range(MAX_CLASSES)), ())
    table = after(many, RetireClass("class 0"))
    with pytest.raises(InvalidInput, match="1,000 classes"):
        changed_classes(table, AddClass("one more"), NOW)


def test_only_changes_of_what_labels_count_as_teach_heads():
    assert not teaches(RenameClass("a", "b"))
    assert not teaches(DescribeClass("a", "b"))
    teaching: list[ClassChange] = [AddClass("a"), MergeClass("a", "b"), RetireClass("a")]
    assert all(teaches(each) for each in [*teaching, RestoreClass("a")])


NAMES = st.sampled_from([*FOUR.names, "elk", "cow"])
CHANGES = st.one_of(
    st.builds(AddClass, NAMES, hotkey=st.sampled_from(["", "a", "b"])),
    st.builds(RenameClass, NAMES, NAMES),
    st.builds(MergeClass, NAMES, NAMES),
    st.builds(RetireClass, NAMES),
    st.builds(RestoreClass, NAMES),
    st.builds(DescribeClass, NAMES, hotkey=st.sampled_from(["", "a", "b"])),
)


@given(st.lists(CHANGES, max_size=30))
def test_whatever_is_changed_classes_keep_their_places_and_each_label_counts_once(changes):
    table = FOUR
    for change in changes:
        try:
            after_it = changed_classes(table, change, NOW)
        except InvalidInput:
            continue
        assert len(after_it.names) - len(table.names) == (
            isinstance(change, AddClass) and after_it != table
        )
        table = after_it
    assert len(set(table.names)) == len(table.names) == len(table.details)
    assert len(table.active) >= 2
    assert table.original_count == 4
    for target in table.targets.tolist():
        assert target == NO_CLASS or table.details[target].state is ClassState.ACTIVE
    hotkeys = [each.hotkey for each in table.details if each.hotkey]
    assert len(set(hotkeys)) == len(hotkeys)
    known = [*table.names, *(name for each in table.details for name in each.former_names)]
    assert len(set(known)) == len(known)


TASK = Task("t", "p", FOUR.names, "epoch", NOW)


def task_after(*changes: ClassChange) -> Task:
    return TASK.reclassed(after(FOUR, *changes), "mark")


def test_a_label_is_read_by_the_names_of_active_and_merged_classes_only():
    task = task_after(MergeClass("cat", "dog"), RetireClass("fox"), RenameClass("owl", "bird"))
    read = [task.class_index(name, "label") for name in ("cat", "dog", "bird", "owl")]
    assert read == [0, 1, 3, 3]
    with pytest.raises(InvalidInput, match="'fox' is a retired class of tasks/t; its classes are"):
        task.class_index("fox", "label")
    with pytest.raises(InvalidInput, match="'elk' is no class of tasks/t"):
        task.class_index("elk", "label")


def a_head() -> Head:
    generator = np.random.default_rng(3)
    weights = generator.normal(size=(5, 4)).astype(np.float32)
    return Head(1, weights, generator.normal(size=4).astype(np.float32))


CLIPS = np.random.default_rng(4).normal(size=(9, 5)).astype(np.float32)


def test_a_head_of_classes_that_did_not_change_predicts_as_it_is():
    head = a_head()
    folded = fold_head(head, TASK)
    assert folded.head is head
    assert folded.classes == (0, 1, 2, 3)
    added = fold_head(head, task_after(AddClass("elk")))
    assert (added.head, added.classes, added.places) == (head, (0, 1, 2, 3), None)


def test_a_head_predicts_what_was_merged_since_as_the_sum():
    head = a_head()
    folded = fold_head(head, task_after(MergeClass("cat", "owl")))
    whole = class_probabilities(head, CLIPS)
    found = folded.fold(class_probabilities(folded.head, CLIPS))
    assert folded.classes == (1, 2, 3)
    np.testing.assert_allclose(
        found, np.stack([whole[:, 1], whole[:, 2], whole[:, 0] + whole[:, 3]], axis=1), rtol=1e-6
    )


def test_a_head_predicts_as_if_it_had_never_known_what_is_retired_since():
    head = a_head()
    folded = fold_head(head, task_after(RetireClass("dog")))
    whole = class_probabilities(head, CLIPS)[:, [0, 2, 3]]
    found = folded.fold(class_probabilities(folded.head, CLIPS))
    assert (folded.classes, folded.head.column_classes) == ((0, 2, 3), (0, 2, 3))
    np.testing.assert_allclose(found, whole / whole.sum(axis=1, keepdims=True), rtol=1e-5)


def _marked() -> Head:
    """Return a head that shows which columns had no label, as those of most recipes do."""
    weights, biases = np.array(a_head().weights), np.array(a_head().biases)
    weights[:, 2:], biases[2:] = 0, UNSEEN_BIAS
    return Head(1, weights, biases)


@pytest.mark.parametrize("head", [_marked(), replace(a_head(), unseen=(2, 3))])
def test_a_head_that_learned_fewer_than_two_of_the_classes_of_now_is_none(head: Head):
    cat, dog = TASK.classes[:2]
    for change in (RetireClass(dog), MergeClass(dog, cat)):
        with pytest.raises(HeadNotTrained, match="learned 1 of the classes"):
            fold_head(head, task_after(change))
    assert fold_head(head, task_after(RetireClass(TASK.classes[3]))).classes == (0, 1, 2)
    with pytest.raises(HeadNotTrained, match="learned none of the classes"):
        fold_head(head, task_after(RetireClass(cat), RetireClass(dog)))


def test_a_head_of_several_labels_may_know_one_class():
    sigmoids = replace(a_head(), label_mode=LabelMode.MULTIPLE)
    task = replace(task_after(*map(RetireClass, TASK.classes[:2])), label_mode=LabelMode.MULTIPLE)
    assert fold_head(sigmoids, task).classes == (2, 3)


def test_a_head_says_the_class_of_each_column():
    head = replace(a_head(), class_indices=(1, 2, 5, 7))
    assert head.classes_at(np.array([3, 0], np.int16)).tolist() == [7, 1]
    assert a_head().classes_at(np.array([3, 0], np.int16)).tolist() == [3, 0]
