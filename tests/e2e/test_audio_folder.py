"""Labels and their sounds as a folder that the library `datasets` loads as "audiofolder"."""

import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from aloe.client import Attributes, KnownLabel, LearnerClient, NewClip, RetireClass, Split

from .conftest import CommandLine

CLASSES = ("low", "high", "noise")
IDS = ("a", "a.wav", "b", "c.flac", "d", "e", "f", "g")


def sound(number: int, kind: str) -> bytes:
    file = io.BytesIO()
    samples = np.sin(np.arange(8_000) * (0.05 + 0.02 * number)).astype(np.float32)
    soundfile.write(file, 0.5 * samples, 8_000, format=kind)
    return file.getvalue()


@pytest.fixture
def task(learner: LearnerClient) -> str:
    """A task on clips with sounds but for one; train, validation and test labels."""
    pool_id = task_id = f"folder-{os.urandom(4).hex()}"
    pool = learner.create_pool(pool_id, keep_audio=True)
    known: Attributes = {"site": "north", "made": datetime(2026, 5, 4, tzinfo=UTC), "snr": 3.0}
    clips = [
        NewClip(
            name,
            audio=sound(number, "FLAC" if name.endswith("flac") else "WAV"),
            attributes=known if number % 2 else {},
        )
        for number, name in enumerate(IDS[:-1])
    ]
    clips.append(NewClip("g", embedding=np.ones(pool.embedding_dim, np.float32)))
    assert not learner.import_clips(pool_id, clips).failures
    learner.create_task(task_id, pool_id, CLASSES)
    labels = [
        KnownLabel("a", "low", oracle_id="ann"),
        KnownLabel("a.wav", "high"),
        KnownLabel("b", "noise"),
        KnownLabel("c.flac", "high", Split.VALIDATION),
        KnownLabel("d", "low", Split.TEST),
        KnownLabel("e", None),
    ]
    learner.import_labels(task_id, labels)
    learner.change_classes(task_id, RetireClass("noise"))
    return task_id


def rows_of(folder: Path, split: str) -> list[dict[str, Any]]:
    lines = (folder / split / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_each_split_has_its_sounds_and_what_is_known_of_them(
    aloe: CommandLine, task: str, tmp_path: Path
):
    folder = tmp_path / "sounds"
    done = aloe.run("export", task, "--what", "audiofolder", "-o", folder)
    assert done.returncode == 0, done.stderr
    assert "4 labels with their sounds" in done.stderr
    assert "left out: 1 abstention" in done.stderr
    assert "left out: 1 label of retired classes" in done.stderr
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        "test/d.wav",
        "test/metadata.jsonl",
        "train/_a.wav",
        "train/a.wav",
        "train/metadata.jsonl",
        "validation/c.flac",
        "validation/metadata.jsonl",
    ]
    train = {each["clip_id"]: each for each in rows_of(folder, "train")}
    assert {name: each["label"] for name, each in train.items()} == {"a": "low", "a.wav": "high"}
    assert (train["a"]["oracle_id"], train["a.wav"]["oracle_id"]) == ("ann", "")
    assert json.loads(train["a.wav"]["attributes"])["site"] == "north"
    assert {train[each]["file_name"] for each in train} == {"a.wav", "_a.wav"}
    for number, name in enumerate(("a", "a.wav")):
        path = folder / "train" / train[name]["file_name"]
        assert path.read_bytes() == sound(number, "WAV")
    [held_back] = rows_of(folder, "validation")
    assert (held_back["file_name"], held_back["label"]) == ("c.flac", "high")
    # The library takes columns of one type only, in every split.
    kinds = [
        {name: type(value) for name, value in row.items()}
        for split in ("train", "validation", "test")
        for row in rows_of(folder, split)
    ]
    assert all(each == kinds[0] for each in kinds)
    assert type(None) not in kinds[0].values()


def test_a_clip_without_a_sound_is_told_and_left_out(
    aloe: CommandLine, learner: LearnerClient, task: str, tmp_path: Path
):
    learner.import_labels(task, [KnownLabel("g", "low")])
    folder = tmp_path / "sounds"
    done = aloe.run("export", task, "--what", "audiofolder", "-o", folder, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["count"], told["silent_count"]) == (4, 1)
    assert "g is not there:" in done.stderr
    assert "g" not in {each["clip_id"] for each in rows_of(folder, "train")}


def test_a_filter_takes_some_and_what_cannot_be_written_leaves_nothing(
    aloe: CommandLine, task: str, tmp_path: Path
):
    some = tmp_path / "some"
    done = aloe.run(
        "export", task, "--what", "audiofolder", "-o", some, "--filter", 'split = "test"'
    )
    assert done.returncode == 0, done.stderr
    assert [each.name for each in some.iterdir()] == ["test"]
    for arguments, said in (
        (("-o", some), "is there and not empty"),
        (("-o", tmp_path / "none", "--filter", 'label = "noise"'), "has no labels to write"),
        ((), "give --output FOLDER"),
        (("-o", tmp_path / "no" / "where"), "is no folder"),
    ):
        done = aloe.run("export", task, "--what", "audiofolder", *arguments)
        assert done.returncode == 1
        assert said in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["some"]
