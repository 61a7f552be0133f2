"""What rollbacks and the like excuse, and what not: planted in a history that they met."""

from dataclasses import replace

import pytest
from tests.chaos.disruptions import ClockChange, Damage
from tests.chaos.findings import FindingKind
from tests.chaos.history import Outcome
from tests.unit.chaos.histories import TASK, Story

# In the clean story leases are given at 1.1 s, answers acknowledged at 2.1 s, another lease at 4.1.
LOST = {FindingKind.ACKNOWLEDGED_LOST}
REGRESSED = {FindingKind.HEADS_REGRESSED}
WRONG = {FindingKind.REFUSED_WRONGLY}


def lose_answers(story: Story) -> None:
    for clip_id in ("a", "b", "c"):
        story.lose(clip_id)
    story.final = replace(story.final, head_version=1, rounds={1: 2})
    # What was seen before the store went back.
    story.operations = [each for each in story.operations if each.start_s < 4.0]


def test_answers_that_a_rollback_undid_may_be_gone_with_their_head(story: Story):
    lose_answers(story)
    story.roll_back(1.5, 3.0)
    assert story.found() == set()


def test_answers_acknowledged_before_the_snapshot_may_not_be_gone(story: Story):
    lose_answers(story)
    story.roll_back(2.2, 3.0)
    assert story.found() == LOST | REGRESSED


def test_answers_given_after_the_rollback_may_not_be_gone(story: Story):
    lose_answers(story)
    story.roll_back(0.5, 1.9)
    assert story.found() >= LOST


def test_an_answer_under_way_while_the_store_went_back_may_be_gone_or_not(story: Story):
    story.roll_back(1.5, 2.05)
    assert story.found() == set()
    story.lose("b")
    assert story.found() == set()


def test_an_undone_answer_that_was_repeated_after_the_rollback_may_not_be_gone(story: Story):
    story.roll_back(1.5, 3.0)
    story.submit("bob", 3.5, {"l3": "no"}, head_version=2, request_id="submit bob 2.0")
    assert story.found() == set()
    story.lose("c")
    assert story.found() == LOST


def test_an_undone_correction_may_leave_what_it_corrected_and_nothing_else(story: Story):
    story.submit("ann", 3.0, {"l1": "no"})
    story.roll_back(2.5, 3.5)
    assert story.found() == set()
    story.lose("a")
    assert story.found() >= LOST


def test_an_undone_retraction_may_leave_the_answer(story: Story):
    story.submit("ann", 3.0, {"l1": "(retracted)"})
    story.roll_back(2.5, 3.5)
    assert story.found() == set()


def test_a_clip_whose_answer_was_undone_may_be_asked_and_labeled_again(story: Story):
    story.roll_back(1.5, 3.0)
    story.query("bob", 3.5, [("l5", "a", 13.5)], head_version=1)
    story.submit("bob", 3.8, {"l5": "no"})
    story.store("a", "bob", "no")
    # Meanwhile the head is another as well.
    assert FindingKind.ASKED_AGAIN not in story.found()
    assert FindingKind.DOUBLE_LABELS not in story.found()


def test_before_the_store_went_back_an_answered_clip_may_not_be_asked_again(story: Story):
    story.roll_back(1.5, 3.0)
    story.query("bob", 2.5, [("l5", "a", 12.5)], head_version=1)
    assert FindingKind.ASKED_AGAIN in story.found()


def test_a_clip_whose_lease_was_undone_may_be_leased_anew(story: Story):
    story.roll_back(3.5, 4.5)
    story.query("ann", 4.6, [("l5", "d", 14.6)], head_version=2)
    assert story.found() == set()


@pytest.mark.parametrize("times", [(3.5, 4.5), (4.2, 5.0)])
def test_a_clip_leased_twice_on_one_side_of_a_rollback_is_found(
    story: Story, times: tuple[float, float]
):
    story.roll_back(*times)
    story.query("bob", 4.2, [("l5", "d", 14.2)], head_version=2)
    assert FindingKind.DOUBLE_LEASES in story.found()


def test_a_lease_given_before_the_snapshot_holds_after_the_rollback(story: Story):
    story.roll_back(4.15, 5.0)
    story.query("ann", 5.5, [("l5", "d", 15.5)], head_version=2)
    assert story.found() == {FindingKind.DOUBLE_LEASES}


@pytest.mark.parametrize("reason", ["LEASE_LOST", "INVALID_INPUT"])
def test_a_lease_that_was_undone_may_be_unknown(story: Story, reason: str):
    story.submit("bob", 5.5, {"l4": "yes"}, outcome=Outcome.REFUSED, reason=reason)
    assert story.found() == WRONG
    story.roll_back(3.5, 4.5)
    assert story.found() == set()


def test_a_lease_that_was_undone_is_known_until_then(story: Story):
    story.roll_back(3.5, 6.0)
    story.submit("bob", 5.5, {"l4": "yes"}, outcome=Outcome.REFUSED, reason="INVALID_INPUT")
    assert story.found() == WRONG


