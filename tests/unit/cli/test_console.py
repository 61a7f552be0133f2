"""What scripts read: every value as JSON has it."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from aloe.cli.console import accepted_text, counted, in_words, json_line, print_table, tell
from aloe.client import ClipChange, ClipState, LabelCountRule, PoolState


def test_values_are_written_in_the_words_of_the_command_line():
    change = ClipChange("a", ClipState.ABSTAINED, None, "lease", float("nan"))
    value = {
        "change": change,
        "state": PoolState.ALL_LEASED,
        "rule": LabelCountRule(5),
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "duration": timedelta(minutes=1),
        "count": np.int64(3),
    }
    assert json.loads(json_line(value)) == {
        "change": {
            "clip_id": "a",
            "state": "abstained",
            "label": None,
            "lease_id": "lease",
            "score": None,
            "clip_number": 0,
            "is_audit": False,
            "reason": None,
        },
        "state": "all_leased",
        "rule": {"rule": "label_count", "label_count": 5},
        "time": "2026-01-02T00:00:00+00:00",
        "duration": 60.0,
        "count": 3,
    }


@pytest.mark.parametrize("name", [":dog:", "[b]cat[/b]", "[/]", r"a\[b]"])
def test_names_are_shown_as_they_stand(capsys, name):
    tell(name)
    print_table(["class"], [[name]])
    written = capsys.readouterr()
    assert name in written.err
    assert name in written.out


@pytest.mark.parametrize(
    ("count", "expected_error", "told"),
    [
        (0, None, "none of the files is sure enough to accept: more labels make heads surer"),
        (1_200, 0.0182, "1,200 files are accepted; 1.8% of these may be wrong"),
    ],
)
def test_what_is_accepted_is_told(count: int, expected_error: float | None, told: str):
    assert accepted_text(count, "files", expected_error) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("header.windows.hop: 0 s; give more", "--hop: 0 s; give more"),
        (
            "max_expected_error: it goes with one, and tasks/a is",
            "--max-error: it goes with one, and task a is",
        ),
        ("rename.name: 'zzz' is no class", "'zzz' is no class"),
        ("bad; task.classes: 1 given; hop: 0 s", "bad; --classes: 1 given; --hop: 0 s"),
        ("there is no pools/a.b/clips/c~1-2", "there is no clip c~1-2 of pool a.b"),
        ("file:///tasks/a and /data/pools/b", "file:///tasks/a and /data/pools/b"),
        ("dogs: cats", "dogs: cats"),
    ],
)
def test_what_services_say_is_told_in_the_words_of_the_command_line(said: str, told: str):
    assert in_words(said) == told


def test_one_is_one_and_states_are_words(capsys):
    assert [counted(count, "window") for count in (0, 1, 1_200)] == [
        "0 windows",
        "1 window",
        "1,200 windows",
    ]
    print_table(["state"], [[PoolState.ALL_LEASED]])
    assert "others hold the clips that are left" in capsys.readouterr().out
