"""`aloe clip`, and what `aloe import` does with recordings that are there."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aloe.cli.backup.dump import _dump_parts, _take_parts_folder
from aloe.client import connect

from .conftest import CommandLine


@pytest.fixture
def folder(tmp_path: Path, recordings: Path) -> Path:
    """Three recordings."""
    place = tmp_path / "folder"
    place.mkdir()
    for name, path in zip("abc", sorted(recordings.rglob("*.wav")), strict=False):
        shutil.copyfile(path, place / f"{name}.wav")
    return place


@pytest.fixture
def pool(aloe: CommandLine, folder: Path, request: pytest.FixtureRequest) -> str:
    name = f"clips-{abs(hash(request.node.nodeid))}"
    aloe.output("import", name, folder)
    return name


def ids(aloe: CommandLine, pool: str) -> list[list[str]]:
    return [[clip["clip_id"], *clip["other_ids"]] for clip in aloe.json("clip", "list", pool)]


def test_a_copy_is_told_and_becomes_another_name(aloe: CommandLine, pool: str, folder: Path):
    shutil.copyfile(folder / "a.wav", folder / "copy.wav")
    done = aloe.run("import", pool, folder)
    assert done.returncode == 0
    assert "0 imported, 3 were there, 1 became other names, 0 failed" in done.stderr
    assert "copy.wav: the same recording as a.wav" in done.stderr
    assert ids(aloe, pool) == [["a.wav", "copy.wav"], ["b.wav"], ["c.wav"]]
    assert "copy.wav" in aloe.output("clip", "show", pool, "copy.wav")
    assert aloe.json("clip", "show", pool, "copy.wav")["clip_id"] == "a.wav"


@pytest.mark.parametrize("rule", ["keep", "refuse"])
def test_copies_are_kept_or_refused(aloe: CommandLine, pool: str, folder: Path, rule: str):
    shutil.copyfile(folder / "a.wav", folder / "copy.wav")
    done = aloe.run("import", pool, folder, "--duplicates", rule)
    kept = rule == "keep"
    assert done.returncode == (0 if kept else 1)
    assert len(ids(aloe, pool)) == (4 if kept else 3)
    assert ("same content" in done.stderr) is not kept


def test_a_file_that_changed_is_refused_until_it_is_to_replace(
    aloe: CommandLine, pool: str, folder: Path
):
    """As when the first import came while the file was still being copied."""
    before = aloe.json("clip", "show", pool, "b.wav")
    samples = np.random.default_rng(1).normal(scale=0.1, size=16_000)
    soundfile.write(folder / "b.wav", samples, 16_000)
    refused = aloe.run("import", pool, folder)
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    assert aloe.json("clip", "show", pool, "b.wav") == before
    summary = aloe.json("import", pool, folder, "--replace")
    assert (summary["replaced_count"], summary["existing_count"]) == (1, 2)
    after = aloe.json("clip", "show", pool, "b.wav")
    assert (after["content_hash"] != before["content_hash"], after["duration"]) == (True, 1.0)
    assert ids(aloe, pool) == [["a.wav"], ["c.wav"], ["b.wav"]]


def test_clips_are_renamed_and_deleted(aloe: CommandLine, pool: str):
    assert aloe.json("clip", "rename", pool, "a.wav", "first.wav")["clip_id"] == "first.wav"
    asked = aloe.run("clip", "delete", pool, "first.wav", "b.wav", stdin="n\n")
    assert "Delete 2 clips" in asked.stderr
    assert asked.returncode
    assert len(ids(aloe, pool)) == 3
    done = aloe.json("clip", "delete", pool, "first.wav", "b.wav", "--yes")
    assert done == {"clip_count": 2, "name_count": 0, "absent_count": 0}
    again = aloe.run("clip", "delete", pool, "b.wav", "-y")
    assert "gone already: 1" in again.stderr
    assert ids(aloe, pool) == [["c.wav"]]
    unknown = aloe.run("clip", "delete", pool, "c.wav", "typo", "-y")
    assert (unknown.returncode, "'typo'" in unknown.stderr) == (1, True)
    assert "Traceback" not in unknown.stderr
    assert ids(aloe, pool) == [["c.wav"]]


def test_equal_and_nearly_equal_clips_are_listed(aloe: CommandLine, pool: str, folder: Path):
    shutil.copyfile(folder / "a.wav", folder / "copy.wav")
    aloe.output("import", pool, folder)
    shutil.copyfile(folder / "b.wav", folder / "kept.wav")
    samples, rate_hz = soundfile.read(folder / "c.wav")
    soundfile.write(folder / "louder.wav", samples * 1.01, rate_hz)
    aloe.output("import", pool, folder, "--duplicates", "keep")
    found = aloe.json("clip", "duplicates", pool, "--near", "0.999")
    assert found["equal"] == [
        {"clip_ids": ["a.wav", "copy.wav"], "clip_count": 1},
        {"clip_ids": ["b.wav", "kept.wav"], "clip_count": 2},
    ]
    (near,) = [each for each in found["near"] if "louder.wav" in each.values()]
    assert (near["clip_id"], near["other_id"], near["cosine"] > 0.999) == (
        "c.wav",
        "louder.wav",
        True,
    )
    text = aloe.output("clip", "duplicates", pool)
    assert "copy.wav" in text
    assert "louder.wav" not in text


def test_a_dump_takes_the_names_along(aloe: CommandLine, pool: str, folder: Path, tmp_path: Path):
    shutil.copyfile(folder / "a.wav", folder / "copy.wav")
    aloe.output("import", pool, folder)
    shutil.copyfile(folder / "b.wav", folder / "kept.wav")
    aloe.output("import", pool, folder, "--duplicates", "keep")
    aloe.output("clip", "delete", pool, "c.wav", "-y")
    dump = tmp_path / "dump.parquet"
    assert aloe.json("pool", "dump", pool, dump)["clips"] == 3
    before = aloe.json("clip", "list", pool)
    aloe.output("pool", "delete", pool, "-y")
    aloe.json("pool", "restore", dump)
    restored = aloe.json("clip", "list", pool)
    assert [[clip["clip_id"], clip["other_ids"]] for clip in restored] == [
        ["a.wav", ["copy.wav"]],
        ["b.wav", []],
        ["kept.wav", []],
    ]
    assert [clip["content_hash"] for clip in restored] == [clip["content_hash"] for clip in before]
    aloe.json("pool", "restore", dump)
    assert aloe.json("clip", "list", pool) == restored


def test_a_dump_that_broke_off_does_not_go_on_with_clips_that_are_gone(
    aloe: CommandLine, pool: str, tmp_path: Path
):
    dump = tmp_path / "dump.parquet"
    with connect(aloe.server) as learner:
        described = learner.get_pool(pool)
        parts = _take_parts_folder(dump, described, with_audio=False)
        _dump_parts(learner, described, parts, None, lambda _: None)
    aloe.output("clip", "delete", pool, "b.wav", "-y")
    done = aloe.run("pool", "dump", pool, dump)
    assert (done.returncode, "deleted, replaced or renamed" in done.stderr) == (1, True)
    assert not dump.exists()
    assert aloe.json("pool", "dump", pool, dump)["clips"] == 2


def test_maps_are_fitted_anew_where_a_task_reads_one(aloe: CommandLine, pool: str):
    refused = aloe.run("pool", "refit", pool)
    assert refused.returncode == 1
    assert "reads a map" in refused.stderr
    aloe.output("task", "create", f"task-{pool}", "--pool", pool, "--classes", "a,b")
    (fitted,) = aloe.json("pool", "refit", pool)
    assert (fitted["representation"], fitted["version"], fitted["clip_count"]) == ("kernel", 1, 3)
    assert fitted["map_name"] in aloe.output("pool", "refit", pool).replace("\n", "")
