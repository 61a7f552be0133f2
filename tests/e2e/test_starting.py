"""`aloe task start`, and `aloe query` and `aloe label` by examples."""

import json
import re
import shutil
from pathlib import Path

import pytest

from .conftest import CommandLine, Done


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
    name = f"start-{abs(hash(request.node.nodeid))}"
    aloe.output("import", name, folder)
    return name


def start(aloe: CommandLine, *arguments: object, stdin: str = "") -> Done:
    return aloe.run("task", "start", *arguments, "--no-play", "--json", stdin=stdin)


def asked(done: Done) -> list[str]:
    """The clips that were asked about, in order."""
    return re.findall(r"^[ae]-\d\.wav", done.stderr, re.MULTILINE)


def most_alike(aloe: CommandLine, pool: str, like: str, count: int) -> list[str]:
    found = aloe.json("search", pool, "--like", like, "--count", count)
    return [each["clip_id"] for each in found["results"]]


def test_a_task_starts_with_what_is_most_like_its_examples(
    aloe: CommandLine, pool: str, folder: Path
):
    example = folder / "a-1.wav"
    expected = most_alike(aloe, pool, str(example), 2)
    done = start(
        aloe, pool, "--pool", pool, "--like", f"a={example}", "--count", 2, stdin="a\nother\na\n"
    )
    assert done.returncode == 0, done.stderr
    assert f"task {pool} is new, on pool {pool}: a, other" in done.stderr
    assert asked(done) == expected, "and no more than that"
    outcome = json.loads(done.stdout)
    assert outcome["session"]["label_count"] == 2
    assert outcome["task"]["clip_counts"]["labeled"] == 2
    labels = {row["clip_id"]: row["label"] for row in aloe.json("export", pool)}
    assert labels == dict(zip(expected, ("a", "other"), strict=True))


def test_several_examples_are_asked_by_in_turn_and_a_clip_comes_first_itself(
    aloe: CommandLine, pool: str
):
    likes = ("--like", "a=a-1.wav", "--like", "e=e-0.wav")
    done = start(aloe, pool, "--pool", pool, *likes, "--count", 2, stdin="a\na\ne\ne\n")
    assert done.returncode == 0, done.stderr
    clips = asked(done)
    assert (clips[0], clips[2], len(set(clips))) == ("a-1.wav", "e-0.wav", 4)
    assert json.loads(done.stdout)["task"]["classes"] == ["a", "e"]
    again = start(aloe, pool, *likes, "--count", 5, stdin="a\n>\n.\n")
    assert "is new" not in again.stderr
    assert not set(asked(again)) & set(clips)


def test_what_does_not_fit_is_told_and_nothing_is_made(aloe: CommandLine, pool: str, folder: Path):
    (folder / "text.wav").write_text("no sound")
    like = ("--like", "a=a-1.wav")
    for arguments, code, told in (
        (("--like", "a-1.wav", "--pool", pool), 2, "not of the form CLASS="),
        (("--like", "a=gone.wav", "--pool", pool), 1, "gone.wav is no clip of pool"),
        ((*like, "--pool", pool, "--classes", "e,i"), 1, "'a' is none of the classes e, i"),
        ((*like, "--pool", "gone"), 1, "gone"),
        ((*like, "--like", f"e={folder / 'text.wav'}", "--pool", pool), 1, "no audio file"),
        (like, 1, "give --pool; there are"),
    ):
        done = start(aloe, f"{pool}-other", *arguments)
        assert done.returncode == code, done.stderr
        assert told in " ".join(done.stderr.replace("│", " ").split())
    assert f"{pool}-other" not in aloe.output("task", "list")
    aloe.new_task(pool, f"{pool}-task")
    for arguments, told in (
        ((*like, "--pool", "another"), "and not another"),
        ((*like, "--classes", "a,e"), "with the classes a, e, i, o, u"),
        (("--like", "x=a-1.wav"), "'x' is none of the classes"),
    ):
        done = start(aloe, f"{pool}-task", *arguments)
        assert done.returncode == 1
        assert told in " ".join(done.stderr.split())


def test_queries_and_sessions_ask_by_clip_and_example(aloe: CommandLine, pool: str):
    task = aloe.new_task(pool, f"{pool}-task")
    named = aloe.json("query", task, "--clip", "e-2.wav", "--clip", "a-0.wav")["leases"]
    assert [each["clip_id"] for each in named] == ["e-2.wav", "a-0.wav"]
    (lease,) = aloe.json("query", task, "--like", "a-1.wav")["leases"]
    assert (lease["clip_id"], round(lease["score"], 4)) == ("a-1.wav", 1)
    options = ("--no-play", "--like", "e-0.wav", "--filter", 'clip_id = "e*"', "--batch", 1)
    done = aloe.run("label", task, *options, stdin="e\ne\ne\n")
    assert asked(done) == ["e-0.wav", "e-1.wav"]
    assert "others hold the clips that are left" in done.stderr
