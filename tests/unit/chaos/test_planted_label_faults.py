from dataclasses import replace

from tests.chaos.findings import FindingKind
from tests.chaos.history import RETRACTED, Outcome
from tests.unit.chaos.histories import Story


def test_a_clean_history_has_no_findings(story: Story):
    assert story.found() == set()


def test_a_lost_label_is_found(story: Story):
    story.lose("a")
    assert story.found() == {FindingKind.ACKNOWLEDGED_LOST}


def test_a_lost_abstention_is_found(story: Story):
    story.lose("b")
    assert story.found() == {FindingKind.ACKNOWLEDGED_LOST}


def test_a_label_turned_into_another_is_found_twice_over(story: Story):
    story.store("a", "ann", "no")
    assert story.found() == {FindingKind.ACKNOWLEDGED_LOST, FindingKind.LABELS_UNEXPLAINED}


def test_a_label_credited_to_another_oracle_is_lost(story: Story):
    story.store("a", "bob", "yes")
    assert FindingKind.ACKNOWLEDGED_LOST in story.found()


def test_a_lost_correction_is_found(story: Story):
    story.submit("ann", 3.0, {"l1": "no"})
    assert story.found() == {FindingKind.ACKNOWLEDGED_LOST}


def test_a_stored_correction_is_right(story: Story):
    story.submit("ann", 3.0, {"l1": "no"})
    story.store("a", "ann", "no")
    assert story.found() == set()


def test_a_correction_of_unknown_outcome_may_be_stored_or_not(story: Story):
    story.submit("ann", 3.0, {"l1": "no"}, outcome=Outcome.UNKNOWN)
    assert story.found() == set()
    story.store("a", "ann", "no")
    assert story.found() == set()


def test_a_late_effect_of_an_unacknowledged_answer_is_no_loss(story: Story):
    story.submit("ann", 1.5, {"l1": "no"}, outcome=Outcome.UNKNOWN)
    story.store("a", "ann", "no")
    assert story.found() == set()


def test_a_replayed_answer_does_not_undo_a_correction(story: Story):
    story.submit("ann", 3.0, {"l1": "no"}, head_version=2)
    story.submit("ann", 3.5, {"l1": "yes", "l2": None}, head_version=2, request_id="submit ann 2.0")
    assert story.found() == {FindingKind.ACKNOWLEDGED_LOST}
    story.store("a", "ann", "no")
    assert story.found() == set()


def test_a_retracted_answer_may_be_gone_and_the_clip_another_s(story: Story):
    story.submit("ann", 3.0, {"l1": RETRACTED})
    story.lose("a")
    assert story.found() == set()
    story.query("bob", 12.0, [("l5", "a", 22.0)], head_version=2)
    story.submit("bob", 13.0, {"l5": "no"})
    story.store("a", "bob", "no")
    assert story.found() == set()


def test_an_answer_given_anew_after_a_retraction_is_not_lost(story: Story):
    story.submit("ann", 3.0, {"l1": RETRACTED})
    story.submit("ann", 3.5, {"l1": "no"})
    assert FindingKind.ACKNOWLEDGED_LOST in story.found()
    story.store("a", "ann", "no")
    assert story.found() == set()


def test_a_double_label_is_found(story: Story):
    story.query("bob", 12.0, [("l5", "a", 22.0)], head_version=2)
    story.submit("bob", 13.0, {"l5": "yes"})
    assert FindingKind.DOUBLE_LABELS in story.found()


def test_a_label_that_nobody_gave_is_found(story: Story):
    story.store("d", "bob", "yes")
    assert story.found() == {FindingKind.LABELS_UNEXPLAINED}


def test_a_seed_label_that_changed_is_found(story: Story):
    story.store("s", "", "maybe")
    assert story.found() == {FindingKind.LABELS_UNEXPLAINED}


def test_counters_that_differ_from_the_export_are_found(story: Story):
    story.final = replace(story.final, abstained_count=2)
    assert story.found() == {FindingKind.COUNTS_WRONG}


def test_an_overspent_budget_is_found_in_the_end(story: Story):
    story.operations[0] = replace(story.operations[0], request={"label_budget": 1})
    story.operations = [each for each in story.operations if each.call != "get_task"]
    assert story.found() == {FindingKind.BUDGET_OVERSPENT}


def test_a_budget_overspent_before_it_was_raised_is_found(story: Story):
    story.operations[0] = replace(story.operations[0], request={"label_budget": 1})
    story.add("update_task", "ann", 6.0, 6.1, {"label_budget": 9}, result={"head_version": 2})
    assert story.found() == {FindingKind.BUDGET_OVERSPENT}


def test_a_budget_raised_in_time_is_kept(story: Story):
    story.operations[0] = replace(story.operations[0], request={"label_budget": 1})
    story.add("update_task", "ann", 1.5, 9.0, {"label_budget": 9}, outcome=Outcome.UNKNOWN)
    assert story.found() == set()
