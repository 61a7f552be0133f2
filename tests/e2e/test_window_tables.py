"""Labels and predictions for windows of a pool's recordings, as tables of other programs."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile

from aloe.client import LabelSet, LearnerClient
from aloe.windows import Source, TableFormat, read_windows

from .conftest import CommandLine

RATE_HZ = 16_000
SPOKEN = {"night": "aaaiiiaa", "day": "iiaa"}
FORMATS = {
    "x.selections.txt": TableFormat.RAVEN,
    "x.txt": TableFormat.AUDACITY,
    "x.TextGrid": TableFormat.TEXTGRID,
}


@pytest.fixture(scope="module")
def folder(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings with a second of each vowel."""
    folder = tmp_path_factory.mktemp("recorded")
    for name, spoken in SPOKEN.items():
        seconds = []
        for number, vowel in enumerate(spoken):
            clips = sorted((recordings / vowel).glob("*.wav"))
            samples, _ = soundfile.read(clips[number % 2])
            seconds.append(np.resize(samples, RATE_HZ))
        soundfile.write(folder / f"{name}.flac", np.concatenate(seconds), RATE_HZ)
    return folder


def _truth(name: str, count: int | None = None) -> list[tuple[int, int, str]]:
    return [(number, number + 1, each) for number, each in enumerate(SPOKEN[name])][:count]


