"""What may and what must not become of clips that were deleted."""

from dataclasses import replace

import pytest
from tests.chaos.findings import FindingKind
from tests.chaos.history import Outcome
from tests.unit.chaos.histories import Story


def test_the_label_of_a_deleted_clip_goes_with_it(story: Story):
    story.delete(6.0, "a")
    story.lose("a")
    assert story.found() == set()


def test_a_label_of_another_clip_that_goes_is_lost(story: Story):
    story.delete(6.0, "a")
    story.lose("a")
    story.lose("c")
    assert story.found() == {FindingKind.ACKNOWLEDGED_LOST}


def test_the_label_of_a_deleted_clip_that_stays_is_found(story: Story):
    story.delete(6.0, "a")
    assert story.found() == {FindingKind.LABELS_UNEXPLAINED}


@pytest.mark.parametrize("goes", [False, True])
def test_a_deletion_of_unknown_outcome_may_have_happened(story: Story, goes: bool):
    story.delete(6.0, "a", outcome=Outcome.UNKNOWN)
    if goes:
        story.lose("a")
    assert story.found() == set()


def test_a_deleted_clip_that_is_asked_is_found(story: Story):
    story.delete(6.0, "e")
    story.query("ann", 6.05, [("l5", "e", 16.0)], head_version=2)
    assert story.found() == set()
    story.query("ann", 7.0, [("l6", "e", 17.0)], head_version=2, request_id="another")
    assert FindingKind.ASKED_AGAIN in story.found()


def test_a_lease_is_lost_with_its_clip_and_not_before(story: Story):
    story.submit("bob", 4.5, {"l4": "yes"}, outcome=Outcome.REFUSED, reason="LEASE_LOST")
    story.delete(4.55, "d")
    assert story.found() == set()
    story.operations.pop()
    story.delete(4.65, "d")
    assert story.found() == {FindingKind.REFUSED_WRONGLY}


def test_a_promised_head_may_lack_the_label_of_a_deleted_clip(story: Story):
    story.delete(5.5, "c", "t")
    story.lose("c")
    story.lose("t")
    story.submit("ann", 6.0, {"l1": "yes"}, head_version=3)
    story.final = replace(story.final, head_version=3, rounds={1: 2, 2: 4, 3: 2})
    assert story.found() == set()
    story.final = replace(story.final, head_version=3, rounds={1: 2, 2: 4, 3: 1})
    assert story.found() == {FindingKind.HEADS_REGRESSED}
