"""`aloe label` on a pipe: what each line does, against a real learner."""

import re
from collections import Counter
from pathlib import Path

import pytest
from tests.e2e.conftest import CommandLine
from tests.e2e.pipes import asked, counts, exported, label

from aloe.client import LearnerClient

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
    assert done.stderr.count("nothing but skipped clips") == 1


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


def test_each_session_is_an_oracle_of_its_own(
    aloe: CommandLine, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LOGNAME", "zoë smith")
    whole = [label(aloe, task, "a\n", "--oracle", "")[1]["oracle_id"] for _ in range(2)]
    assert len({*whole}) == 2
    assert all(re.fullmatch(r"zo__smith@[\w.-]+:[0-9a-f]{6}", each) for each in whole)
    assert {row["oracle_id"] for row in exported(aloe, task)} == {*whole}
    lease = aloe.json("query", task, "--oracle", "")["leases"][0]["lease_id"]
    aloe.output("submit", task, f"{lease}=a", "--oracle", "")
    person = whole[0].rpartition(":")[0]
    labels = exported(aloe, task)
    assert {row["oracle_id"] for row in labels} == {*whole, person}
    file, other = tmp_path / "labels.csv", aloe.new_task("tones", f"{task}_other")
    aloe.output("export", task, "-o", file)
    aloe.output("task", "import-labels", other, file)
    assert exported(aloe, other) == labels


ODD = ["-", ".", "=", "a=b", "Male speech, man speaking", r"a\b", "@x", "Cat", "cat", "öl", '"q"']


def test_odd_names_are_given_by_key_line_and_part(aloe: CommandLine, tones: str):
    task = "odd"
    given = [option for name in ODD for option in ("--class", name)]
    aloe.output("task", "create", task, "--pool", tones, *given)
    lines = ["/-", "/.", "/=", "a=b", "/speech", r"a\b", "@x", "Cat", "cat", "öl", '"q"']
    _, outcome = label(aloe, task, "\n".join(lines))
    assert sorted(row["label"] for row in exported(aloe, task)) == sorted(ODD)
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
    label(aloe, task, "class 069\n/068\n.\n")
    assert {row["label"] for row in exported(aloe, task)} == {"class 069", "class 068"}


@pytest.mark.parametrize("line", ["HIGH", "?", "/"])
def test_a_line_that_is_no_answer_ends_the_session(aloe: CommandLine, tones: str, line: str):
    task = f"wrong-{ord(line[0])}"
    aloe.output("task", "create", task, "--pool", tones, "--classes", "low,high")
    done = aloe.run("label", task, "--no-play", "--json", stdin=f"low\n{line}\nhigh\n")
    assert done.returncode == 1
    assert f"no such key or class: '{line}'" in done.stderr
    # The answers behind it were meant for later clips.
    assert [row["label"] for row in exported(aloe, task)] == ["low"]


def test_a_filter_that_takes_nothing_is_told_as_such(aloe: CommandLine, task: str):
    nothing = ("--filter", 'state = "labeled"')
    said = aloe.run("label", task, "--no-play", *nothing, stdin="a\n").stderr
    assert "nothing more to ask: none that --filter takes is without an answer" in said
    said = aloe.run("query", task, *nothing).stderr
    assert "no clips: none that --filter takes is without an answer" in said
    refused = aloe.run("label", task, "--no-play", "--context", "-1s", stdin="a\n")
    assert refused.returncode == 2
    assert "'-1s' is less than 0 s" in refused.stderr


def test_classes_that_have_no_label_yet_are_told(aloe: CommandLine, task: str):
    assert "no label yet" not in aloe.output("task", "show", task)
    aloe.run("label", task, "--no-play", stdin="a\ni\n.\n")
    lines = aloe.output("task", "show", task).splitlines()
    told = dict([part.strip() for part in each.split("  ", 1)] for each in lines)
    assert told["no label yet"] == "e, o, u"
    assert told["classes"] == "a 1, e 0, i 1, o 0, u 0"
    assert told["clips"].startswith("2 labeled, ")
    assert told["estimated accuracy"].startswith("none yet: it takes 30 labels")
    assert told["next"].startswith(f"aloe label {task}; 3 classes without a label")