@pytest.fixture(scope="module")
def task(aloe: CommandLine, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A task on windows of a second, of which six have a label, and one that nobody can tell."""
    aloe.output("import", "recorded", folder, "--window", "1s")
    aloe.output("task", "create", "recorded", "--pool", "recorded", "--classes", "a,i")
    table = tmp_path_factory.mktemp("labels") / "night.txt"
    table.write_text("".join(f"{a}\t{b}\t{each}\n" for a, b, each in _truth("night", 6)))
    arguments = ("--table", "audacity", "--recording", "night.flac")
    aloe.output("task", "import-labels", "recorded", table, *arguments)
    aloe.json("query", "recorded", "--min-head", 1)
    return "recorded"


def test_labels_come_back_as_they_were_given(
    aloe: CommandLine, task: str, tmp_path: Path, learner: LearnerClient
):
    for name, table_format in FORMATS.items():
        aloe.output("export", task, "-o", tmp_path / name)
        found = read_windows(Source(tmp_path / name, "night.flac")).windows
        told = sorted((each.start_s, each.end_s, each.label) for each in found)
        assert told == _truth("night", 6)
        again = f"again-{table_format.value}"
        aloe.output("task", "create", again, "--pool", "recorded", "--classes", "a,i")
        arguments = ["--table", table_format.value]
        if table_format is not TableFormat.RAVEN:
            arguments += ["--recording", "night"]
        aloe.output("task", "import-labels", again, tmp_path / name, *arguments)
        labels = [
            [(each.clip_id, each.label, each.split) for each in learner.export_labels(task_id)]
            for task_id in (task, again)
        ]
        assert labels[0] == labels[1]
        assert len(labels[0]) == 6


def test_events_of_a_pool_are_those_of_its_windows(aloe: CommandLine, task: str, tmp_path: Path):
    said = aloe.run("predict", task, "--pool", "--events")
    assert said.returncode == 0, said.stderr
    assert "head 1 on 12 windows of 2 recordings, 5 events" in said.stderr
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    told = [
        (Path(each["path"]).stem, float(each["start"]), float(each["end"]), each["label"])
        for each in rows
    ]
    assert told == [
        ("day", 0, 2, "i"),
        ("day", 2, 4, "a"),
        ("night", 0, 3, "a"),
        ("night", 3, 6, "i"),
        ("night", 6, 8, "a"),
    ]
    # What people said is so.
    assert [float(each["probability"]) == 1 for each in rows] == [False, False, True, True, False]
    aloe.output("predict", task, "--pool", "--table", "textgrid", "--to", tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["day.TextGrid", "night.TextGrid"]


def test_events_that_were_corrected_label_the_windows_in_them(
    aloe: CommandLine, task: str, folder: Path, tmp_path: Path, learner: LearnerClient
):
    # By the path from where it runs, as `aloe predict` writes it.
    table = tmp_path / "events.csv"
    path = os.path.relpath(folder / "night.flac")
    rows = [f"{path},{span}" for span in ("0,2.5,a", "2.5,4.4,i", "4.4,4.5,a", "6.6,8,a")]
    table.write_text("\n".join(["path,start,end,label", *rows]))
    aloe.output("task", "create", "corrected", "--pool", "recorded", "--classes", "a,i")
    arguments = ["task", "import-labels", "corrected", table, "--table", "csv"]
    assert "4 of 4 rows are refused" in aloe.run(*arguments).stderr
    alone = tmp_path / "one.csv"
    alone.write_text(f"path,start,end,label\n{path},0,2.5,a\n")
    refused = aloe.run(*arguments[:3], alone, *arguments[4:]).stderr
    assert "1 of 1 row is refused" in " ".join(refused.split())
    done = aloe.run(*arguments, "--events")
    assert "no window of the pool has its middle in line 4: left out" in " ".join(
        done.stderr.split()
    )
    labels = [(each.clip_id, each.label) for each in learner.export_labels("corrected")]
    said = {0: "a", 1: "a", 2: "i", 3: "i", 7: "a"}
    assert sorted(labels) == [
        (f"night.flac~{n * 1000}-{n * 1000 + 1000}", each) for n, each in said.items()
    ]


def test_a_file_that_is_two_recordings_has_a_table_for_each(
    aloe: CommandLine, folder: Path, tmp_path: Path
):
    pool = "recorded-twice"
    for prefix in ("", "other-"):
        aloe.output("import", pool, folder / "day.flac", "--window", "1s", "--id-prefix", prefix)
    aloe.output("task", "create", pool, "--pool", pool, "--classes", "a,i")
    known = tmp_path / "known.csv"
    ids = ("day.flac~0-1000,i", "other-day.flac~2000-3000,a")
    known.write_text("\n".join(["clip_id,label", *ids]))
    aloe.output("task", "import-labels", pool, known)
    tables = tmp_path / "tables"
    aloe.output("export", pool, "-o", tables, "--table", "audacity")
    found = {each.name: each.read_text() for each in tables.iterdir()}
    assert {name: text.split() for name, text in found.items()} == {
        "day.txt": ["0.0", "1.0", "i"],
        "other-day.txt": ["2.0", "3.0", "a"],
    }
    aloe.output("task", "create", f"{pool}-again", "--pool", pool, "--classes", "a,i")
    csv_file = tmp_path / "labels.csv"
    aloe.output("export", pool, "-o", csv_file, "--table", "csv")
    again = ["task", "import-labels", f"{pool}-again", csv_file, "--table", "csv"]
    aloe.output(*again)
    assert aloe.output("export", f"{pool}-again").count("day.flac~") == 2


def test_recordings_of_one_file_name_are_told_apart_by_their_folders(
    aloe: CommandLine, folder: Path, tmp_path: Path, learner: LearnerClient
):
    for name in ("x", "y"):
        (tmp_path / "in" / name).mkdir(parents=True)
    shutil.copy(folder / "day.flac", tmp_path / "in/x/night.flac")
    shutil.copy(folder / "night.flac", tmp_path / "in/y/night.flac")
    aloe.output("import", "namesakes", tmp_path / "in", "--window", "1s")
    aloe.output("task", "create", "namesakes", "--pool", "namesakes", "--classes", "a,i")
    table = tmp_path / "given.csv"
    arguments = ["task", "import-labels", "namesakes", table, "--table", "csv"]
    table.write_text("path,start,end,label\nnight.flac,0,1,a\nz/night.flac,0,1,a\n")
    told = " ".join(aloe.run(*arguments).stderr.split())
    assert "several recordings are called 'night.flac'; it may be any of" in told
    assert "(id x~night.flac)" in told
    assert "the pool has no recording 'z/night.flac'" in told
    table.write_text("path,start,end,label\nx/night.flac,0,1,i\ny\\night.flac,0,1,a\n")
    aloe.output(*arguments)
    track = tmp_path / "track.txt"
    track.write_text("1\t2\ti\n")
    options = ("--table", "audacity", "--recording", "x/night")
    aloe.output("task", "import-labels", "namesakes", track, *options)
    labels = {each.clip_id: each.label for each in learner.export_labels("namesakes")}
    wanted = {"x~night.flac~0-1000": "i", "x~night.flac~1000-2000": "i"}
    assert labels == wanted | {"y~night.flac~0-1000": "a"}
    aloe.output("export", "namesakes", "-o", tmp_path / "out", "--table", "audacity")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "x~night.txt",
        "y~night.txt",
    ]
    segments = tmp_path / "segments.csv"
    segments.write_text("path,start,end\nx/night.flac,0,0.5\n")
    aloe.output("import", "namesakes-cut", tmp_path / "in", "--segments", segments)
    assert aloe.json("pool", "show", "namesakes-cut")["clip_count"] == 1
    segments.write_text("path,start,end\nnight.flac,0,0.5\n")
    done = aloe.run("import", "namesakes-cut", tmp_path / "in", "--segments", segments)
    assert "several files are called 'night.flac'" in " ".join(done.stderr.split())


def test_labels_of_windows_that_are_not_there_are_refused_by_their_lines(
    aloe: CommandLine, task: str, tmp_path: Path
):
    table = tmp_path / "table.txt"
    table.write_text("0\t1\ta\n0.5\t1.5\ta\n0\t1\ti\n")
    arguments = ["task", "import-labels", task, table, "--table", "audacity"]
    done = aloe.run(*arguments, "--recording", "night")
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert "line 2: no window of night lasts from 0.5 to 1.5 s in the pool" in told
    assert "line 3: 'i', and 'a' at line 1; choose by --on-conflict" in told
    assert "2 of 3 rows are refused; nothing was stored" in told
    assert "the pool has no recording 'noon'" in aloe.run(*arguments, "--recording", "noon").stderr
    assert "say which it is about" in " ".join(aloe.run(*arguments).stderr.split())
    table.write_text("0\t1\tb\n")
    assert "is no class" in aloe.run(*arguments, "--recording", "night").stderr


def test_a_pool_without_windows_has_no_events(aloe: CommandLine, recordings: Path):
    aloe.output("import", "no-windows", recordings)
    task = aloe.new_task("no-windows", "no-windows")
    done = aloe.run("predict", task, "--pool", "--events")
    assert done.returncode == 1
    assert "has no windows of recordings" in " ".join(done.stderr.split())


def test_windows_of_several_classes_have_a_row_of_each(
    aloe: CommandLine, task: str, tmp_path: Path, learner: LearnerClient
):
    several = "recorded-several"
    options = ("--classes", "a,i,o", "--label-mode", "multiple")
    aloe.output("task", "create", several, "--pool", "recorded", *options)
    given = [(0, 1, "a"), (0, 1, "i"), (1, 2, "a"), (3, 4, "i"), (4, 5, "i"), (4, 5, "o")]
    table = tmp_path / "given.txt"
    table.write_text("".join(f"{a}\t{b}\t{each}\n" for a, b, each in given))
    arguments = ("--table", "audacity", "--recording", "night.flac")
    aloe.output("task", "import-labels", several, table, *arguments)
    labels = [each.label for each in learner.export_labels(several)]
    assert labels == [
        LabelSet(("a", "i")),
        LabelSet(("a",)),
        LabelSet(("i",)),
        LabelSet(("i", "o")),
    ]
    aloe.output("export", several, "-o", tmp_path / "x.txt")
    found = read_windows(Source(tmp_path / "x.txt", "night.flac")).windows
    assert sorted((each.start_s, each.end_s, each.label) for each in found) == given
    aloe.json("query", several, "--min-head", 1)
    told = aloe.output("predict", several, "--pool", "--events", "--json")
    events = [json.loads(line) for line in told.splitlines()]
    night = {
        (each["label"], each["start"]) for each in events if Path(each["path"]).stem == "night"
    }
    assert {("a", 0.0), ("i", 0.0), ("o", 4.0)} <= night
    assert ("o", 0.0) not in night


def test_predictions_for_a_pool_say_where_windows_lie(aloe: CommandLine, task: str, tmp_path: Path):
    files = [tmp_path / f"all.{ending}" for ending in ("csv", "jsonl", "parquet")]
    for file in files:
        aloe.output("predict", task, "--pool", "--to", file)
    with files[0].open(newline="") as table:
        first = list(csv.DictReader(table))
    lines = [json.loads(line) for line in files[1].read_text().splitlines()]
    rows = pyarrow.parquet.read_table(files[2]).to_pylist()
    for cells, line, row in zip(first, lines, rows, strict=True):
        place = cells["recording"], float(cells["start_s"]), float(cells["end_s"])
        for each in (line, row):
            assert (each["recording"], each["start_s"], each["end_s"]) == place
        recording, start_s, end_s = place
        assert cells["clip_id"] == (f"{recording}~{start_s * 1000:.0f}-{end_s * 1000:.0f}")
    assert {row["recording"] for row in rows} == {"night.flac", "day.flac"}


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_exported_labels_say_where_windows_lie_and_are_imported_again(
    aloe: CommandLine, task: str, tmp_path: Path, form: str
):
    exports = [tmp_path / f"{number}.{form}" for number in range(2)]
    aloe.output("export", task, "-o", exports[0])
    again = f"places-{form}"
    aloe.output("task", "create", again, "--pool", "recorded", "--classes", "a,i")
    done = aloe.run("task", "import-labels", again, exports[0])
    assert (done.returncode, "not read" in done.stderr) == (0, False), done.stderr
    aloe.output("export", again, "-o", exports[1])
    assert exports[0].read_bytes() == exports[1].read_bytes()
    aloe.output("export", task, "-o", tmp_path / "labels.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "labels.parquet").to_pylist()
    told = [(row["recording"], row["start_s"], row["end_s"]) for row in rows]
    assert sorted(told) == [("night.flac", begin, end) for begin, end, _ in _truth("night", 6)]


def test_clips_that_are_no_windows_have_no_place_beside_those_that_are(
    aloe: CommandLine, folder: Path, recordings: Path, tmp_path: Path
):
    pool = "recorded-and-not"
    clip = next((recordings / "a").glob("*.wav"))
    aloe.output("import", pool, folder / "day.flac", "--window", "1s")
    aloe.output("import", pool, clip)
    aloe.output("task", "create", pool, "--pool", pool, "--classes", "a,i")
    known = tmp_path / "known.csv"
    known.write_text(f"clip_id,label\n{clip.name},a\nday.flac~0-1000,i\n")
    aloe.output("task", "import-labels", pool, known)
    rows = {each["clip_id"]: each for each in aloe.json("export", pool)}
    names = ("recording", "start_s", "end_s")
    assert [rows[clip.name][name] for name in names] == [None, None, None]
    assert [rows["day.flac~0-1000"][name] for name in names[1:]] == [0, 1]
    aloe.json("query", pool, "--min-head", 1)
    lines = csv.DictReader(io.StringIO(aloe.output("predict", pool, "--pool")))
    found = {each["clip_id"]: [each[name] for name in names[1:]] for each in lines}
    assert (found[clip.name], found["day.flac~1000-2000"]) == (["", ""], ["1.0", "2.0"])
    aloe.output("task", "create", f"{pool}-again", "--pool", pool, "--classes", "a,i")
    export = tmp_path / "labels.json"
    aloe.output("export", pool, "--json", "-o", export)
    aloe.output("task", "import-labels", f"{pool}-again", export)
