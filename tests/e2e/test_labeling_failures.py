"""`aloe label` when clips, tasks and answers are lost: told in a line, and nothing else lost."""

import io
import os
import re
import signal
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from tests.e2e.conftest import CommandLine
from tests.e2e.pipes import Script, asked, counts, exported, label

from aloe.cli.terminal_oracle import TerminalSession
from aloe.client import ConnectOptions, KnownLabel, LearnerClient, Unavailable
from aloe.local import LocalStack


def test_a_lost_clip_is_told_and_the_session_goes_on(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    def give_all_to_bob() -> None:
        clips = [clip.clip_id for clip in learner.list_clips("tones")]
        learner.import_labels(task, [KnownLabel(clip_id, "o") for clip_id in clips[:11]])

    done, outcome = label(aloe, task, Script("a\n" * 6, {0: give_all_to_bob}), "--batch", 6)
    assert done.returncode == 0
    assert outcome["lost_count"] >= 5
    assert outcome["label_count"] + outcome["lost_count"] == 6
    told = re.findall(r"too late for tone..: it went to another oracle or is labeled", done.stderr)
    assert len(told) == outcome["lost_count"]
    labels = [row["label"] for row in exported(aloe, task)]
    assert labels.count("a") == outcome["label_count"]


def test_clips_in_hand_are_held_for_longer_before_they_are_asked(
    aloe: CommandLine, learner: LearnerClient, tones: str
):
    task = aloe.new_task(tones, "slowly", "--lease", 1)
    held: list[int] = []

    def wait_until_leases_have_run_out() -> None:
        deadline = time.monotonic() + 10
        while counts(aloe, task)["leased"]:
            assert time.monotonic() < deadline

    def look() -> None:
        held.append(counts(aloe, task)["leased"])

    lines = Script("a\ne\n", {0: wait_until_leases_have_run_out, 1: look})
    _, outcome = label(aloe, task, lines, "--batch", 2)
    assert held == [1]
    assert (outcome["label_count"], outcome["lost_count"]) == (2, 0)


def test_clips_in_hand_that_others_took_are_told_before_they_are_asked(
    aloe: CommandLine, learner: LearnerClient, tones: str
):
    task = aloe.new_task(tones, "too_slowly", "--lease", 0.3)

    def take_all() -> None:
        deadline = time.monotonic() + 10
        minute, taken = timedelta(minutes=1), 0
        while taken < 12:
            taken += len(learner.query(task, "bob", lease_duration=minute).leases)
            assert time.monotonic() < deadline

    lines = Script("a\ne\n", {0: take_all})
    done, outcome = label(aloe, task, lines, "--batch", 2)
    [first] = {*asked(done)} - {*re.findall("(tone..) is not asked", done.stderr)}
    assert f"too late for {first}" in done.stderr
    assert "is not asked: it went to another oracle" in done.stderr
    assert (outcome["lost_count"], outcome["pool_state"]) == (1, "all_leased")


def test_leases_of_a_query_that_was_interrupted_are_given_back(
    stack: LocalStack, aloe: CommandLine, task: str, monkeypatch
):
    class Impatient(LearnerClient):
        """Somebody presses Ctrl-C when a first query is on its way back."""

        asked = False

        def query(self, *arguments: Any, **options: Any) -> Any:
            found = super().query(*arguments, **options)
            if not self.asked:
                self.asked = True
                assert found.leases
                raise KeyboardInterrupt
            return found

    monkeypatch.setattr("sys.stdin", io.StringIO())
    with Impatient(stack.learner_address, ConnectOptions()) as learner:
        outcome = TerminalSession(learner, task, "ann", batch=4, play=False).run()
    assert outcome.failure is None
    assert counts(aloe, task)["leased"] == 0


def test_nothing_is_said_of_clips_in_hand_where_none_was_given(
    stack: LocalStack, task: str, monkeypatch
):
    class Away(LearnerClient):
        """One whose store is away from the first query on."""

        def query(self, *_: Any, **__: Any) -> Any:
            raise Unavailable("the store is away", code="UNAVAILABLE")

    monkeypatch.setattr("sys.stdin", io.StringIO())
    with Away(stack.learner_address, ConnectOptions()) as learner:
        outcome = TerminalSession(learner, task, "ann", batch=4, play=False).run()
    assert outcome.failure == "the store is away"


@pytest.mark.slow
def test_a_learner_that_answers_again_within_a_minute_ends_no_session(
    stack: LocalStack, aloe: CommandLine, task: str
):
    pid = stack.pids["the learner"]
    assert pid is not None

    def stop_for_a_while() -> None:
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(8, os.kill, (pid, signal.SIGCONT)).start()

    done, outcome = label(aloe, task, Script("a\ne\ni\n", {1: stop_for_a_while}))
    assert done.returncode == 0
    assert (outcome["label_count"], outcome["failure"]) == (3, None)


def test_a_task_that_is_deleted_ends_the_session_and_what_was_answered_is_counted(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    lines = Script("a\ne\ni\n", {1: lambda: learner.delete_task(task)})
    done, outcome = label(aloe, task, lines)
    assert done.returncode == 1
    assert outcome["label_count"] == 1
    assert outcome["failure"] == f"there is no tasks/{task}"
    assert "was not acknowledged and may not be stored: e" in done.stderr
    assert done.stderr.count(f"aloe: there is no task {task}") == 1
    assert "Traceback" not in done.stderr


def test_a_task_made_anew_is_not_labeled_by_the_keys_of_the_old_one(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    def make_anew() -> None:
        learner.delete_task(task)
        learner.create_task(task, "tones", ["e", "a"])

    done, outcome = label(aloe, task, Script("a\na\n", {0: make_anew}), "--batch", 1)
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
    assert "nothing more to ask: the label budget is spent" in done.stderr


def test_labels_enough_are_told_once(aloe: CommandLine, tones: str):
    task = aloe.new_task(tones, "enough", "--stop", "label_count:2")
    label(aloe, task, "a\ne\ni\n", "--batch", 1)
    aloe.json("query", task, "--min-head", 1)
    done, outcome = label(aloe, task, "a\ne\ni\n", "--batch", 1)
    assert done.returncode == 0
    assert done.stderr.count("labels are enough (stop: ") == 1
    assert outcome["label_count"] == 3
