"""What labels count as when classes are merged, retired, restored and renamed."""

from dataclasses import replace

import pytest
from tests.chaos.findings import FindingKind
from tests.chaos.history import FinalClass, Outcome
from tests.unit.chaos.histories import Story, clean_story, with_labels

from aloe.client import ClassState, LabelSet, Unmentioned

LOST, UNEXPLAINED = FindingKind.ACKNOWLEDGED_LOST, FindingKind.LABELS_UNEXPLAINED
ACTIVE, MERGED, RETIRED = ClassState.ACTIVE, ClassState.MERGED, ClassState.RETIRED


def classes(state: ClassState = ACTIVE, *, renamed: bool = False) -> tuple[FinalClass, ...]:
    """Yes, no, and a twin of yes, of some state, with another name."""
    name = "yep" if renamed else "twin"
    names = frozenset({name, "twin"})
    twin = FinalClass(name, names, state, "yes" * (state is MERGED), is_original=True)
    plain = (FinalClass(each, frozenset({each}), ACTIVE, "", True) for each in ("yes", "no"))
    return (*plain, twin)


@pytest.fixture
def one() -> Story:
    """Ann answers g with the twin of yes."""
    story = clean_story()
    story.query("ann", 6.0, [("l6", "g", 16.0)], head_version=2)
    story.submit("ann", 7.0, {"l6": "twin"})
    story.operations = [each for each in story.operations if each.call != "get_task"]
    story.store("g", "ann", "twin")
    story.final = replace(story.final, classes=classes())
    return story


def test_a_merged_class_label_counts_as_the_other_s(one: Story):
    assert one.found() == set()
    one.change_classes(8.0, "MergeClass", "twin", into="yes")
    one.final = replace(one.final, classes=classes(MERGED))
    assert one.found() == {LOST, UNEXPLAINED}
    one.store("g", "ann", "yes")
    assert one.found() == set()
    one.lose("g")
    assert one.found() == {LOST}


def test_a_restored_class_has_its_labels_again(one: Story):
    one.change_classes(8.0, "MergeClass", "twin", into="yes")
    one.change_classes(9.0, "RestoreClass", "twin")
    assert one.found() == set()
    one.store("g", "ann", "yes")
    assert LOST in one.found()


def test_a_retired_class_keeps_its_labels(one: Story):
    one.change_classes(8.0, "RetireClass", "twin")
    one.final = replace(one.final, classes=classes(RETIRED))
    assert one.found() == set()
    one.lose("g")
    assert one.found() == {LOST}


def test_a_renamed_class_label_goes_by_its_new_name(one: Story):
    one.change_classes(8.0, "RenameClass", "twin")
    one.final = replace(one.final, classes=classes(renamed=True))
    assert one.found() == {LOST, UNEXPLAINED}
    one.store("g", "ann", "yep")
    assert one.found() == set()


def test_an_answer_with_a_retired_class_may_be_refused_and_no_other(one: Story):
    one.query("bob", 9.0, [("l7", "e", 30.0)], head_version=2)
    one.submit("bob", 10.0, {"l7": "twin"}, outcome=Outcome.REFUSED, reason="INVALID_INPUT")
    assert one.found() == {FindingKind.REFUSED_WRONGLY}
    one.change_classes(8.0, "RetireClass", "twin")
    assert one.found() == set()
    one.change_classes(8.5, "RestoreClass", "twin")
    assert one.found() == {FindingKind.REFUSED_WRONGLY}


def test_labels_of_a_class_that_was_retired_train_no_head(one: Story):
    one.submit("ann", 7.5, {"l6": "twin"}, head_version=3)
    one.query("bob", 8.0, [("l7", "e", 30.0)], head_version=2)
    one.submit("bob", 9.0, {"l7": "no"}, head_version=3)
    one.store("e", "bob", "no")
    one.final = replace(one.final, head_version=3, rounds={1: 2, 2: 4, 3: 4})
    assert one.found() == {FindingKind.HEADS_REGRESSED}
    one.change_classes(8.5, "RetireClass", "twin")
    one.final = replace(one.final, classes=classes(RETIRED))
    assert one.found() == set()


def test_a_head_that_a_change_of_classes_promised_must_come(one: Story):
    one.change_classes(8.0, "MergeClass", "twin", into="yes", head_version=3)
    one.final = replace(one.final, classes=classes(MERGED))
    one.store("g", "ann", "yes")
    assert one.found() == {FindingKind.HEADS_REGRESSED}
    one.final = replace(one.final, head_version=3, rounds={1: 2, 2: 4, 3: 5})
    assert one.found() == set()


