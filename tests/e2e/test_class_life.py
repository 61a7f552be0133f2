"""Classes change while a task is labeled and its learner is killed; and by the command line."""

import io
import os
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.e2e.conftest import CommandLine
from tests.rpc.stacks import running_stack

from aloe.cli.head_card import labels_of_head
from aloe.client import (
    AddClass,
    Answer,
    ClassChange,
    KnownLabel,
    LearnerClient,
    LogisticRecipe,
    MergeClass,
    NewClip,
    RetireClass,
    Split,
    connect,
)
from aloe.local import LocalStack, StackOptions

POOL, TASK, ALWAYS = "sounds", "calls", "always"
CLIP_COUNT, DIM, BATCH_SIZE, ROUND_COUNT = 300, 12, 10, 20
BEGIN, END = ("cat", "dog", "fox", "other"), ("cat", "dog", "owl")
COUNTS_AS = {"cat": "cat", "dog": "dog", "fox": "dog", "owl": "owl"}
"""Of a label, in the end; the class "other" is retired."""
CHANGES: dict[int, ClassChange] = {
    50: AddClass("owl", "hoots", "o"),
    100: MergeClass("fox", "dog"),
    150: RetireClass("other"),
}
KILLS = (80, 100, 170)
"""Labels after which the learner dies; once just behind a change."""
PATIENCE = timedelta(minutes=1)