def test_a_repeated_request_may_be_answered_anew_only_across_a_rollback(story: Story):
    leases = [("l5", "e", 14.5)]
    story.query("bob", 5.5, leases, head_version=2, request_id="query bob 4.0")
    assert story.found() == {FindingKind.REPLAYS_DIFFER}
    story.roll_back(3.5, 5.4)
    assert story.found() == set()
    story.rollbacks.clear()
    story.roll_back(4.2, 5.4)
    assert story.found() == {FindingKind.REPLAYS_DIFFER}


def test_a_head_seen_before_the_snapshot_may_not_go(story: Story):
    story.roll_back(5.5, 6.0)
    story.query("ann", 7.0, [], head_version=1)
    assert story.found() == REGRESSED


def test_a_head_seen_after_the_snapshot_may_go_with_the_rollback_and_not_before(story: Story):
    story.roll_back(1.5, 6.0)
    story.query("ann", 7.0, [], head_version=1)
    assert story.found() == set()
    story.query("ann", 5.5, [], head_version=1)
    assert story.found() == REGRESSED


def test_a_promised_head_that_a_rollback_undid_may_be_said_never_to_come(story: Story):
    story.add(
        "predict",
        "ann",
        4.5,
        4.6,
        {"min_head_version": 2},
        outcome=Outcome.REFUSED,
        reason="HEAD_VERSION_UNKNOWN",
    )
    story.roll_back(1.5, 3.0)
    assert story.found() == set()


def test_a_round_seen_only_before_the_store_went_back_may_be_another(story: Story):
    story.final = replace(story.final, rounds={1: 2, 2: 5})
    assert story.found() == REGRESSED
    story.roll_back(1.5, 5.05)
    assert story.found() == set()


def test_a_deletion_that_was_undone_may_have_happened_or_not(story: Story):
    story.delete(6.0, "a")
    story.roll_back(5.5, 7.0)
    assert story.found() == set()
    story.lose("a")
    assert story.found() == set()


def test_a_lease_may_end_when_the_clock_is_set_and_not_before(story: Story):
    story.query("ann", 6.0, [("l5", "d", 16.0)], head_version=2)
    assert story.found() == {FindingKind.DOUBLE_LEASES}
    story.clock_changes = [ClockChange(5.0, 5.1, 3600.0)]
    assert story.found() == set()
    story.clock_changes = [ClockChange(7.0, 7.1, 3600.0)]
    assert story.found() == {FindingKind.DOUBLE_LEASES}


def test_a_lease_given_while_the_clock_is_ahead_ends_by_that_clock(story: Story):
    story.clock_changes = [ClockChange(3.0, 3.1, 100.0)]
    story.query("ann", 6.0, [("l5", "e", 116.0)], head_version=2)
    story.query("bob", 15.0, [("l6", "e", 125.0)], head_version=2)
    assert story.found() == {FindingKind.DOUBLE_LEASES}
    story.operations.pop()
    story.query("bob", 17.0, [("l6", "e", 127.0)], head_version=2)
    assert story.found() == set()


def test_a_store_is_damaged_only_while_a_foreign_key_is_in_it(story: Story):
    story.submit("bob", 5.5, {"l4": "yes"}, outcome=Outcome.UNKNOWN, reason="STORE_DAMAGED")
    assert story.found() == WRONG
    story.damages = [Damage(TASK, 5.0, 5.55)]
    assert story.found() == set()
    story.damages = [Damage(TASK, 5.0, 5.45), Damage("another", 5.0, 6.0)]
    assert story.found() == WRONG


def test_a_wait_for_a_head_whose_promise_was_undone_may_end_with_an_older_one(story: Story):
    story.query("ann", 4.5, [], head_version=1, min_head_version=2)
    assert story.found() == REGRESSED
    story.roll_back(1.5, 4.55)
    assert story.found() == set()
    story.rollbacks.clear()
    story.roll_back(2.2, 4.55)
    assert story.found() == REGRESSED


@pytest.mark.parametrize(("told_s", "found"), [(3.05, set()), (3.2, REGRESSED)])
def test_a_prediction_of_a_moment_before_the_store_went_back_binds_none_after(
    story: Story, told_s: float, found: set[FindingKind]
):
    lose_answers(story)
    story.final = replace(story.final, head_version=0, rounds={})
    story.operations = [each for each in story.operations if each.call != "predict"]
    story.roll_back(0.5, 3.0)
    story.add("predict", "ann", told_s, told_s, {"min_head_version": 0}, result={"head_version": 2})
    story.add(
        "predict",
        "ann",
        3.5,
        3.6,
        {"min_head_version": 0},
        outcome=Outcome.REFUSED,
        reason="HEAD_NOT_TRAINED",
    )
    assert story.found() & REGRESSED == found