def several(given: LabelSet, stored: LabelSet | None, unmentioned: Unmentioned) -> Story:
    """Ann answers a with a set, and one is stored, perhaps."""
    story = clean_story()
    story.operations = [each for each in story.operations if each.call in ("create_task", "query")]
    labels = {"b": story.final.labels["b"]}
    final = replace(story.final, unmentioned=unmentioned, classes=classes(), rounds={1: 1, 2: 1})
    story.final = with_labels(final, labels)
    story.submit("ann", 2.0, {"l1": given, "l2": None}, head_version=2)
    if stored is not None:
        story.store("a", "ann", stored)
    return story


SET = LabelSet
NEGATIVE, UNKNOWN = Unmentioned.NEGATIVE, Unmentioned.UNKNOWN


@pytest.mark.parametrize(
    ("given", "stored", "unmentioned"),
    [
        (SET(("yes",)), SET(("yes",)), NEGATIVE),
        (SET(), SET(), NEGATIVE),
        (SET(("yes",), ("no",)), SET(("yes",)), NEGATIVE),
        (SET(("yes",), (), ("no",)), SET(("yes",), (), ("no",)), NEGATIVE),
        (SET(("yes",), ("no",)), SET(("yes",), ("no",)), UNKNOWN),
        (SET((), ("no",), ("yes",)), SET((), ("no",)), UNKNOWN),
    ],
)
def test_a_set_is_stored_as_what_it_says_of_each_class(given, stored, unmentioned):
    assert several(given, stored, unmentioned).found() == set()


@pytest.mark.parametrize(
    ("given", "stored", "unmentioned"),
    [
        (SET(("yes",)), None, NEGATIVE),
        (SET(("yes",)), SET(("yes", "no")), NEGATIVE),
        (SET(("yes",)), SET(), NEGATIVE),
        (SET(), SET(("no",)), NEGATIVE),
        (SET(("yes",)), SET(("yes",), (), ("no",)), NEGATIVE),
        (SET(("yes",), (), ("no",)), SET(("yes",)), NEGATIVE),
        (SET(("yes",), ("no",)), SET(("yes",)), UNKNOWN),
        (SET((), ("no",)), SET((), ("no", "yes")), UNKNOWN),
        (SET((), ("no",)), SET(("no",)), UNKNOWN),
    ],
)
def test_a_set_that_is_lost_or_changed_in_one_class_is_found(given, stored, unmentioned):
    assert LOST in several(given, stored, unmentioned).found()


@pytest.mark.parametrize("unmentioned", Unmentioned)
def test_what_a_clip_is_of_a_merged_class_it_is_of_the_other(unmentioned):
    story = several(SET(("twin",)), SET(("yes",)), unmentioned)
    assert LOST in story.found()
    story.change_classes(3.0, "MergeClass", "twin", into="yes")
    story.final = replace(story.final, classes=classes(MERGED))
    assert story.found() == set()
    story.store("a", "ann", SET())
    assert LOST in story.found()


def test_of_a_restored_class_is_what_was_said_while_it_was_one():
    before = several(SET(("twin",)), SET(("twin",)), NEGATIVE)
    before.change_classes(3.0, "MergeClass", "twin", into="yes")
    before.change_classes(4.0, "RestoreClass", "twin")
    assert before.found() == set()
    before.store("a", "ann", SET(("yes",)))
    assert LOST in before.found()
    while_merged = several(SET(("twin",)), SET(("twin",), (), ("yes",)), NEGATIVE)
    assert LOST in while_merged.found()
    while_merged.change_classes(1.5, "MergeClass", "twin", into="yes")
    while_merged.change_classes(4.0, "RestoreClass", "twin")
    assert while_merged.found() == set()


def test_a_retired_class_of_a_set_is_kept():
    story = several(SET(("twin",)), SET(("twin",)), NEGATIVE)
    story.change_classes(3.0, "RetireClass", "twin")
    story.final = replace(story.final, classes=classes(RETIRED))
    assert story.found() == set()
    story.store("a", "ann", SET())
    assert LOST in story.found()


def test_nothing_is_known_of_a_class_that_was_added_later():
    story = several(SET(("yes",)), SET(("yes",), (), ("new",)), NEGATIVE)
    new = FinalClass("new", frozenset({"new"}), ACTIVE, "", is_original=False)
    story.final = replace(story.final, classes=(*classes(), new))
    assert story.found() == set()
    story.store("a", "ann", SET(("yes", "new")))
    assert LOST in story.found()


def test_a_set_that_was_said_of_another_clip_has_moved():
    story = several(SET(("yes",)), SET(("yes",)), NEGATIVE)
    story.store("d", "ann", SET(("yes",)))
    assert FindingKind.LABELS_MOVED in story.found()
