"""`aloe search`, as scripts and people use it."""

import shutil
from pathlib import Path

import pytest

from .conftest import CommandLine


@pytest.fixture
def folder(tmp_path: Path, recordings: Path) -> Path:
    """Three recordings of each of two vowels: a-0.wav to e-2.wav."""
    place = tmp_path / "folder"
    place.mkdir()
    for vowel in "ae":
        for number, path in enumerate(sorted((recordings / vowel).glob("*.wav"))[:3]):
            shutil.copyfile(path, place / f"{vowel}-{number}.wav")
    return place


@pytest.fixture
def pool(aloe: CommandLine, folder: Path, request: pytest.FixtureRequest) -> str:
    name = f"search-{abs(hash(request.node.nodeid))}"
    aloe.output("import", name, folder, "--path-pattern", "{vowel}-{number}.wav")
    return name


def test_a_file_and_a_clip_find_their_likes(aloe: CommandLine, pool: str, folder: Path):
    found = aloe.json("search", pool, "--like", folder / "a-1.wav", "--count", 3)
    assert list(found) == ["results"]
    first, *others = found["results"]
    assert (first["clip_id"], len(others)) == ("a-1.wav", 2)
    assert first["similarity"] == pytest.approx(1, abs=1e-4)
    assert {"clip_id", "similarity", "start_s", "end_s"} <= set(first)
    found = aloe.json("search", pool, "--like", "a-1.wav", "--similarity", "dot")
    assert len(found["results"]) == 5
    assert "a-1.wav" not in [each["clip_id"] for each in found["results"]]
    assert "vowel=a" in aloe.output("search", pool, "--like", "a-1.wav")


def test_a_search_is_narrowed(aloe: CommandLine, pool: str):
    results = aloe.json("search", pool, "--like", "a-1.wav", "--filter", "vowel = e")["results"]
    assert {each["attributes"]["vowel"] for each in results} == {"e"}
    task = aloe.new_task(pool, f"{pool}-task")
    (lease,) = aloe.json("query", task, "--filter", "clip_id = e-2.wav")["leases"]
    options = ("--like", "a-1.wav", "--task", task, "--unlabeled", "--filter", "vowel = e")
    results = aloe.json("search", pool, *options)["results"]
    assert {each["clip_id"] for each in results} == {"e-0.wav", "e-1.wav"}
    aloe.output("submit", task, f"{lease['lease_id']}=e")
    results = aloe.json(
        "search", pool, "--like", "a-1.wav", "--task", task, "--filter", "label = e"
    )["results"]
    assert [each["clip_id"] for each in results] == ["e-2.wav"]


def test_what_cannot_be_looked_for_is_told_in_a_line(aloe: CommandLine, pool: str, tmp_path: Path):
    (tmp_path / "text.wav").write_text("no sound")
    for like, told in (
        ("gone.wav", "gone.wav is no clip of pool"),
        (tmp_path / "text.wav", "are no audio file"),
        ("pools/gone/clips/a", "pool gone"),
    ):
        refused = aloe.run("search", pool, "--like", like)
        assert refused.returncode == 1
        assert told in refused.stderr
        assert "Traceback" not in refused.stderr
    assert aloe.run("search", "gone", "--like", "a-1.wav").returncode == 1
