from dataclasses import replace

from tests.chaos.findings import FindingKind
from tests.chaos.history import Outcome
from tests.unit.chaos.histories import Story

REGRESSED = {FindingKind.HEADS_REGRESSED}


def test_a_head_that_went_down_is_found(story: Story):
    story.query("ann", 6.0, [], head_version=1)
    assert story.found() == REGRESSED


def test_an_older_head_seen_while_the_newer_one_came_is_right(story: Story):
    story.add("predict", "ann", 3.0, 6.0, {"min_head_version": 0}, result={"head_version": 1})
    assert story.found() == set()


def test_a_prediction_may_lag_by_the_tenth_of_a_second_that_heads_may_take(story: Story):
    request = {"min_head_version": 0}
    story.add("predict", "ann", 4.15, 4.2, request, result={"head_version": 1})
    assert story.found() == set()
    story.add("predict", "ann", 4.25, 4.3, request, result={"head_version": 1})
    assert story.found() == REGRESSED


def test_a_repeated_query_answers_with_its_own_head(story: Story):
    leases = [("l3", "c", 11.0)]
    story.query("bob", 6.0, leases, head_version=1, request_id="query bob 1.0")
    assert story.found() == set()


def test_a_final_head_older_than_one_seen_is_found(story: Story):
    story.final = replace(story.final, head_version=1, rounds={1: 2})
    assert story.found() == REGRESSED


def test_a_promised_head_that_never_came_is_found(story: Story):
    story.submit("ann", 6.0, {"l1": "yes"}, head_version=3)
    assert story.found() == REGRESSED


def test_a_promised_head_without_its_labels_is_found(story: Story):
    story.submit("ann", 6.0, {"l1": "yes"}, head_version=3)
    story.final = replace(story.final, head_version=3, rounds={1: 2, 2: 4, 3: 3})
    assert story.found() == REGRESSED


def test_a_promised_head_may_lack_a_label_that_became_an_abstention(story: Story):
    story.submit("bob", 6.0, {"l3": None}, head_version=3)
    story.store("c", "bob", None)
    story.final = replace(story.final, head_version=3, rounds={1: 2, 2: 4, 3: 3})
    assert story.found() == set()


def test_an_older_head_than_waited_for_is_found(story: Story):
    story.query("ann", 4.5, [], head_version=2, min_head_version=3)
    assert story.found() == REGRESSED


def test_a_promised_head_said_never_to_come_is_found(story: Story):
    story.add(
        "predict",
        "ann",
        4.5,
        4.6,
        {"min_head_version": 2},
        outcome=Outcome.REFUSED,
        reason="HEAD_VERSION_UNKNOWN",
    )
    assert story.found() == REGRESSED


def test_a_head_that_vanished_is_found(story: Story):
    request = {"min_head_version": 0}
    story.add(
        "predict", "ann", 4.5, 4.6, request, outcome=Outcome.REFUSED, reason="HEAD_NOT_TRAINED"
    )
    assert story.found() == REGRESSED


def test_a_head_not_yet_seen_may_not_be_there(story: Story):
    request = {"min_head_version": 0}
    story.add(
        "predict", "ann", 0.9, 1.1, request, outcome=Outcome.REFUSED, reason="HEAD_NOT_TRAINED"
    )
    assert story.found() == set()


def test_a_round_trained_anew_with_other_labels_is_found(story: Story):
    story.final = replace(story.final, rounds={1: 3, 2: 4})
    assert story.found() == REGRESSED


def test_a_missing_round_is_found(story: Story):
    story.operations = [each for each in story.operations if each.call != "list_rounds"]
    story.final = replace(story.final, rounds={2: 4})
    assert story.found() == REGRESSED


def test_a_pick_that_comes_out_otherwise_is_found(story: Story):
    story.final = replace(story.final, differing_picks=["7-0: pick 1 is a in the log, b"])
    assert story.found() == {FindingKind.PICKS_DIFFER}
