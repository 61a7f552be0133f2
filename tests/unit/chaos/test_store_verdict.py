"""What the verdict on a store without room lets pass, and how it says what it does not."""

import re
from typing import Any

import pytest
from tests.chaos.store_verdict import broken

GOOD: dict[str, Any] = {
    "acknowledged_labels_lost": 0,
    "half_done_writes": 0,
    "reads_during_fault": 20,
    "reads_failed": 0,
    "last_read_error": "",
    "recovered_by_itself": True,
    "refused_during": {"STORE_FULL": 9},
}


@pytest.mark.parametrize("reason", ["LEASE_LOST", "CLIP_NOT_FOUND", "ALREADY_EXISTS"])
def test_what_other_oracles_cause_breaks_no_promise(reason: str):
    assert broken({**GOOD, "refused_during": {"STORE_FULL": 9, reason: 1}}) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"acknowledged_labels_lost": 1}, "labels were lost"),
        ({"half_done_writes": 1}, "half done"),
        ({"reads_failed": 2, "last_read_error": "UNAVAILABLE"}, "reads failed.*UNAVAILABLE"),
        ({"reads_during_fault": 0}, "nothing was read"),
        ({"recovered_by_itself": False}, "no label was taken"),
        ({"refused_during": {"STORE_FULL": 9, "INTERNAL": 1}}, "other reasons: INTERNAL"),
        ({"refused_during": {"CLIP_NOT_FOUND": 1}}, "there was no fault"),
    ],
)
def test_a_promise_that_is_broken_is_named(change: dict[str, Any], said: str):
    (text,) = broken({**GOOD, **change})
    assert re.search(said, text)
