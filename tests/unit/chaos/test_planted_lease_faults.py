from tests.chaos.findings import FindingKind
from tests.chaos.history import Outcome
from tests.unit.chaos.histories import Story


def test_a_double_lease_is_found(story: Story):
    story.query("ann", 4.5, [("l5", "d", 14.5)], head_version=2)
    assert story.found() == {FindingKind.DOUBLE_LEASES}


def test_a_double_lease_of_one_oracle_is_found(story: Story):
    story.query("bob", 4.5, [("l5", "d", 14.5)], head_version=2)
    assert story.found() == {FindingKind.DOUBLE_LEASES}


def test_a_clip_leased_anew_after_expiry_is_right(story: Story):
    story.query("ann", 14.0, [("l5", "d", 24.0)], head_version=2)
    assert story.found() == set()


def test_a_clip_given_away_during_a_renewal_is_found(story: Story):
    story.add("renew_leases", "bob", 9.0, 9.1, {"lease_ids": ["l4"]}, result={"expire_s": 19.0})
    story.query("ann", 15.0, [("l5", "d", 25.0)], head_version=2)
    assert story.found() == {FindingKind.DOUBLE_LEASES}


def test_a_clip_that_was_another_s_before_a_late_renewal_is_right(story: Story):
    story.query("ann", 14.5, [("l5", "d", 24.5)], head_version=2)
    story.add("release_leases", "ann", 15.0, 15.1, {"lease_ids": ["l5"]}, result={})
    story.add("renew_leases", "bob", 16.0, 16.1, {"lease_ids": ["l4"]}, result={"expire_s": 26.0})
    assert story.found() == set()


def test_a_renewal_refused_to_the_holder_is_found(story: Story):
    request = {"lease_ids": ["l4"]}
    story.add(
        "renew_leases", "bob", 5.0, 5.1, request, outcome=Outcome.REFUSED, reason="LEASE_LOST"
    )
    assert story.found() == {FindingKind.REFUSED_WRONGLY}


def test_a_lease_that_may_have_run_out_by_a_clock_set_forward_raises_no_alarm(story: Story):
    story.query("ann", 13.7, [("l5", "d", 24.0)], head_version=2)
    assert story.found() == set()


def test_a_clip_leased_anew_after_a_release_is_right(story: Story):
    story.add(
        "release_leases", "bob", 4.2, 4.3, {"lease_ids": ["l4"]}, result={"released_count": 1}
    )
    story.query("ann", 4.5, [("l5", "d", 14.5)], head_version=2)
    assert story.found() == set()


def test_a_release_of_unknown_outcome_may_have_freed_the_clip(story: Story):
    request = {"lease_ids": ["l4"]}
    story.add("release_leases", "bob", 4.2, 9.0, request, outcome=Outcome.UNKNOWN)
    story.query("ann", 4.5, [("l5", "d", 14.5)], head_version=2)
    assert story.found() == set()


def test_an_answered_clip_that_is_asked_again_is_found(story: Story):
    story.query("bob", 12.0, [("l5", "a", 22.0)], head_version=2)
    assert story.found() == {FindingKind.ASKED_AGAIN}


def test_a_lease_taken_from_its_holder_is_found(story: Story):
    story.submit("bob", 4.5, {"l4": "yes"}, outcome=Outcome.REFUSED, reason="LEASE_LOST")
    assert story.found() == {FindingKind.REFUSED_WRONGLY}


def test_a_lease_unknown_to_the_server_is_found(story: Story):
    story.submit("bob", 4.5, {"l4": "yes"}, outcome=Outcome.REFUSED, reason="INVALID_INPUT")
    assert story.found() == {FindingKind.REFUSED_WRONGLY}


def test_a_repeated_query_with_other_leases_is_found(story: Story):
    story.query("bob", 4.5, [("l5", "e", 14.5)], head_version=2, request_id="query bob 4.0")
    assert story.found() == {FindingKind.REPLAYS_DIFFER}


def test_a_repeated_query_with_the_same_leases_is_right(story: Story):
    story.query("bob", 4.5, [("l4", "d", 14.0)], head_version=2, request_id="query bob 4.0")
    assert story.found() == set()


def test_a_repeated_submission_that_is_refused_is_found(story: Story):
    story.submit(
        "bob",
        4.5,
        {"l3": "no"},
        request_id="submit bob 2.0",
        outcome=Outcome.REFUSED,
        reason="LEASE_LOST",
    )
    assert story.found() == {FindingKind.REPLAYS_DIFFER}
