"""`aloe predict TASK night.flac --window`: recordings that are in no pool."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
from numpy.testing import assert_allclose

from aloe.windows import Source, read_windows

from .conftest import CommandLine

RATE_HZ = 16_000
SPOKEN = "aaaiiiaa"


@pytest.fixture(scope="module")
def task(aloe: CommandLine, recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A task with a head that tells two vowels apart."""
    aloe.output("import", "window_vowels", recordings)
    aloe.output("task", "create", "windows", "--pool", "window_vowels", "--classes", "a,i")
    lines = [f"{vowel}~{path.name},{vowel}" for vowel in "ai" for path in _clips(recordings, vowel)]
    known = tmp_path_factory.mktemp("known") / "known.csv"
    known.write_text("clip_id,label\n" + "\n".join(lines) + "\n")
    aloe.output("task", "import-labels", "windows", known)
    aloe.json("query", "windows", "--min-head", 1)
    return "windows"


def _clips(recordings: Path, vowel: str) -> list[Path]:
    return sorted((recordings / vowel).glob("*.wav"))


@pytest.fixture(scope="module")
def night(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of each vowel."""
    seconds = []
    for number, vowel in enumerate(SPOKEN):
        samples, rate_hz = soundfile.read(_clips(recordings, vowel)[number % 2])
        assert rate_hz == RATE_HZ
        seconds.append(np.resize(samples, RATE_HZ))
    file = tmp_path_factory.mktemp("night") / "night.flac"
    soundfile.write(file, np.concatenate(seconds), RATE_HZ)
    return file


def test_a_row_of_each_window(aloe: CommandLine, task: str, night: Path, tmp_path: Path):
    said = aloe.run("predict", task, night, "--window", "1s", "--hop", "500ms")
    assert said.returncode == 0, said.stderr
    assert "head 1 on 15 windows" in said.stderr
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    assert [float(each["start_s"]) for each in rows] == [number / 2 for number in range(15)]
    assert [float(each["end_s"]) for each in rows] == [number / 2 + 1 for number in range(15)]
    assert [each["predicted"] for each in rows[::2]] == list(SPOKEN)
    assert {each["recording"] for each in rows} == {str(night)}
    table = tmp_path / "night.parquet"
    aloe.output("predict", task, night, "--window", "1s", "--hop", "0.5", "--to", table)
    lines = aloe.output("predict", task, night, "--window", "1", "--hop", "500ms", "--json")
    objects = [json.loads(line) for line in lines.splitlines()]
    for one, row, other in zip(
        objects, rows, pyarrow.parquet.read_table(table).to_pylist(), strict=True
    ):
        assert one["predicted"] == row["predicted"] == other["predicted"]
        for name in "ai":
            found = [one["probabilities"][name], float(row[f"p:{name}"]), other[f"p:{name}"]]
            assert_allclose(found, found[0], rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["x.selections.txt", "x.txt", "x.TextGrid", "events.csv", "events.jsonl"]
)
def test_events_are_read_again_as_they_were_found(
    aloe: CommandLine, task: str, night: Path, tmp_path: Path, name: str
):
    said = aloe.run(
        *("predict", task, night, "--window", "1s", "--events", "--to", tmp_path / name)
    )
    assert said.returncode == 0, said.stderr
    assert "3 events in" in said.stderr
    found = read_windows(Source(tmp_path / name, recording=str(night))).windows
    told = sorted((each.start_s, each.end_s, each.label) for each in found)
    assert told == [(0, 3, "a"), (3, 6, "i"), (6, 8, "a")]
    has_probability = name.endswith(("selections.txt", "csv", "jsonl"))
    assert all((each.probability is not None) == has_probability for each in found)
    assert has_probability or "hold no probabilities" in said.stderr
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_of_several_recordings_each_has_its_table(
    aloe: CommandLine, task: str, night: Path, tmp_path: Path
):
    other = tmp_path / "day.wav"
    other.write_bytes(night.read_bytes())
    folder = tmp_path / "tables"
    arguments = ["predict", task, night, other, "--window", "1s", "--table", "audacity"]
    assert "is no folder" in aloe.run(*arguments, "--to", tmp_path / "both.txt").stderr
    aloe.output(*arguments, "--classes", "i", "--to", folder)
    assert sorted(each.name for each in folder.iterdir()) == ["day.txt", "night.txt"]
    assert (folder / "day.txt").read_text() == (folder / "night.txt").read_text()
    assert (folder / "day.txt").read_text().split() == ["3.0", "6.0", "i"]


def test_of_a_recording_that_breaks_off_what_came_before_is_kept(
    aloe: CommandLine, task: str, night: Path, tmp_path: Path
):
    cut = tmp_path / "cut.flac"
    cut.write_bytes(night.read_bytes()[: night.stat().st_size // 2])
    gone = tmp_path / "gone.wav"
    done = aloe.run("predict", task, cut, gone, night, "--window", "1s")
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert f"{cut}: breaks off at" in told
    assert "windows, is predicted for" in told
    assert f"{gone}: " in told
    assert "Traceback" not in told
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    counts = [sum(each["recording"] == str(path) for each in rows) for path in (cut, night)]
    assert 2 <= counts[0] < counts[1] == 8
    starts = [float(each["start_s"]) for each in rows if each["recording"] == str(cut)]
    assert all(later - earlier == 1 for earlier, later in pairwise(starts))


def test_with_several_labels_a_clip_windows_may_be_of_any_number_of_classes(
    aloe: CommandLine, task: str, recordings: Path, night: Path, tmp_path: Path
):
    name = f"{task}-several"
    options = ("--pool", "window_vowels", "--classes", "a,i,spoken", "--label-mode", "multiple")
    aloe.output("task", "create", name, *options)
    clips = [(vowel, path.name) for vowel in "ai" for path in _clips(recordings, vowel)]
    known = tmp_path / "known.csv"
    lines = [f"{vowel}~{file},{vowel};spoken" for vowel, file in clips]
    known.write_text("\n".join(["clip_id,label", *lines, ""]))
    aloe.output("task", "import-labels", name, known)
    aloe.json("query", name, "--min-head", 1)
    rows = list(csv.DictReader(io.StringIO(aloe.output("predict", name, night, "--window", "1s"))))
    assert [each["predicted"] for each in rows] == [f"{vowel};spoken" for vowel in SPOKEN]
    for row in rows:
        reached = [each for each in ("a", "i", "spoken") if float(row[f"p:{each}"]) >= 0.5]
        assert row["predicted"] == ";".join(reached)
    events = tmp_path / "events.csv"
    aloe.output("predict", name, night, "--window", "1s", "--events", "--to", events)
    found = read_windows(Source(events, recording=str(night))).windows
    told = sorted((each.start_s, each.end_s, each.label) for each in found)
    assert told == [(0, 3, "a"), (0, 8, "spoken"), (3, 6, "i"), (6, 8, "a")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, in which commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--window", "0"], "less than a sample"),
        (["--window", "1s", "--hop", "0"], "less than a sample"),
        (["--window", "-1s"], "less than 0 s"),
        (["--window", "20s"], "less than a window of 20 s"),
        (["--window", "5 parsecs"], "no time"),
        (["--hop", "1s"], "goes with --window"),
        (["--events"], "give --window to cut files, or --pool"),
        (["--window", "1s", "--on", "0.5"], "go with --events"),
        (["--window", "1s", "--events", "--on", "0.5", "--off", "0.6"], "off <= on"),
        (["--window", "1s", "--events", "--min-event", "-1"], "less than 0 s"),
        (["--window", "1s", "--events", "--classes", "a,x"], "--classes x: the task's classes"),
        (["--window", "1s", "--to", "x.doc"], "there are"),
        (["--window", "1s", "--to", "nowhere/x.txt"], "is no folder"),
        (["--window", "1s", "--table", "parquet"], "Parquet is no text"),
        (["--window", "1s", "--max-error", "0.02"], "no events or windows"),
        (["--pool", "--window", "1s"], "not both"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_leaves_no_file(
    aloe: CommandLine, task: str, night: Path, *, arguments: list[str], said: str, folder: Path
):
    done = aloe.run("predict", task, night, *arguments)
    assert done.returncode != 0
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []
