"""Kept audio from the command line: imported, dumped, deleted, restored, and heard again."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from aloe.cli.backup import dump
from aloe.client import LearnerClient, connect
from aloe.local import LocalStack

from .conftest import CommandLine


@pytest.fixture
def client(stack: LocalStack) -> Iterator[LearnerClient]:
    with connect(stack.learner_address) as connected:
        yield connected


@pytest.fixture
def files(recordings: Path, tmp_path: Path) -> dict[str, bytes]:
    """Some recordings by clip id, in a folder that a test may change."""
    folder = tmp_path / "card"
    folder.mkdir()
    for path in sorted(recordings.rglob("*.wav"))[:6]:
        shutil.copy(path, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def keeper(aloe: CommandLine, files: dict[str, bytes], tmp_path: Path) -> Iterator[str]:
    """A pool that keeps audio, whose files are gone, and a task with a column's name."""
    aloe.output("import", "keeper", tmp_path / "card", "--keep-audio")
    shutil.rmtree(tmp_path / "card")
    aloe.new_task("keeper", "audio")
    yield "keeper"
    delete(aloe, "keeper")


def delete(aloe: CommandLine, pool: str) -> None:
    """Delete a pool with its tasks."""
    for task in aloe.json("task", "list"):
        if task["pool_id"] == pool:
            aloe.output("task", "delete", task["task_id"], "-y")
    aloe.output("pool", "delete", pool, "-y")


def damage(stack: LocalStack, content: bytes) -> None:
    """Cut off what was kept of a recording."""
    key = hashlib.sha256(b"encoded\0" + content).hexdigest()[:32]
    [kept] = stack.audio_dir.glob(f"*/??/{key}")
    kept.write_bytes(content[:-1])


def forget(stack: LocalStack) -> None:
    """Lose all that is kept."""
    for kept in stack.audio_dir.glob("*/??/*"):
        kept.unlink()


