"""`aloe predict` on files as people have them, and the client's predict on as many."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aloe.client import Audio, InvalidArgument, Predictions, connect, connect_embedding
from aloe.local import LocalStack

from .conftest import CommandLine


@pytest.fixture(scope="module")
def task(aloe: CommandLine, recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A task with a head."""
    aloe.output("import", "predicted", recordings)
    task = aloe.new_task("predicted", "predicted")
    lines = [
        f"{path.parent.name}~{path.name},{path.parent.name}" for path in recordings.rglob("*.wav")
    ]
    known = tmp_path_factory.mktemp("known") / "known.csv"
    known.write_text("clip_id,label\n" + "\n".join(lines) + "\n")
    aloe.output("task", "import-labels", task, known)
    aloe.json("query", task, "--min-head", 1)
    return task


def test_a_file_that_cannot_be_heard_does_not_stop_the_others(
    aloe: CommandLine, task: str, recordings: Path, tmp_path: Path
):
    noise, empty, large, gone, dangling, pipe = (
        tmp_path / f"{name}.wav" for name in ("noise", "empty", "large", "gone", "dangling", "pipe")
    )
    noise.write_bytes(b"no audio at all")
    empty.write_bytes(b"")
    with large.open("wb") as file:
        file.truncate(100 * 1024 * 1024)  # More than a message may hold.
    dangling.symlink_to(gone)
    os.mkfifo(pipe)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    good = sorted((recordings / "a").glob("*.wav"))
    odd.write_bytes(good[0].read_bytes())
    given = [noise, *good, empty, large, gone, dangling, pipe, odd]
    done = aloe.run("predict", task, *given, "--json")
    assert done.returncode == 1
    rows = json.loads(done.stdout)
    assert [each["path"] for each in rows] == list(map(str, given))
    failed = {each["path"]: each["error"] for each in rows if each["error"]}
    bad = [noise, empty, large, gone, dangling, pipe]
    assert list(failed) == [str(each) for each in given if each in bad]
    assert all(each["label"] in "aeiou" for each in rows if not each["error"])
    assert {each["reason"] for each in rows if each["error"]} == {"INVALID_INPUT"}
    told = " ".join(done.stderr.split())
    for path in bad:
        assert f"{path}: {failed[str(path)]}" in told
    assert "takes 104,857,600 bytes, more than the 62,914,560" in failed[str(large)]
    assert "No such file" in failed[str(gone)]
    assert "pipe" in failed[str(pipe)]
    assert f"{len(bad)} of {len(given)} files have no prediction" in told


def test_no_file_that_can_be_heard_is_no_traceback(aloe: CommandLine, task: str, tmp_path: Path):
    done = aloe.run("predict", task, tmp_path / "nowhere.wav")
    assert done.returncode == 1
    assert "nowhere.wav" in " ".join(done.stderr.split())
    assert aloe.run("predict", "no-such-task", tmp_path / "nowhere.wav").returncode == 1


def test_what_is_found_in_a_recording_is_told_with_its_prediction(
    aloe: CommandLine, task: str, recordings: Path, tmp_path: Path
):
    samples, rate = soundfile.read(next(recordings.rglob("*.wav")))
    cut, opposed, good = (tmp_path / f"{name}.wav" for name in ("cut", "opposed", "good"))
    soundfile.write(good, samples, rate)
    cut.write_bytes(good.read_bytes()[: len(samples)])
    soundfile.write(opposed, np.stack([samples, -samples], axis=1), rate)
    refused = aloe.run("predict", task, cut, opposed, good, "--json")
    assert refused.returncode == 1
    errors = [each["error"] for each in json.loads(refused.stdout)]
    # In the words of this command line, not in those of the protocol.
    assert "take it so with --accept-damaged" in errors[0]
    assert "choose one with --channel (left, " in errors[1]
    assert errors[2] is None
    flags = ["--accept-damaged", "--channel", "left"]
    taken = aloe.run("predict", task, cut, opposed, good, "--json", *flags)
    assert taken.returncode == 0
    problems = [[w["problem"] for w in each["warnings"]] for each in json.loads(taken.stdout)]
    assert problems == [["cut_off"], [], []]
    assert f"1 cut off, such as {cut}" in " ".join(taken.stderr.split())


@pytest.fixture(scope="module")
def large_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight recordings of 55 s, 48 kHz, stereo, 24 bit: 127 MB."""
    folder = tmp_path_factory.mktemp("large")
    noise = np.random.default_rng(1).normal(0, 0.1, (55 * 48_000, 2))
    paths = [folder / f"{number}.wav" for number in range(8)]
    for number, path in enumerate(paths):
        soundfile.write(path, np.roll(noise, number), 48_000, subtype="PCM_24")
    return paths


@pytest.mark.slow
def test_files_that_are_more_than_a_message_together_are_divided(
    stack: LocalStack, aloe: CommandLine, task: str, large_files: list[Path]
):
    assert sum(path.stat().st_size for path in large_files) > 64 * 1024 * 1024
    rows = aloe.json("predict", task, *large_files)
    assert all(each["label"] in "aeiou" for each in rows)
    with connect_embedding(stack.embedding_address) as embedding:
        values = embedding.embed(large_files).values
    with connect(stack.learner_address) as learner:
        found = learner.predict(task, embeddings=values)
    np.testing.assert_allclose(
        found.probabilities, [list(each["probabilities"].values()) for each in rows], atol=1e-5
    )


@pytest.mark.slow
def test_any_number_of_recordings_is_predicted_in_order(
    stack: LocalStack, task: str, recordings: Path
):
    good = [path.read_bytes() for path in sorted(recordings.rglob("*.wav"))]
    many = [good[place % len(good)] if place % 97 else b"bad" for place in range(10_000)]
    progress: list[int] = []
    with connect(stack.learner_address) as learner:
        one_by_one = learner.predict(task, audio=good).probabilities
        found = learner.predict(task, audio=many, on_progress=progress.append)
    _check(found, one_by_one)
    assert progress == sorted(progress)
    assert (progress[-1], len(progress) > 100) == (10_000, True)


def _check(found: Predictions, one_by_one: np.ndarray) -> None:
    bad = list(range(0, 10_000, 97))
    assert [each.index for each in found.failures] == bad
    assert np.flatnonzero(np.isnan(found.probabilities).any(axis=1)).tolist() == bad
    places = np.array([place for place in range(10_000) if place % 97])
    np.testing.assert_allclose(
        found.probabilities[places], one_by_one[places % len(one_by_one)], atol=1e-5
    )


def test_embedding_many_is_all_or_none_and_names_the_bad_by_their_places(
    stack: LocalStack, recordings: Path
):
    good = sorted(recordings.rglob("*.wav"))
    many = [good[place % len(good)] for place in range(150)]
    with connect_embedding(stack.embedding_address) as embedding:
        done = embedding.embed(many)
        assert done.values.shape[0] == len(done.durations) == len(done.reports) == 150
        np.testing.assert_allclose(done.values[len(good)], done.values[0], atol=1e-4)
        wrong: list[Audio] = [*many[:130], b"bad", *many[130:]]
        with pytest.raises(InvalidArgument) as caught:
            embedding.embed(wrong)
        assert [each.field for each in caught.value.violations] == ["clips[130].encoded"]
