"""Windows of recordings: missing, there twice, or cut otherwise."""

from dataclasses import replace

import pytest
from tests.chaos.clip_checks import check_clips
from tests.chaos.findings import FindingKind
from tests.chaos.history import FinalClip, FinalPool, FinalTask, Outcome
from tests.unit.chaos.histories import POOL, TASK, Story

FIRST, SECOND = "night~0-1000", "night~1000-2000"


class Night(Story):
    """A recording that was imported in two windows, and what is there of it."""

    def __init__(self) -> None:
        super().__init__(FinalTask(TASK, 0, 0, 0, 0, {}, {}))
        self.import_recording(1.0, FIRST, SECOND)
        clips = {each: FinalClip(each, each) for each in (FIRST, SECOND)}
        self.pool = FinalPool(POOL, clips, window_counts={"night": 2})

    def hold(self, *windows: str) -> None:
        clips = {each: FinalClip(each, each) for each in windows}
        self.pool = replace(self.pool, clips=clips, window_counts={"night": len(windows)})

    def wrong(self) -> set[FindingKind]:
        return {each.kind for each in check_clips(self.operations, [self.pool], self.disruptions)}


@pytest.fixture
def night() -> Night:
    return Night()


def test_windows_that_are_there_once_are_right(night: Night):
    assert night.wrong() == set()


def test_a_missing_window_is_found(night: Night):
    night.hold(FIRST)
    assert night.wrong() == {FindingKind.ACKNOWLEDGED_LOST}


def test_a_window_that_an_import_of_unknown_outcome_left_out_is_no_loss(night: Night):
    night.operations.clear()
    night.import_recording(1.0, FIRST, SECOND, outcome=Outcome.UNKNOWN)
    night.hold(FIRST)
    assert night.wrong() == set()
    night.import_recording(2.0, FIRST, SECOND)
    assert night.wrong() == {FindingKind.ACKNOWLEDGED_LOST}


def test_an_import_that_was_repeated_after_a_rollback_must_be_there(night: Night):
    night.roll_back(0.5, 1.5)
    night.hold()
    assert night.wrong() == set()
    night.import_recording(2.0, FIRST, SECOND)
    assert night.wrong() == {FindingKind.ACKNOWLEDGED_LOST}


def test_a_window_that_is_there_twice_is_found(night: Night):
    night.pool = replace(night.pool, doubled=[SECOND])
    assert night.wrong() == {FindingKind.CLIPS_TWICE}


def test_a_window_that_was_cut_elsewhere_is_found(night: Night):
    night.hold(FIRST, SECOND, "night~500-1500")
    assert night.wrong() == {FindingKind.CLIPS_TWICE}


def test_a_window_with_the_sound_of_another_is_found(night: Night):
    clips = {**night.pool.clips, SECOND: FinalClip(SECOND, FIRST)}
    night.pool = replace(night.pool, clips=clips)
    assert night.wrong() == {FindingKind.CLIPS_MOVED}


def test_a_recording_that_counts_its_windows_wrongly_is_found(night: Night):
    night.pool = replace(night.pool, window_counts={"night": 3})
    assert night.wrong() == {FindingKind.COUNTS_WRONG}


def test_windows_go_with_their_recording(night: Night):
    night.on_pool("delete_recordings", 2.0, {"clip_ids": [FIRST, SECOND]})
    night.hold()
    assert night.wrong() == set()


def test_a_window_that_is_leased_after_its_recording_went_is_found(night: Night):
    night.on_pool("delete_recordings", 2.0, {"clip_ids": [FIRST, SECOND]})
    night.query("ann", 3.0, [("l1", FIRST, 13.0)])
    assert FindingKind.ASKED_AGAIN in night.found()
    night.import_recording(2.0, FIRST, SECOND, outcome=Outcome.UNKNOWN)
    assert night.found() == set()