def heard(client: LearnerClient, pool: str) -> dict[str, bytes]:
    return {
        clip.clip_id: client.get_clip_audio(pool, clip.clip_id).content
        for clip in client.list_clips(pool)
    }


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a dump have several parts."""
    monkeypatch.setattr(dump, "_AUDIO_PER_PART", 50_000)


@pytest.mark.usefixtures("many_parts", "keeper")
def test_audio_comes_back_from_a_dump_byte_by_byte(
    aloe: CommandLine,
    client: LearnerClient,
    files: dict[str, bytes],
    tmp_path: Path,
    stack: LocalStack,
):
    lease, other = aloe.json("query", "audio", "--count", 2)["leases"]
    aloe.json("submit", "audio", f"{lease['lease_id']}=a", f"{other['lease_id']}=e")
    labels = aloe.output("export", "audio")
    done = aloe.run("pool", "dump", "keeper", tmp_path / "dump")
    assert "6 clips and 1 task in" in done.stderr
    assert "6 with their audio" in done.stderr
    delete(aloe, "keeper")
    forget(stack)
    restored = aloe.json("pool", "restore", tmp_path / "dump")
    assert (restored["clips_with_audio"], restored["pool"]["keep_audio"]) == (6, True)
    assert heard(client, "keeper") == files
    assert aloe.output("export", "audio") == labels


@pytest.mark.usefixtures("keeper")
def test_a_dump_without_audio_says_so_and_one_with_it_adds_it(
    aloe: CommandLine,
    client: LearnerClient,
    files: dict[str, bytes],
    tmp_path: Path,
    stack: LocalStack,
):
    silent, full = tmp_path / "silent", tmp_path / "full"
    done = aloe.run("pool", "dump", "keeper", silent, "--without-audio")
    assert "its audio left out" in done.stderr
    assert aloe.json("pool", "dump", "keeper", full)["clips_with_audio"] == 6
    delete(aloe, "keeper")
    forget(stack)
    assert "0 with their audio, 6 WITHOUT it" in aloe.run("pool", "restore", silent).stderr
    done = aloe.run("pool", "dump", "keeper", tmp_path / "nothing", "--json")
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["silent_clips"]) == 6
    left_out = aloe.run("pool", "restore", full, "--without-audio")
    assert "its audio left out" in left_out.stderr
    assert aloe.json("pool", "restore", full)["clips_with_audio"] == 6
    assert heard(client, "keeper") == files


def test_recordings_without_their_audio_in_a_dump_are_told_and_heard_where_they_lie(
    aloe: CommandLine, client: LearnerClient, tmp_path: Path, stack: LocalStack
):
    pool, folder = "keeper-of-nights", tmp_path / "nights"
    folder.mkdir()
    for number, name in enumerate(("early", "late")):
        noise = 0.1 * np.random.default_rng(number).standard_normal(4 * 16_000)
        soundfile.write(folder / f"{name}.flac", noise, 16_000)
    soundfile.write(tmp_path / "call.wav", noise[:8_000], 16_000)
    aloe.output("import", pool, folder, "--window", "1s", "--keep-audio")
    aloe.output("import", pool, tmp_path / "call.wav")
    before = heard(client, pool)
    done = aloe.run("pool", "dump", pool, tmp_path / "dump")
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert "9 clips and 0 tasks in" in told
    assert "1 with their audio, 8 windows of recordings" in told
    size = sum(each.stat().st_size for each in folder.iterdir())
    assert f"2 recordings in it without audio, {size / 1e6:,.1f} MB" in told
    assert "2 with the place where they lie" in told
    counted = aloe.run("pool", "dump", pool, tmp_path / "again", "--json").stdout
    assert json.loads(counted)["recording_bytes"] == size
    delete(aloe, pool)
    forget(stack)
    (folder / "late.flac").unlink()
    done = aloe.run("pool", "restore", tmp_path / "dump")
    told = " ".join(done.stderr.split())
    assert "1 with their audio, 8 windows of recordings" in told
    assert "no audio of pools/keeper-of-nights/recordings/late.flac" in told
    assert "1 of 2 recordings cannot be heard, as dumps do not hold their audio" in told
    restored = aloe.json("pool", "restore", tmp_path / "dump")
    assert (restored["windows"], restored["recordings"]) == (8, 2)
    assert [*restored["unheard_recordings"]] == ["late.flac"]
    after = {
        each: client.get_clip_audio(pool, each).content for each in before if "late" not in each
    }
    assert after == {each: before[each] for each in after}
    delete(aloe, pool)


def test_a_dump_names_the_clips_whose_audio_is_damaged(
    aloe: CommandLine, keeper: str, files: dict[str, bytes], tmp_path: Path, stack: LocalStack
):
    clip_id, content = next(iter(files.items()))
    damage(stack, content)
    done = aloe.run("pool", "dump", keeper, tmp_path / "dump")
    assert done.returncode == 1
    assert "5 with their audio, 1 WITHOUT it" in done.stderr
    assert f"clips/{clip_id}" in done.stderr
    assert "is damaged" in done.stderr
    assert pq.read_table(tmp_path / "dump")["audio"].null_count == 1


def test_another_recording_in_a_dump_is_refused(aloe: CommandLine, keeper: str, tmp_path: Path):
    aloe.output("pool", "dump", keeper, tmp_path / "dump")
    table = pq.read_table(tmp_path / "dump")
    mixed = pa.array(table["audio"].to_pylist()[::-1], pa.binary())
    place = table.schema.get_field_index("audio")
    # Of an older version, whose dumps have no seal.
    about = json.loads(table.schema.metadata[b"aloe"]) | {"format": "aloe-pool-3"}
    table = table.replace_schema_metadata({"aloe": json.dumps(about)})
    pq.write_table(table.set_column(place, "audio", mixed), tmp_path / "mixed")
    delete(aloe, keeper)
    done = aloe.run("pool", "restore", tmp_path / "mixed")
    assert done.returncode == 1
    assert "refused: 6 clips" in done.stderr
    assert "did not seal" not in done.stderr  # Told of what was restored alone.
    assert "content_hash" in done.stderr
    assert "--without-audio" in done.stderr
    assert aloe.json("pool", "show", keeper)["clip_count"] == 0


def test_a_dump_of_the_format_before_is_restored_and_its_want_of_audio_told(
    aloe: CommandLine, keeper: str, tmp_path: Path
):
    aloe.output("pool", "dump", keeper, tmp_path / "dump")
    table = pq.read_table(tmp_path / "dump")
    about = json.loads(table.schema.metadata[b"aloe"])
    about["format"] = "aloe-pool-2"
    names = [name.removeprefix("tasks/") for name in table.drop_columns(["audio"]).column_names]
    older = table.drop_columns(["audio"]).rename_columns(names)
    assert names[-1] == "audio"
    older = older.replace_schema_metadata({"aloe": json.dumps(about)})
    pq.write_table(older, tmp_path / "older")
    delete(aloe, keeper)
    done = aloe.run("pool", "restore", tmp_path / "older")
    assert done.returncode == 0
    assert "0 with their audio, 6 WITHOUT it" in done.stderr
    assert aloe.json("task", "show", "audio")["task"]["pool_id"] == keeper


def test_parts_of_a_dump_with_another_choice_of_audio_are_not_mixed_in(
    aloe: CommandLine, keeper: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(dump, "_join", fail)
        assert aloe.run("pool", "dump", keeper, tmp_path / "dump").returncode == 1
    done = aloe.run("pool", "dump", keeper, tmp_path / "dump", "--without-audio")
    assert done.returncode == 1
    assert "another choice of audio" in done.stderr
    assert aloe.json("pool", "dump", keeper, tmp_path / "dump")["clips_with_audio"] == 6


def test_a_pool_that_keeps_no_audio_is_not_imported_into_as_if_it_did(
    aloe: CommandLine, files: dict[str, bytes], tmp_path: Path, client: LearnerClient
):
    aloe.output("import", "unkept", tmp_path / "card")
    assert heard(client, "unkept") == files
    done = aloe.run("import", "unkept", tmp_path / "card", "--keep-audio")
    assert done.returncode == 1
    assert "without --keep-audio" in done.stderr
    dumped = aloe.run("pool", "dump", "unkept", tmp_path / "dump")
    assert dumped.returncode == 0
    assert "no audio: the pool keeps none" in dumped.stderr


def test_how_a_recording_was_read_and_what_was_found_in_it_comes_back(
    aloe: CommandLine, client: LearnerClient, tmp_path: Path
):
    folder, stereo = tmp_path / "stereo", np.zeros((16_000, 2), np.int16)
    folder.mkdir()
    stereo[:, 0] = np.arange(16_000) % 400 * 50
    soundfile.write(folder / "whole.wav", stereo, 16_000)
    whole = (folder / "whole.wav").read_bytes()
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    options = ("--keep-audio", "--channel", "left", "--accept-damaged")
    aloe.output("import", "channels", folder, *options)
    before = list(client.list_clips("channels"))
    assert {clip.decoding.channel for clip in before} == {1}
    assert sorted(len(clip.report.warnings) for clip in before) == [0, 1]
    kept = heard(client, "channels")
    assert kept["whole.wav"] == whole
    aloe.output("pool", "dump", "channels", tmp_path / "dump")
    delete(aloe, "channels")
    aloe.output("pool", "restore", tmp_path / "dump")
    assert list(client.list_clips("channels")) == before
    assert heard(client, "channels") == kept
    delete(aloe, "channels")
