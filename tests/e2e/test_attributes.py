"""`aloe` on what is known of clips: tables and paths at import, changes, backups."""

import shutil
from pathlib import Path

import pytest

from .conftest import CommandLine


@pytest.fixture
def folder(tmp_path: Path, recordings: Path) -> Path:
    """Recordings of two sites: north/1.wav, north/2.wav and south/3.wav."""
    place = tmp_path / "folder"
    files = sorted(recordings.rglob("*.wav"))
    for file, name in zip(files, ("north/1.wav", "north/2.wav", "south/3.wav"), strict=False):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place / name)
    return place


@pytest.fixture
def pool(request: pytest.FixtureRequest) -> str:
    return f"known-{abs(hash(request.node.nodeid))}"


def known(aloe: CommandLine, pool: str) -> dict[str, dict[str, object]]:
    return {each["uri"][-7:]: each["attributes"] for each in aloe.json("clip", "list", pool)}


def test_attributes_come_from_paths_and_tables(aloe: CommandLine, pool: str, folder: Path):
    table = folder.parent / "known.csv"
    table.write_text("path,snr,site\nnorth/1.wav,3.5,\nsouth/3.wav,7,harbour\nx.wav,1,\n")
    options = ("--path-pattern", "{site}/{number}.wav", "--attributes", table)
    done = aloe.run("import", pool, folder, *options)
    assert done.returncode == 0, done.stderr
    assert f"2 of 3 files are in {table}; not, for one, north/2.wav" in done.stderr
    assert f"1 row of {table} is of no such file, such as x.wav" in done.stderr
    assert known(aloe, pool) == {
        "h/1.wav": {"site": "north", "number": 1.0, "snr": 3.5},
        "h/2.wav": {"site": "north", "number": 2.0},
        "h/3.wav": {"site": "harbour", "number": 3.0, "snr": 7.0},
    }
    again = aloe.run("import", pool, folder, "--path-pattern", "{place}/*.wav")
    assert "0 imported, 3 were there, 3 got other attributes, 0 failed" in again.stderr
    assert known(aloe, pool)["h/2.wav"] == {"site": "north", "number": 2.0, "place": "north"}
    listed = aloe.output("clip", "list", pool)
    assert "number=2 place=north site=north" in listed


def test_a_pattern_or_table_of_other_files_is_an_error(aloe: CommandLine, pool: str, folder: Path):
    (folder.parent / "other.csv").write_text("path,site\nx.wav,north\n")
    for options in (
        ("--path-pattern", "{site}.wav"),
        ("--attributes", folder.parent / "other.csv"),
        ("--attributes", folder.parent / "missing.csv"),
    ):
        refused = aloe.run("import", pool, folder, *options)
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
    assert pool not in aloe.output("pool", "list")


def test_attributes_are_changed_one_by_one_and_by_a_table(
    aloe: CommandLine, pool: str, folder: Path
):
    aloe.output("import", pool, folder)
    first, second, third = (each["clip_id"] for each in aloe.json("clip", "list", pool))
    aloe.output("clip", "set", pool, first, "site=north", "snr=3.5", "--remove", "made")
    assert aloe.json("clip", "show", pool, first)["attributes"] == {"site": "north", "snr": 3.5}
    assert "north" in aloe.output("clip", "show", pool, first)
    table = folder.parent / "known.csv"
    table.write_text(f"clip_id,site\n{second},south\n{third},\n")
    assert aloe.json("clip", "annotate", pool, table) == {"updated_count": 1, "clip_count": 2}
    assert aloe.json("clip", "show", pool, second)["attributes"] == {"site": "south"}
    for wrong in ((first,), (first, "site"), ("gone", "site=x")):
        refused = aloe.run("clip", "set", pool, *wrong)
        assert refused.returncode in (1, 2)
        assert "Traceback" not in refused.stderr


def test_clips_labels_and_queries_are_narrowed_by_a_filter(
    aloe: CommandLine, pool: str, folder: Path
):
    aloe.output("import", pool, folder, "--path-pattern", "{site}/{number}.wav")
    ids = [each["clip_id"] for each in aloe.json("clip", "list", pool)]
    listed = aloe.json("clip", "list", pool, "--filter", "site = north AND NOT number = 1")
    assert [each["clip_id"] for each in listed] == ids[1:2]
    task = aloe.new_task(pool, f"{pool}-task")
    asked = aloe.json("query", task, "--count", 3, "--filter", "site = south")
    assert [each["clip_id"] for each in asked["leases"]] == ids[2:]
    aloe.output("submit", task, f"{asked['leases'][0]['lease_id']}=a")
    labels = [
        aloe.json("export", task, "--filter", f"site = {site}") for site in ("north", "south")
    ]
    assert [len(each) for each in labels] == [0, 1]
    refused = aloe.run("clip", "list", pool, "--filter", "sight = north")
    assert refused.returncode == 1
    assert "at character 1: no clip has a field 'sight'; there is site" in refused.stderr


def test_a_backup_brings_attributes_back(aloe: CommandLine, pool: str, folder: Path):
    aloe.output("import", pool, folder, "--path-pattern", "{site}/{number}.wav")
    (first, *_) = (each["clip_id"] for each in aloe.json("clip", "list", pool))
    aloe.output("clip", "set", pool, first, "made=2026-05-04T13:00:05.250001Z")
    before = known(aloe, pool)
    dump = folder.parent / "pool.parquet"
    aloe.output("pool", "dump", pool, dump)
    aloe.output("pool", "restore", dump, "--pool", f"{pool}-again")
    assert known(aloe, f"{pool}-again") == before
