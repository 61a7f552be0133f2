"""`aloe label` on a pipe: a line for each answer, against a real learner."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.rpc.learner.recordings import encoded, tone

from aloe.client import KnownLabel, LearnerClient, NewClip, connect
from aloe.local import LocalStack

from .conftest import CommandLine, Done

FULL_OUTCOME = {
    "label_count",
    "abstention_count",
    "skip_count",
    "retraction_count",
    "lost_count",
    "oracle_id",
    "pool_state",
    "failure",
}


@pytest.fixture(scope="module")
def learner(stack: LocalStack) -> Iterator[LearnerClient]:
    with connect(stack.learner_address) as client:
        yield client


@pytest.fixture(scope="module")
def tones(learner: LearnerClient) -> str:
    """A pool of twelve tones, whose audio is not kept."""
    learner.create_pool("tones")
    clips = [NewClip(f"tone{n:02d}", encoded(tone(200 + 50 * n))) for n in range(12)]
    assert learner.import_clips("tones", clips).imported_count == 12
    return "tones"


@pytest.fixture
def task(aloe: CommandLine, tones: str, request: pytest.FixtureRequest) -> str:
    name = re.sub(r"\W+", "_", request.node.name)
    return aloe.new_task(tones, name)


def label(
    aloe: CommandLine, task: str, lines: str | io.TextIOBase, *options: object
) -> tuple[Done, Any]:
    done = aloe.run("label", task, "--no-play", "--json", *options, stdin=lines)
    return done, json.loads(done.stdout)


def counts(aloe: CommandLine, task: str) -> dict[str, int]:
    found = aloe.json("task", "show", task)["task"]["clip_counts"]
    return {name: found[name] for name in ("labeled", "abstained", "leased", "unlabeled")}


def exported(aloe: CommandLine, task: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(aloe.output("export", task))))


def asked(done: Done) -> list[str]:
    """The clips that were asked about, in order."""
    return re.findall(r"^tone\d\d", done.stderr, re.MULTILINE)


def test_what_is_taken_back_is_gone_at_the_learner_too(aloe: CommandLine, task: str):
    done, outcome = label(aloe, task, "a\ne\n<\n")
    assert done.returncode == 0
    assert (outcome["label_count"], outcome["retraction_count"]) == (1, 1)
    assert [row["label"] for row in exported(aloe, task)] == ["a"]
    assert counts(aloe, task) == {"labeled": 1, "abstained": 0, "leased": 0, "unlabeled": 11}
    first, second, third, again = asked(done)
    assert again == second
    assert f"taken back: {second}" in done.stderr
    assert third not in (first, second)


def test_what_was_taken_back_can_be_answered_again_and_so_on_to_the_first(
    aloe: CommandLine, task: str
):
    done, outcome = label(aloe, task, "a\n-\n<\n<\n<\ni\no\n")
    first, second, third, *rest = asked(done)
    assert rest == [second, first, first, second, third][: len(rest)]
    assert "nothing to take back" in done.stderr
    assert (outcome["label_count"], outcome["abstention_count"]) == (2, 0)
    assert outcome["retraction_count"] == 2
    assert {row["clip_id"]: row["label"] for row in exported(aloe, task)} == {
        first: "i",
        second: "o",
    }
    replay = aloe.json("task", "replay", task)
    assert replay["differences"] == []


def test_skipping_is_not_being_unable_to_tell(aloe: CommandLine, task: str):
    _, outcome = label(aloe, task, ">\n-\na\n>\n.\n")
    assert {*outcome} == FULL_OUTCOME
    assert (outcome["skip_count"], outcome["abstention_count"], outcome["label_count"]) == (2, 1, 1)
    assert counts(aloe, task) == {"labeled": 1, "abstained": 1, "leased": 0, "unlabeled": 10}
    text = aloe.run("label", task, "--no-play", stdin=">\n-\n.\n").stderr
    assert "0 labeled, 1 cannot tell, 1 skipped, 0 taken back, 0 too late" in text
    assert "- cannot tell  > skip" in text


@pytest.mark.parametrize("batch", [1, 3, 20])
def test_a_skipped_clip_comes_back_when_the_others_are_done(
    aloe: CommandLine, tones: str, batch: int
):
    task = aloe.new_task(tones, f"skipped{batch}")
    done, outcome = label(aloe, task, ">\n>\n" + "a\n" * 10 + "e\nu\n", "--batch", batch)
    order = asked(done)
    assert Counter(order[:12]) == Counter({*order})
    assert {*order[12:]} == {*order[:2]}
    assert (outcome["label_count"], outcome["skip_count"]) == (12, 0)
    assert outcome["pool_state"] == "exhausted"
    assert done.stderr.count("only skipped clips are left") == 1


def test_a_skipped_clip_is_open_to_others_and_a_skip_can_be_undone(aloe: CommandLine, task: str):
    done, outcome = label(aloe, task, ">\n<\na\n>\n.\n", "--batch", 1)
    first, second, again, *_ = asked(done)
    assert again == first
    assert second != first
    assert (outcome["label_count"], outcome["skip_count"], outcome["retraction_count"]) == (1, 1, 0)
    assert [row["clip_id"] for row in exported(aloe, task)] == [first]


def test_a_session_gives_back_its_own_clips_only(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    mine = learner.query(task, "ann", max_clip_count=3).leases
    _, outcome = label(aloe, task, "a\n.\n")
    assert outcome["oracle_id"] == "ann"
    assert counts(aloe, task)["leased"] == 3
    label(aloe, task, "")  # Nothing answered: an empty list of leases would mean all.
    assert counts(aloe, task)["leased"] == 3
    assert learner.release_leases(task, "ann", [lease.lease_id for lease in mine]) == 3


def test_each_session_is_an_oracle_of_its_own(aloe: CommandLine, task: str, monkeypatch):
    monkeypatch.setenv("LOGNAME", "zoë smith")
    whole = [label(aloe, task, "a\n", "--oracle", "")[1]["oracle_id"] for _ in range(2)]
    assert len({*whole}) == 2
    assert all(re.fullmatch(r"zo__smith@[\w.-]+:[0-9a-f]{6}", each) for each in whole)
    assert {row["oracle_id"] for row in exported(aloe, task)} == {*whole}
    lease = aloe.json("query", task, "--oracle", "")["leases"][0]["lease_id"]
    aloe.output("submit", task, f"{lease}=a", "--oracle", "")
    person = whole[0].rpartition(":")[0]
    assert {row["oracle_id"] for row in exported(aloe, task)} == {*whole, person}


ODD = ["-", ".", "=", "a=b", "Male speech, man speaking", r"a\b", "@x", "Cat", "cat", "öl", '"q"']


def test_odd_names_are_given_by_key_line_and_part(aloe: CommandLine, tones: str):
    task = "odd"
    given = [option for name in ODD for option in ("--class", name)]
    aloe.output("task", "create", task, "--pool", tones, *given)
    lines = ["/-", "/.", "/=", "a=b", "/speech", r"a\b", "@x", "Cat", "cat", "ÖL", "öl", '"q"']
    done, outcome = label(aloe, task, "\n".join(lines))
    assert sorted(row["label"] for row in exported(aloe, task)) == sorted(ODD)
    assert "no such key or class: 'ÖL'" in done.stderr
    assert outcome["label_count"] == len(ODD)


def test_odd_names_are_submitted(aloe: CommandLine, tones: str):
    task = "oddly"
    given = [option for name in ODD for option in ("--class", name)]
    aloe.output("task", "create", task, "--pool", tones, *given)
    leases = aloe.json("query", task, "--count", 12)["leases"]
    written = [*('"-"', ".", "=", "a=b", "Male speech, man speaking", r"a\b", "@x", "Cat", "cat")]
    written += ["öl", '"""q"""', "-"]
    answers = [f"{each['lease_id']}={text}" for each, text in zip(leases, written, strict=True)]
    assert aloe.json("submit", task, *answers)["label_count"] == len(ODD)
    assert counts(aloe, task)["abstained"] == 1
    labels = [row["label"] for row in exported(aloe, task) if row["label"]]
    assert sorted(labels) == sorted(ODD)


def test_seventy_classes_can_all_be_given(aloe: CommandLine, tones: str, tmp_path: Path):
    names = [f"class {number:03d}" for number in range(70)]
    file = tmp_path / "classes.txt"
    file.write_text("\n".join(names))
    task = "seventy"
    aloe.output("task", "create", task, "--pool", tones, "--classes-from", file)
    done, _ = label(aloe, task, "class 069\n/068\n/class 06\n.\n")
    assert {row["label"] for row in exported(aloe, task)} == {"class 069", "class 068"}
    assert "no such key or class: '/class 06'" in done.stderr


class Script(io.StringIO):
    """Lines of a pipe; before the first one is read, something happens."""

    def __init__(self, lines: str, first: Callable[[], object]) -> None:
        super().__init__(lines)
        self._first = first

    def readline(self, *_: Any) -> str:  # type: ignore[override]
        if self.tell() == 0:
            self._first()
        return super().readline()


def test_a_lost_clip_is_told_and_the_session_goes_on(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    def give_all_to_bob() -> None:
        clips = [clip.clip_id for clip in learner.list_clips("tones")]
        learner.import_labels(task, [KnownLabel(clip_id, "o") for clip_id in clips[:11]])

    done, outcome = label(aloe, task, Script("a\n" * 6, give_all_to_bob), "--batch", 6)
    assert done.returncode == 0
    assert outcome["lost_count"] >= 5
    assert outcome["label_count"] + outcome["lost_count"] == 6
    told = re.findall(r"too late for tone..: it went to another oracle or is labeled", done.stderr)
    assert len(told) == outcome["lost_count"]
    labels = [row["label"] for row in exported(aloe, task)]
    assert labels.count("a") == outcome["label_count"]


def test_a_task_that_is_deleted_ends_the_session_and_what_was_answered_is_counted(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    class Late(io.StringIO):
        def readline(self, *_: Any) -> str:  # type: ignore[override]
            line = super().readline()
            if line == "e\n":
                learner.delete_task(task)
            return line

    done, outcome = label(aloe, task, Late("a\ne\ni\n"))
    assert done.returncode == 1
    assert outcome["label_count"] == 1
    assert outcome["failure"] == f"there is no tasks/{task}"
    assert "was not acknowledged and may not be stored: e" in done.stderr
    assert done.stderr.count(f"aloe: there is no tasks/{task}") == 1
    assert "Traceback" not in done.stderr


def test_a_task_made_anew_is_not_labeled_by_the_keys_of_the_old_one(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    def make_anew() -> None:
        learner.delete_task(task)
        learner.create_task(task, "tones", ["e", "a"])

    done, outcome = label(aloe, task, Script("a\na\n", make_anew), "--batch", 1)
    assert done.returncode == 1
    assert outcome["label_count"] == 0
    assert outcome["failure"]
    assert counts(aloe, task) == {"labeled": 0, "abstained": 0, "leased": 0, "unlabeled": 12}


def test_a_line_that_is_no_text_ends_the_session_in_one_line(aloe: CommandLine, task: str):
    lines = io.TextIOWrapper(io.BytesIO(b"a\n\xff\xfe\n"), encoding="utf-8")
    done, outcome = label(aloe, task, lines)
    assert done.returncode == 1
    assert "is no UTF-8 text" in outcome["failure"]
    assert counts(aloe, task)["leased"] == 0


def test_the_end_of_the_budget_is_no_failure(aloe: CommandLine, tones: str):
    task = aloe.new_task(tones, "spent", "--budget", 2)
    done = aloe.run("label", task, "--no-play", stdin="a\ne\ni\n")
    assert done.returncode == 0
    assert "2 labeled" in done.stderr
    assert "the task is budget_spent: the label budget is spent" in done.stderr


def test_labels_enough_are_told_once(aloe: CommandLine, tones: str):
    task = aloe.new_task(tones, "enough", "--stop", "label_count:2")
    label(aloe, task, "a\ne\ni\n", "--batch", 1)
    aloe.json("query", task, "--min-head", 1)
    done, outcome = label(aloe, task, "a\ne\ni\n", "--batch", 1)
    assert done.returncode == 0
    assert done.stderr.count("labels are enough (stop: ") == 1
    assert outcome["label_count"] == 3
