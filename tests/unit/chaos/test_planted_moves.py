"""Answers that are stored on other clips than those that the oracle heard."""

from tests.chaos.findings import FindingKind
from tests.unit.chaos.histories import Story

MOVED = {FindingKind.LABELS_MOVED}


def test_a_label_that_moved_is_lost_where_it_was_and_found_where_it_is(story: Story):
    story.lose("a")
    story.store("d", "ann", "yes")
    assert story.found() == MOVED | {FindingKind.ACKNOWLEDGED_LOST}
    (moved,) = (each for each in story.findings() if each.kind is FindingKind.LABELS_MOVED)
    assert moved.text.startswith("task: d: ")
    assert moved.text.endswith("as of a")


def test_an_abstention_that_moved_is_found(story: Story):
    story.lose("b")
    story.store("d", "ann", None)
    assert story.found() == MOVED | {FindingKind.ACKNOWLEDGED_LOST}


def test_a_seed_label_that_moved_is_found(story: Story):
    story.lose("t")
    story.store("d", "", "no")
    assert story.found() == MOVED


def test_a_label_that_a_rollback_moved_is_found_though_it_might_have_been_lost(story: Story):
    story.roll_back(1.95, 3.0)
    story.lose("a")
    assert story.found() == set()
    story.store("d", "ann", "yes")
    assert story.found() == MOVED


def test_a_label_stays_with_its_content_when_its_clip_is_renamed(story: Story):
    story.import_clips(0.1, ("x", "sound of x"), ("y", "sound of y"))
    story.on_pool("rename_clip", 5.5, {"clip_id": "x", "new_id": "z"})
    story.contents = {"x": "sound of x"}
    story.query("ann", 5.0, [("l9", "x", 15.0)], head_version=2)
    story.submit("ann", 6.0, {"l9": "yes"})
    story.store("sound of x", "ann", "yes")
    assert story.found() == set()


def test_a_label_of_what_a_name_stood_for_does_not_pass_to_what_it_stands_for_now(story: Story):
    story.import_clips(0.1, ("x", "sound of x"))
    story.contents = {"x": "sound of x"}
    story.query("ann", 5.0, [("l9", "x", 15.0)], head_version=2)
    story.submit("ann", 6.0, {"l9": "yes"})
    story.import_clips(7.0, ("x", "another sound"), replaces=True)
    assert story.found() == set()
    story.store("another sound", "ann", "yes")
    assert story.found() == MOVED


def test_the_label_of_a_clip_that_was_replaced_must_not_stay(story: Story):
    story.import_clips(0.1, ("x", "sound of x"))
    story.contents = {"x": "sound of x"}
    story.query("ann", 5.0, [("l9", "x", 15.0)], head_version=2)
    story.submit("ann", 6.0, {"l9": "yes"})
    story.store("sound of x", "ann", "yes")
    story.import_clips(7.0, ("x", "another sound"), replaces=True)
    assert story.found() == {FindingKind.LABELS_UNEXPLAINED}