def kill_learner(stack: LocalStack) -> None:
    pid = stack.pids["the learner"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def label_of(row: int, classes: tuple[str, ...]) -> str:
    """What is answered of a clip: its sound, as far as it can be told at the time."""
    sound = ("cat", "dog", "fox", "owl", "other")[row % 5]
    if sound == "fox" and "fox" not in classes:
        return "dog"
    return sound if sound in classes else ""


def make_embeddings() -> np.ndarray:
    generator = np.random.default_rng(21)
    centres = 2 * np.eye(5, DIM)
    rows = np.arange(CLIP_COUNT) % 5
    return (centres[rows] + generator.normal(size=(CLIP_COUNT, DIM))).astype(np.float32)


def label_all(client: LearnerClient, stack: LocalStack) -> int:
    """Label round by round; return the version of the last head."""
    count = version = 0
    for _ in range(ROUND_COUNT):
        leases = client.query(
            TASK, "ann", max_clip_count=BATCH_SIZE, min_head_version=version, timeout=PATIENCE
        ).leases
        classes = client.get_task(TASK, timeout=PATIENCE).classes
        answers = [
            Answer(each.lease_id, label_of(int(each.clip_id[1:]), classes) or None)
            for each in leases
        ]
        submitted = client.submit_labels(TASK, "ann", answers, timeout=PATIENCE)
        version = submitted.head_version or version
        count += len(answers)
        change = CHANGES.get(count)
        if change is not None:
            outcome = client.change_classes(TASK, change, timeout=PATIENCE)
            version = outcome.head_version or version
        if count in KILLS:
            kill_learner(stack)
    return version


@pytest.mark.slow
def test_classes_change_in_mid_task_and_heads_are_as_if_trained_on_the_final_labels():
    with (
        running_stack(StackOptions(encoder=None)) as stack,
        connect(stack.learner_address) as client,
    ):
        client.create_pool(POOL, encoder_fingerprint="f", embedding_dim=DIM)
        clips = [NewClip(f"c{row}", embedding=each) for row, each in enumerate(make_embeddings())]
        client.import_clips(POOL, clips)
        # It begins at zero, whatever the head's version is.
        client.create_task(TASK, POOL, BEGIN, head_recipe=LogisticRecipe())
        version = label_all(client, stack)
        client.query(TASK, "ann", min_head_version=version, timeout=PATIENCE)
        *_, replay = client.replay_task(TASK, timeout=PATIENCE)
        assert replay.differences == ()
        assert (replay.unknown_count, replay.unknown_text) == (0, "")
        assert replay.head_count >= version
        assert replay.pick_count > BATCH_SIZE * ROUND_COUNT
        labels = list(client.export_labels(TASK))
        assert len(labels) == BATCH_SIZE * ROUND_COUNT
        assert {each.label for each in labels if each.is_retired} == {"other"}
        assert {each.given_label for each in labels} >= {"fox"}
        # The same labels, given anew to a task that has the final classes.
        final = [
            KnownLabel(each.clip_id, each.label, Split.TRAIN)
            for each in labels
            if each.label is not None and not each.is_retired
        ]
        assert all(each.label in COUNTS_AS.values() for each in final)
        client.create_task(ALWAYS, POOL, END, head_recipe=LogisticRecipe())
        again = client.import_labels(ALWAYS, final).head_version or 0
        client.query(ALWAYS, "bob", min_head_version=again, timeout=PATIENCE)
        head, wanted = client.export_head(TASK, version), client.export_head(ALWAYS, again)
        assert head.classes == wanted.classes == END
        assert head.map_name == wanted.map_name
        assert head.label_count == wanted.label_count == len(final)
        classes = [each.name for each in client.get_task(TASK).class_details]
        learned = labels_of_head(client.list_events(TASK), version, classes)
        assert learned is not None
        assert Counter(name for name, _ in learned) == Counter(each.label for each in final)
        assert head.weights.tobytes() == wanted.weights.tobytes()
        assert head.biases.tobytes() == wanted.biases.tobytes()


@pytest.fixture
def task(learner: LearnerClient) -> str:
    """A task of three classes with a label of each, on a pool of its own."""
    pool_id = task_id = f"life-{os.urandom(4).hex()}"
    learner.create_pool(pool_id, encoder_fingerprint="f", embedding_dim=DIM)
    clips = [NewClip(f"c{row}", embedding=each) for row, each in enumerate(make_embeddings()[:9])]
    learner.import_clips(pool_id, clips)
    learner.create_task(task_id, pool_id, ("cat", "dog", "fox"))
    labels = [KnownLabel(f"c{row}", name) for row, name in enumerate(("cat", "dog", "fox"))]
    learner.import_labels(task_id, labels)
    return task_id


def test_the_command_line_changes_classes_and_tells_them(aloe: CommandLine, task: str):
    done = aloe.run("class", "add", task, "owl", "--description", "hoots", "--hotkey", "o")
    assert done.returncode == 0
    assert f"the classes of {task} are cat, dog, fox, owl" in done.stderr
    assert "head 2 will have them" in done.stderr
    aloe.output("class", "rename", task, "cat", "kitten")
    aloe.output("class", "merge", task, "fox", "dog")
    outcome = aloe.json("class", "retire", task, "kitten")
    assert outcome["task"]["classes"] == ["dog", "owl"]
    told = {each["name"]: each for each in aloe.json("class", "list", task)}
    assert {name: each["state"] for name, each in told.items()} == {
        "kitten": "retired",
        "dog": "active",
        "fox": "merged",
        "owl": "active",
    }
    assert (told["owl"]["hotkey"], told["fox"]["merged_into"]) == ("o", "dog")
    table = aloe.output("class", "list", task)
    assert "merged into dog" in table
    assert "hoots" in table
    rows = aloe.output("export", task).splitlines()
    assert rows[0].endswith("is_audit,given_label,is_retired")
    assert sorted(row.split(",")[1] for row in rows[1:]) == ["dog", "dog", "kitten"]
    aloe.output("class", "restore", task, "kitten")
    aloe.output("class", "describe", task, "dog", "--description", "barks", "--hotkey", "b")
    wrong = aloe.run("class", "merge", task, "dog", "dog")
    assert wrong.returncode == 1
    assert "cannot be merged into itself" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert aloe.run("class", "describe", task, "dog").returncode == 2


def test_a_person_answers_by_hotkeys_and_sees_what_classes_are(aloe: CommandLine, task: str):
    aloe.output("class", "describe", task, "dog", "--description", "barks", "--hotkey", "b")
    done = aloe.run("label", task, "--no-play", stdin="b\nfox\n.\n")
    assert done.returncode == 0, done.stderr
    assert "b dog: barks" in done.stderr
    labels = aloe.output("export", task)
    assert labels.count(",dog,") == labels.count(",fox,") == 2


class Typing(io.StringIO):
    """Lines of a person, before one of which somebody changes the classes."""

    def __init__(self, learner: LearnerClient, task_id: str, lines: list[str]) -> None:
        super().__init__()
        self.learner, self.task_id, self.lines = learner, task_id, lines

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        if len(self.lines) == 3:
            self.learner.change_classes(self.task_id, RetireClass("fox"))
        return self.lines.pop(0) + "\n" if self.lines else ""


def test_a_class_that_is_retired_while_a_person_answers_is_told_and_its_clip_asked_again(
    aloe: CommandLine, learner: LearnerClient, task: str
):
    typed = Typing(learner, task, ["fox", "fox", "dog", "."])
    done = aloe.run("label", task, "--no-play", stdin=typed)
    assert done.returncode == 0, done.stderr
    assert "is asked again: answers[0].label: 'fox' is a retired class" in done.stderr
    assert "the classes were changed" in done.stderr
    answered = [each for each in learner.export_labels(task) if each.oracle_id == "ann"]
    assert sorted(str(each.label) for each in answered) == ["dog", "fox"]


def test_a_backup_has_what_became_of_classes(
    aloe: CommandLine, learner: LearnerClient, task: str, tmp_path: Path
):
    for change in (
        AddClass("owl", "hoots", "o"),
        AddClass("elk"),
        MergeClass("elk", "fox"),
        MergeClass("fox", "dog"),
        RetireClass("cat"),
    ):
        learner.change_classes(task, change)
    file = tmp_path / "pool.aloe"
    aloe.output("pool", "dump", task, file)
    restored = f"{task}-again"
    for _ in range(2):  # A restore can be run again.
        aloe.output("pool", "restore", file, "--pool", restored)
    before, after = learner.get_task(task), learner.get_task(f"{restored}-{task}")
    assert after.classes == before.classes == ("dog", "owl")
    for old, new in zip(before.class_details, after.class_details, strict=True):
        assert (new.name, new.state, new.merged_into) == (old.name, old.state, old.merged_into)
        assert (new.description, new.hotkey) == (old.description, old.hotkey)
    both = [
        [(each.clip_id, each.label, each.given_label, each.is_retired) for each in labels]
        for labels in map(learner.export_labels, (before.task_id, after.task_id))
    ]
    assert both[0] == both[1]
    assert ("c0", "cat", None, True) in both[0]
    assert ("c2", "dog", "fox", False) in both[0]
