"""What is told of a Redis that is not what it was when it was seen last."""

from typing import Any

import pytest

from aloe.redis.lineage import Lineage, what_happened

BEFORE: dict[str, Any] = {"run_id": "r1", "master_replid": "h1", "master_repl_offset": 1_000}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "it goes on": ({"master_repl_offset": 2_000}, ""),
    "it stands still": ({}, ""),
    "it went back": ({"master_repl_offset": 400}, "Redis went back: 600 bytes"),
    "it was started again with its data": ({"run_id": "r2"}, "was started again"),
    "a replica that had all took over": (
        {
            "run_id": "r2",
            "master_replid": "h2",
            "master_replid2": "h1",
            "second_repl_offset": 1_001,
        },
        "it had all changes",
    ),
    "a replica that was behind took over": (
        {"run_id": "r2", "master_replid": "h2", "master_replid2": "h1", "second_repl_offset": 901},
        "had not all changes: 100 bytes",
    ),
    "another stands in its place": ({"run_id": "r2", "master_replid": "h2"}, "another one stands"),
    "it became a replica of another and is one no more": (
        {"master_replid": "h2", "master_repl_offset": 5_000},
        "took on other data",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_happened_is_told_from_two_looks(case):
    changes, words = CASES[case]
    before, now = Lineage.of(BEFORE), Lineage.of(BEFORE | changes)
    assert before is not None
    assert now is not None
    turn = what_happened(before, now, keeps_all=False)
    assert words in (turn.text if turn else "")
    assert bool(words) == bool(turn)


@pytest.mark.parametrize("case", CASES)
def test_a_loss_says_where_it_is_written_what_to_do_and_nothing_else_is_one(case):
    changes, _ = CASES[case]
    before, now = Lineage.of(BEFORE), Lineage.of(BEFORE | changes)
    assert before is not None
    assert now is not None
    turn = what_happened(before, now, keeps_all=True)
    harmless = {"it was started again with its data", "a replica that had all took over"}
    # Where each change is on disk before it is acknowledged, a new process alone costs nothing.
    harmless |= {"it goes on", "it stands still", "another stands in its place"}
    is_loss = turn is not None and turn.is_loss
    assert is_loss == (case not in harmless)
    assert is_loss == (turn is not None and '"When it goes back"' in turn.text)


def test_a_plain_restart_is_told_as_what_it_is():
    before, now = Lineage.of(BEFORE), Lineage.of(BEFORE | {"run_id": "r2"})
    assert before is not None
    assert now is not None
    turn = what_happened(before, now, keeps_all=True)
    assert turn is not None
    assert "with appendfsync always nothing acknowledged is lost" in turn.text


def test_a_server_that_does_not_tell_has_no_lineage():
    assert Lineage.of({}) is None
