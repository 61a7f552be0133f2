"""Attributes as people write them: tables, paths, NAME=VALUE."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aloe.cli.attributes import (
    Column,
    Kind,
    PathPattern,
    attributes_text,
    parse_assignments,
    read_keyed,
)
from aloe.cli.console import CommandError
from aloe.client import Attributes

MADE = datetime(2026, 5, 4, 13, 0, 5, tzinfo=UTC)


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str, name: str = "known.csv") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_a_column_is_of_numbers_or_times_where_all_of_it_looks_so(table):
    text = """path,site,snr,made,speaker,mixed
a.wav,north,3.5,2026-05-04T13:00:05,007,1
b.wav,south,-1e2,20260504_130005,008,x
c.wav,,,2026-05-04 15:00:05+02:00,,
"""
    key, rows = read_keyed(table(text), ("clip_id", "path"))
    assert key == "path"
    assert rows == {
        "a.wav": {"site": "north", "snr": 3.5, "made": MADE, "speaker": "007", "mixed": "1"},
        "b.wav": {"site": "south", "snr": -100.0, "made": MADE, "speaker": "008", "mixed": "x"},
        "c.wav": {"made": MADE},
    }


def test_a_heading_says_what_its_column_holds(table):
    text = "clip_id;year:text;speaker:number;depth\na;2026;007;1,5\n"
    key, rows = read_keyed(table(text), ("clip_id", "path"))
    assert (key, rows) == ("clip_id", {"a": {"year": "2026", "speaker": 7.0, "depth": 1.5}})


def test_a_comma_within_a_cell_is_no_decimal_sign_where_commas_part_cells(table):
    _, rows = read_keyed(table('clip_id,depth\na,"1,5"\n'), ("clip_id",))
    assert rows == {"a": {"depth": "1,5"}}


def test_json_lines_are_read_and_may_lack_some(table):
    text = '{"path": "a.wav", "snr": 2}\n{"path": "b.wav", "site": "north", "snr": null}\n'
    _, rows = read_keyed(table(text, "known.jsonl"), ("clip_id", "path"))
    assert rows == {"a.wav": {"snr": 2.0}, "b.wav": {"site": "north"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,site\na.wav,x\n", "no column 'clip_id'"),
        ("path,recording site\na.wav,x\n", "'recording site'.* is no name"),
        ("path,snr:float\na.wav,1\n", "'snr:float': there are attributes of text, number, time"),
        ("path,site,site:text\na.wav,x,y\n", "two columns are called 'site'"),
        ("path,snr:number\na.wav,loud\n", "line 2: snr:number is 'loud'"),
        ("path,at:time\na.wav,2026-05-04\nb.wav,noon\n", "line 3: at:time is 'noon'; write 2026-"),
        ("path,site\na.wav,x\na.wav,y\n", "line 3: a.wav stood in line 2 already"),
        ("path,site\n,x\n", "line 2: the column 'path' is empty"),
        (f"path,site\na.wav,{'x' * 1_025}\n", "line 2: site: 1,025 characters"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(table, text, problem):
    with pytest.raises(CommandError, match=problem):
        read_keyed(table(text), ("clip_id", "path"))


def test_paths_are_matched_whole():
    pattern = PathPattern("{site}/{made:time}_*.wav")
    paths = ["north/20260504_130005_x.wav", "a/b/20260504_130005_x.wav", "north/x.wav"]
    assert pattern.read(paths) == {paths[0]: {"site": "north", "made": MADE}}


def test_stars_stand_for_folders_and_parts_of_names():
    found = PathPattern("**/{speaker}-{number}.*").read(["x/y/ann-12.wav", "bob-3.flac", "z.wav"])
    assert found == {
        "x/y/ann-12.wav": {"speaker": "ann", "number": 12.0},
        "bob-3.flac": {"speaker": "bob", "number": 3.0},
    }


def test_what_looks_like_an_expression_is_none():
    assert PathPattern("a+[{x}].wav").read(["a+[1].wav", "aa1.wav"]) == {"a+[1].wav": {"x": 1.0}}
    assert PathPattern("{x}?.wav").read(["ab.wav", "a.wav"]) == {"ab.wav": {"x": "a"}}


def test_a_time_in_a_path_is_taken_whole():
    pattern = PathPattern("{site}_{made:time}.wav")
    assert pattern.read(["far_north_20260504_130005.wav"]) == {
        "far_north_20260504_130005.wav": {"site": "far_north", "made": MADE}
    }


@pytest.mark.parametrize("pattern", ["*.wav", "{a}/{a}.wav", "{a b}.wav", "{}.wav"])
def test_a_pattern_that_names_nothing_new_is_refused(pattern):
    with pytest.raises(CommandError):
        PathPattern(pattern)


def test_what_a_path_holds_must_be_what_the_pattern_says():
    with pytest.raises(CommandError, match=r"north/noon.wav, file 1: made:time is 'noon'"):
        PathPattern("{site}/{made:time}.wav").read(["north/noon.wav"])


def test_assignments_are_read_as_columns_are():
    assert parse_assignments(["site=a=b", "n=5", "year:text=2026", "made=20260504_130005"]) == {
        "site": "a=b",
        "n": 5.0,
        "year": "2026",
        "made": MADE,
    }
    assert parse_assignments([]) == {}


@pytest.mark.parametrize("texts", [["site=a", "site=b"], ["site:text=a", "site=b"], ["a b=c"]])
def test_assignments_that_are_none_are_refused(texts):
    with pytest.raises(CommandError):
        parse_assignments(texts)


def test_a_column_is_told_by_its_heading():
    assert Column.parse("site") == Column("site", None)
    assert Column.parse("site:number") == Column("site", Kind.NUMBER)


def test_attributes_are_written_for_people():
    known: Attributes = {"site": "north", "snr": 3.5, "n": 12.0, "made": MADE}
    assert attributes_text(known) == "site=north snr=3.5 n=12 made=2026-05-04T13:00:05+00:00"
