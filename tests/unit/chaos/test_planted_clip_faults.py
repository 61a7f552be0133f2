"""Clips that were mixed up or lost, and calls that outlived their deadlines."""

import math
from dataclasses import replace

import pytest
from tests.chaos.clip_checks import check_clips
from tests.chaos.disruptions import Damage
from tests.chaos.findings import FindingKind
from tests.chaos.history import FinalClip, FinalPool
from tests.chaos.stuck_checks import GRACE_S, latest_s, stuck_calls
from tests.unit.chaos.histories import POOL, Story

X, Y = FinalClip("sound of x", "sound of x"), FinalClip("sound of y", "sound of y")


@pytest.fixture
def imported(story: Story) -> Story:
    story.import_clips(1.0, ("x", "sound of x"), ("y", "sound of y"))
    return story


def found(story: Story, **clips: FinalClip) -> set[FindingKind]:
    final = FinalPool(POOL, clips)
    return {each.kind for each in check_clips(story.operations, [final], story.disruptions)}


def test_clips_as_they_were_imported_are_right(imported: Story):
    assert found(imported, x=X, y=Y) == set()


def test_an_imported_clip_that_is_gone_is_lost(imported: Story):
    assert found(imported, x=X) == {FindingKind.ACKNOWLEDGED_LOST}


def test_a_clip_that_the_import_refused_is_not_lost(imported: Story):
    imported.operations[-1] = replace(imported.operations[-1], result={"failed": ["y"]})
    assert found(imported, x=X) == set()


def test_an_import_that_a_rollback_undid_may_be_gone(imported: Story):
    imported.roll_back(0.9, 2.0)
    assert found(imported) == set()


def test_a_clip_with_the_vector_of_another_is_found(imported: Story):
    imported.roll_back(0.9, 2.0)
    mixed_up = replace(Y, vector_of="sound of x")
    assert found(imported, x=X, y=mixed_up) == {FindingKind.CLIPS_MOVED}


def test_a_clip_under_the_name_of_another_is_found(imported: Story):
    assert found(imported, x=Y, y=X) == {FindingKind.CLIPS_MOVED}


def test_renamed_replaced_and_deleted_clips_are_right(imported: Story):
    imported.on_pool("rename_clip", 2.0, {"clip_id": "x", "new_id": "z"})
    imported.import_clips(3.0, ("y", "another sound"), replaces=True)
    another = FinalClip("another sound", "another sound")
    assert found(imported, z=X, y=another) == set()
    imported.delete(4.0, "z", "y")
    assert found(imported) == set()


def test_a_pool_s_call_that_is_refused_for_no_reason_is_found(imported: Story):
    refused = replace(imported.operations[-1], reason="CLIP_NOT_FOUND")
    imported.operations.append(refused)
    assert found(imported, x=X, y=Y) == set()
    imported.operations.append(replace(refused, reason="INTERNAL"))
    assert found(imported, x=X, y=Y) == {FindingKind.REFUSED_WRONGLY}


def test_a_pool_s_call_may_meet_a_foreign_key_of_any_task_while_it_is_there(imported: Story):
    refused = replace(imported.operations[-1], reason="STORE_DAMAGED")
    imported.operations.append(refused)
    assert found(imported, x=X, y=Y) == {FindingKind.REFUSED_WRONGLY}
    imported.damages = [Damage("another task", 0.5, 1.05)]
    assert found(imported, x=X, y=Y) == set()


@pytest.mark.parametrize("end_s", [3.0 + GRACE_S + 0.1, math.inf])
def test_a_call_past_its_deadline_is_stuck(story: Story, end_s: float):
    late = replace(story.operations[0], start_s=1.0, deadline_s=3.0, end_s=3.0)
    assert not list(stuck_calls([late]))
    late = replace(late, end_s=end_s)
    (finding,) = stuck_calls([late])
    assert finding.kind is FindingKind.STUCK
    assert latest_s([late]) == end_s - 3.0
