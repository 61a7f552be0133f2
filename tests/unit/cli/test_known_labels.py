"""Tables of labels: what is written is read again, what is not whole is refused with its line."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aloe.cli.console import CommandError
from aloe.cli.known_labels import OnConflict, read_labels
from aloe.cli.label_tables import write_json, write_lines, write_table
from aloe.client import KnownLabel, LabelMode, LabelSet, Split, StoredLabel

CLASSES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1) | st.sampled_from(
    ["yes", "no, never", 'it\'s "quoted"', "a; b", "día", "\\", "@home", "=1+1", "[", "| |"]
)
IDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,20}", fullmatch=True)
TIMES = st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LABELS = st.builds(
    StoredLabel,
    clip_id=IDS,
    uri=st.sampled_from(["", "file:///a,b.wav", 'line\nbreak, "quoted"\r\n\u2028']),
    label=CLASSES,
    split=st.sampled_from(Split),
    oracle_id=st.just("") | IDS,
    label_time=TIMES,
    is_audit=st.booleans(),
) | st.builds(StoredLabel, IDS, st.just(""), st.none(), st.just(Split.TRAIN), IDS, TIMES)


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str, encoding: str = "utf-8") -> Path:
        file = tmp_path / "labels.csv"
        file.write_bytes(text.encode(encoding))
        return file

    return write


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(labels=st.lists(LABELS, unique_by=lambda label: label.clip_id, max_size=6))
def test_what_is_exported_is_read_again(table, labels):
    known = [
        KnownLabel(
            each.clip_id,
            each.label,
            each.split,
            each.oracle_id,
            each.label_time,
            each.is_audit,
        )
        for each in labels
    ]
    writers: list[Callable[[list[StoredLabel], io.StringIO], int]] = [write_table, write_json]
    for write in (*writers, *([write_lines] if labels else [])):
        text = io.StringIO(newline="")
        assert write(labels, text) == len(labels)
        assert read_labels(table(text.getvalue())).labels == known


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_separator_and_encoding_are_found(table, separator, encoding):
    file = table(f"label{separator}clip_id\r\ndía{separator}a.wav\r\n", encoding)
    assert read_labels(file).labels == [KnownLabel("a.wav", "día")]


def test_another_encoding_is_read_where_it_is_named(table):
    file = table("clip_id,label,note\na,zero,café\n", "cp1252")
    with pytest.raises(CommandError, match=r"line 2: this is not UTF-8 text \(byte 0xe9\)"):
        read_labels(file)
    assert read_labels(file, encoding="cp1252").labels == [KnownLabel("a", "zero")]
    with pytest.raises(CommandError, match="no encoding 'klingon'"):
        read_labels(file, encoding="klingon")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("a,zero\nb", "1 cells under 2 columns"),
        ("a,zero\nb,one,two", "3 cells under 2 columns"),
        ('a,zero\nb,"one', "not CSV"),
        ("a,zero\nb,", "label is empty"),
        ("a,zero\n,one", "'clip_id' is empty"),
        ('"a",zero\n"b" ,one', "not CSV"),
    ],
)
def test_a_row_that_is_not_whole_is_refused_with_its_line(table, rows, problem):
    with pytest.raises(CommandError, match=f"labels.csv, line 3: .*{problem}"):
        read_labels(table(f"clip_id,label\n{rows}"))


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("split", "trian", "split 'trian'"),
        ("label_time", "yesterday", "label_time 'yesterday'"),
        ("answer", "maybe", "answer 'maybe'"),
        ("is_audit", "true", "is_audit 'true'; yes and no are known"),
        ("answer", "abstention", "an abstention with the label 'zero'"),
    ],
)
def test_a_cell_that_says_nothing_known_is_refused_with_its_line(table, column, cell, problem):
    with pytest.raises(CommandError, match=f"labels.csv, line 2: {problem}"):
        read_labels(table(f"clip_id,label,{column}\na,zero,{cell}\n"))


@pytest.mark.parametrize("other", ["a,one,train", "a,zero,test"])
def test_two_labels_of_one_clip_are_refused_with_both_lines(table, other):
    file = table(f"clip_id,label,split\na,zero,train\nb,one,train\n{other}\n")
    with pytest.raises(CommandError, match=r"line 2 gives a .*line 4 .*--on-conflict"):
        read_labels(file)
    _, label, split = other.split(",")
    b = KnownLabel("b", "one")
    assert read_labels(file, on_conflict=OnConflict.FIRST).labels == [KnownLabel("a", "zero"), b]
    assert read_labels(file, on_conflict=OnConflict.LAST).labels == [
        KnownLabel("a", label, Split(split)),
        b,
    ]


def test_a_row_that_is_repeated_is_no_conflict(table):
    assert read_labels(table("clip_id,label\na,zero\na,zero\n")).labels == [KnownLabel("a", "zero")]


def test_lines_are_known_where_cells_span_several(table):
    found = read_labels(table('clip_id,label,uri\na,zero,"x\ny"\n\nb,one,\n'))
    assert [found.where(place) for place in range(2)] == ["line 3", "line 5"]


def test_a_column_that_is_not_read_is_told_and_a_second_one_of_a_name_refused(table, capsys):
    assert read_labels(table("clip_id,label,Split\na,zero,test\n")).labels == [
        KnownLabel("a", "zero")
    ]
    assert "not read: 'Split'" in capsys.readouterr().err
    with pytest.raises(CommandError, match="line 1: more than one column 'split'"):
        read_labels(table("clip_id,label,split,split\na,zero,test,train\n"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"clip_id": "a", "label": "zero"}', r"line 1: not JSON \(no ',' between"),
        ('[{"clip_id": "a", "label": "zero"},\n{"clip_id": "b", "la', "line 2: not JSON"),
        ('[{"clip_id": "a", "label": "zero"}] []', "line 1: not JSON"),
        ('[{"clip_id": "a", "label": "zero"}, 3]', "entry 2: 3 is no object"),
        ('[{"clip_id": "a", "label": 0}]', "entry 1: 'label' is 0; it must be text"),
        ('[{"clip_id": "a"}]', "entry 1: there is no 'label'"),
        ('[{"clip_id": "a", "label": "x", "label": "y"}]', "entry 1: a name stands in it twice"),
        ('[{"clip_id": "a", "label": "x", "split": "trian"}]', "entry 1: split 'trian'"),
        ("[" * 100_000, "entry 1: "),
    ],
)
def test_json_that_is_not_whole_is_refused_with_its_place(table, text, problem):
    with pytest.raises(CommandError, match=f"labels.csv, {problem}"):
        read_labels(table(text))


PLAIN = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=";"), min_size=1),
    max_size=3,
).map(tuple)
SETS = st.builds(
    StoredLabel,
    clip_id=IDS,
    uri=st.just(""),
    label=st.none() | st.builds(LabelSet, PLAIN, PLAIN, PLAIN),
    split=st.just(Split.TRAIN),
    oracle_id=st.just("") | IDS,
    label_time=TIMES,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SETS, min_size=1, max_size=4, unique_by=lambda each: each.clip_id))
def test_sets_of_labels_are_read_as_they_were_written(table, stored):
    known = [
        KnownLabel(each.clip_id, each.label, each.split, each.oracle_id, each.label_time)
        for each in stored
    ]
    text = io.StringIO()
    write_table(stored, text, LabelMode.MULTIPLE)
    assert read_labels(table(text.getvalue()), label_mode=LabelMode.MULTIPLE).labels == known
    text = io.StringIO()
    write_json(stored, text)
    assert read_labels(table(text.getvalue()), label_mode=LabelMode.MULTIPLE).labels == known


def test_a_set_is_one_cell_and_an_empty_one_is_said(table):
    file = table("clip_id,label,negative\na,rain; wind,birds\nb,rain;,\nc,,birds\n")
    assert [each.label for each in read_labels(file, label_mode=LabelMode.MULTIPLE).labels] == [
        LabelSet(("rain", "wind"), ("birds",)),
        LabelSet(("rain",)),
        LabelSet((), ("birds",)),
    ]
    with pytest.raises(CommandError, match="line 2: the label is empty"):
        read_labels(table("clip_id,label\na,\n"), label_mode=LabelMode.MULTIPLE)
    file = table("clip_id,label,answer\na,,label\nb,,abstention\n")
    assert [each.label for each in read_labels(file, label_mode=LabelMode.MULTIPLE).labels] == [
        LabelSet(),
        None,
    ]


def test_sets_in_json_are_lists_of_classes(table):
    with pytest.raises(CommandError, match="entry 1: the label has 'positive'"):
        read_labels(
            table('[{"clip_id": "a", "label": {"positive": "rain"}}]'),
            label_mode=LabelMode.MULTIPLE,
        )
