"""What is written is read again as it was, or it is refused before."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.windows.window_strategies import (
    HARD_MORE,
    HERTZ,
    LABELS,
    NEVER,
    NIGHT,
    PATHS,
    PLAIN_TEXTS,
    held,
    tables,
    windows,
)

from aloe.tables import TableError
from aloe.windows import (
    Source,
    TableFormat,
    Window,
    WindowFaults,
    read_windows,
    windows_text,
    windows_to_parquet,
)

RATE_HZ = 48_000
some = settings(max_examples=40, deadline=None)
"""As many are enough every day; with 1,500 none failed."""
TEXT_FORMATS = [each for each in TableFormat if each is not TableFormat.PARQUET]
PLAIN_MORE = st.dictionaries(PLAIN_TEXTS.map("my {}".format), PLAIN_TEXTS, max_size=2)
TIERS: st.SearchStrategy[dict[str, str]] = st.dictionaries(
    st.just("tier"), st.sampled_from(["calls", 'say "hi"', "!"])
)


def read_again(
    text: str, table_format: TableFormat, recording: str, *, said: bool = True
) -> list[Window]:
    with TemporaryDirectory() as folder:
        file = Path(folder, "table")
        file.write_bytes(text.encode())
        read = read_windows(Source(file, recording), table_format if said else None)
    assert read.table_format is table_format
    return list(read.windows)


def in_order(table: list[Window], table_format: TableFormat) -> list[Window]:
    """Return windows in the order in which a format has them; a TextGrid has its own."""
    return sorted(table, key=repr) if table_format is TableFormat.TEXTGRID else table


@pytest.mark.parametrize("table_format", TEXT_FORMATS)
@some
@given(data=st.data())
def test_what_a_format_can_hold_is_written_and_read_as_it_was(table_format, data):
    table = data.draw(tables(held(table_format, PLAIN_TEXTS, PLAIN_MORE)))
    text = windows_text(table, table_format, sample_rate_hz=RATE_HZ)
    read = read_again(text, table_format, NIGHT, said=False)
    assert in_order(read, table_format) == in_order(table, table_format)


@pytest.mark.parametrize("table_format", TEXT_FORMATS)
@some
@given(data=st.data())
def test_hard_texts_are_kept_or_refused(table_format, data):
    table = data.draw(tables(held(table_format, LABELS, HARD_MORE)))
    assert_kept_or_refused(table, table_format)


@pytest.mark.parametrize("table_format", TEXT_FORMATS)
@some
@given(table=tables(windows(recordings=PATHS | st.just(NIGHT))))
def test_windows_of_every_kind_are_kept_or_refused(table_format, table):
    assert_kept_or_refused(table, table_format)


@some
@given(table=tables(windows(st.just(NIGHT), LABELS, NEVER, NEVER, NEVER, TIERS)))
def test_tiers_are_kept_or_refused(table):
    assert_kept_or_refused(table, TableFormat.TEXTGRID)


@some
@given(table=tables(windows(st.just(NIGHT), PLAIN_TEXTS, st.integers(1, 2), HERTZ)))
def test_channels_of_selections_are_kept_or_refused(table):
    assert_kept_or_refused(table, TableFormat.RAVEN)


def assert_kept_or_refused(table: list[Window], table_format: TableFormat) -> None:
    try:
        text = windows_text(table, table_format, sample_rate_hz=RATE_HZ)
    except WindowFaults:
        return
    read = read_again(text, table_format, table[0].recording)
    assert in_order(read, table_format) == in_order(table, table_format)


@some
@given(table=tables(windows(labels=PLAIN_TEXTS | NEVER, more=PLAIN_MORE)))
def test_a_parquet_file_has_all_that_is_said(table):
    with TemporaryDirectory() as folder:
        file = Path(folder, "windows.parquet")
        windows_to_parquet(table, file)
        rows = pyarrow.parquet.read_table(file).to_pylist()
    names = {"path": "recording", "start": "start_s", "end": "end_s"}
    own = ("path", "start", "end", "label", "channel", "low_hz", "high_hz", "probability")
    read = [
        Window(**{names.get(name, name): row.pop(name) for name in own}, more=_filled(row))
        for row in rows
    ]
    assert read == table


def _filled(row: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in row.items() if text is not None}


@pytest.mark.parametrize("table_format", TEXT_FORMATS)
def test_a_table_of_no_windows_is_read_as_such_or_refused(table_format):
    if table_format is TableFormat.TEXTGRID:
        with pytest.raises(TableError, match="a TextGrid cannot be so short"):
            windows_text([], table_format)
    else:
        assert read_again(windows_text([], table_format), table_format, NIGHT) == []


@pytest.mark.parametrize(
    ("table_format", "window", "problem"),
    [
        ("csv", Window(" a.wav", 0, 1), "' a.wav' has blanks at its ends, which CSV cannot hold"),
        ("csv", Window("a.wav", 0, 1, more={"end": "x"}), "it has a further column 'end'"),
        ("raven", Window("a.wav", 0, 1, "a\tb", None, 1, 2), r"'a\\tb' has a '\\t' in it"),
        ("raven", Window("a.wav", 0, 1), "it has no frequencies, and selections of Raven have"),
        ("raven", Window("a.wav", 0, 1, "x", None, 5), "it has one frequency"),
        ("raven", Window("a.wav", 0, 1, "x", 1, 1, 2), "it has channel 1, as all have"),
        ("audacity", Window("a.wav", 0, 1, "a\nb"), r"'a\\nb' has a '\\n' in it"),
        ("audacity", Window("a.wav", 0, 1, "a", 2), "it has a channel, 2"),
        ("audacity", Window("a.wav", 0, 1, probability=0.5), "it has a probability"),
        ("audacity", Window("a.wav", 0, 1, more={"note": "x"}), "it has a further column 'note'"),
        ("textgrid", Window("a.wav", 0, 1), "it has no label, which a TextGrid cannot hold"),
        ("textgrid", Window("a.wav", 0, 1, "a", None, 1, 2), "it has frequencies"),
        ("textgrid", Window("a.wav", 0, 1, "a", more={"tier": "windows 2"}), "is ours"),
        ("textgrid", Window("a.wav", 0, 1, "a\rb"), r"'a\\rb' has a '\\r' in it"),
        ("textgrid", Window("a.wav", 0, 1, "a\0b"), r"'a\\x00b' has a '\\x00' in it"),
        ("jsonl", Window("a.wav", 0, 1, more={"note": ""}), "neither may be empty"),
        ("jsonl", Window("a.wav", 0, 1, more={"": "far"}), "neither may be empty"),
        ("jsonl", Window("a\udcff.wav", 0, 1), "holds bytes that are no text; rename it"),
        ("jsonl", Window("a.wav", 1, 1), "end is 1.0 s, which is not after 1.0 s"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_its_row(table_format, window, problem):
    with pytest.raises(WindowFaults, match=rf"^row 1: .*{problem}"):
        windows_text([window], TableFormat(table_format))


def test_a_remedy_is_told_and_every_row_that_needs_it():
    table = [Window("a.wav", 0, 1, "x", 2), Window("b.wav", 0, 1), Window("a.wav", 0, 1, "y")]
    with pytest.raises(WindowFaults) as refused:
        windows_text(table, TableFormat.AUDACITY)
    remedy = "which a label track of Audacity cannot hold; write CSV or JSON lines"
    assert [str(each) for each in refused.value.faults] == [
        f"row 1: it has a channel, 2, {remedy}",
        f"row 2: it is of another recording than the first, 'b.wav', {remedy}",
    ]


def test_windows_of_one_tier_that_overlap_are_refused_with_both():
    table = [
        Window("a.wav", 0, 9, "x", more={"tier": "calls"}),
        Window("a.wav", 1, 2, "y", more={"tier": "calls"}),
        Window("a.wav", 3, 4, "z", more={"tier": "calls"}),
        Window("a.wav", 3, 4, "z", more={"tier": "songs"}),
    ]
    with pytest.raises(WindowFaults) as refused:
        windows_text(table, TableFormat.TEXTGRID)
    assert [each.where for each in refused.value.faults] == ["row 2", "row 3"]
    assert "from 0.0 to 9.0 s lasts, which is in the tier 'calls' too" in str(refused.value)
