"""Selection tables of Raven."""

import pytest
from tests.unit.windows.window_strategies import NIGHT

from aloe.tables import TableError
from aloe.windows import TableFormat, Window, WindowFaults, windows_text

HEAD = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies"
)
ROWS = (
    "1\tSpectrogram 1\t1\t154.387792767\t154.911598217\t2878.2\t4049.0\tEATO\r\n"
    '2\tSpectrogram 1\t1\t167.5\t168.0\t2731.9\t3902.7\tso-called "owl"\r\n'
)


def table(*rows: str, columns: str = "") -> str:
    return "\n".join([HEAD + columns, *rows, ""])


def test_selections_of_one_recording_are_read(read):
    found = read(f"{HEAD}\r\n{ROWS}")
    assert found.table_format is TableFormat.RAVEN
    assert found.windows == (
        Window(NIGHT, 154.387792767, 154.911598217, "EATO", None, 2878.2, 4049.0),
        Window(NIGHT, 167.5, 168.0, 'so-called "owl"', None, 2731.9, 3902.7),
    )
    assert found.notes == ("no Channel but 1: read as if none were chosen",)


def test_windows_are_written_with_what_raven_needs():
    windows = [
        Window(NIGHT, 0, 1.5, "owl", None, 100, 200.5, 0.75),
        Window(NIGHT, 2, 3, more={"Note": "far"}),
    ]
    header = HEAD.replace("Species", "Begin Path\tFile Offset (s)\tAnnotation\tProbability\tNote")
    assert windows_text(windows, TableFormat.RAVEN, sample_rate_hz=32_000).splitlines() == [
        header,
        "1\tSpectrogram 1\t1\t0.0\t1.5\t100.0\t200.5\tnight.flac\t0.0\towl\t0.75\t",
        "2\tWaveform 1\t1\t2.0\t3.0\t0.0\t16000.0\tnight.flac\t2.0\t\t\tfar",
    ]


def test_times_are_those_in_their_own_file(windows_of):
    """As for a sound of three files of 60 s, and as BirdNET-Analyzer combines its results."""
    rows = [
        "1\tSpectrogram 1\t1\t3.1\t6.1\t0\t15000\towl\ta.wav\t3.1",
        "2\tSpectrogram 1\t1\t63.1\t66.1\t0\t15000\towl\tb.wav\t3.1",
        "3\tSpectrogram 1\t1\t120.0\t123.0\t0\t15000\towl\tc.wav\t0",
    ]
    text = table(*rows, columns="\tBegin Path\tFile Offset (s)")
    assert windows_of(text, recording="") == [
        Window("a.wav", 3.1, 6.1, "owl", None, 0, 15000),
        Window("b.wav", 3.1, 6.1, "owl", None, 0, 15000),
        Window("c.wav", 0.0, 3.0, "owl", None, 0, 15000),
    ]


def test_selections_of_several_files_without_their_offsets_are_refused(read):
    rows = [
        "1\tSpectrogram 1\t1\t3\t6\t0\t9\towl\ta.wav",
        "2\tSpectrogram 1\t1\t3\t6\t0\t9\towl\tb.wav",
    ]
    with pytest.raises(
        TableError, match=r"line 1: selections of 2 recordings.*'File Offset \(s\)'"
    ):
        read(table(*rows, columns="\tBegin File"), recording="")


def test_a_selection_over_two_files_is_refused(read):
    row = "1\tSpectrogram 1\t1\t59\t61\t0\t9\towl\ta.wav\tb.wav\t59"
    with pytest.raises(WindowFaults, match=r"line 2: it ends in another file, 'b\.wav'; make one"):
        read(table(row, columns="\tBegin File\tEnd File\tFile Offset (s)"))


def test_a_table_without_any_recording_is_refused_unless_one_is_given(read, windows_of):
    text = table("1\tSpectrogram 1\t1\t3\t6\t0\t9\towl")
    with pytest.raises(TableError, match="line 1: no column 'Begin Path' or 'Begin File'"):
        read(text, recording="")
    assert windows_of(text) == [Window(NIGHT, 3, 6, "owl", None, 0, 9)]


def test_views_of_one_selection_are_one_window(read):
    found = read(
        table(
            "1\tWaveform 1\t1\t3\t6\t0\t24000\towl",
            "1\tSpectrogram 1\t1\t3\t6\t100\t900\towl",
            "2\tSpectrogram 1\t1\t7\t8\t100\t900\tfox",
            "2\tWaveform 1\t1\t7\t8\t0\t24000\tfox",
            "3\tWaveform 1\t1\t9\t10\t0\t24000\tcar",
            "3\tWaveform 2\t1\t9\t10\t0\t24000\tcar",
        )
    )
    assert found.windows == (
        Window(NIGHT, 3, 6, "owl", None, 100, 900),
        Window(NIGHT, 7, 8, "fox", None, 100, 900),
        Window(NIGHT, 9, 10, "car"),
    )
    assert found.notes[0] == "3 rows are other views of selections read once"


def test_channels_are_read_where_any_is_not_the_first(read):
    rows = [
        "1\tSpectrogram 1\t1\t3\t6\t100\t900\towl",
        "2\tSpectrogram 1\t2\t3\t6\t100\t900\towl",
    ]
    found = read(table(*rows))
    assert [window.channel for window in found.windows] == [1, 2]
    assert not found.notes


def test_the_likeliest_column_of_labels_is_read_and_the_others_kept(windows_of):
    row = "1\tSpectrogram 1\t1\t3\t6\t100\t900\t\tEurasian Blackbird\teurbla\t0.9016"
    text = table(row, columns="\tCommon Name\tSpecies Code\tConfidence").replace(
        "\tSpecies\t", "\tSite\t"
    )
    others = {"Species Code": "eurbla", "Confidence": "0.9016"}
    assert windows_of(text) == [
        Window(NIGHT, 3, 6, "Eurasian Blackbird", None, 100, 900, more=others)
    ]
    (window,) = windows_of(text, label_column="Species Code")
    assert (window.label, window.more["Common Name"]) == ("eurbla", "Eurasian Blackbird")


def test_a_selection_that_is_wrong_is_told_by_ravens_names(read):
    with pytest.raises(WindowFaults) as caught:
        read(table("1\tSpectrogram 1\t1\tx\t6\t100\ty\towl"))
    assert [each.problem for each in caught.value.faults] == [
        "Begin Time (s) is 'x'; write seconds, such as 1.5",
        "High Freq (Hz) is 'y'; write a number, such as 1.5",
    ]


def test_windows_with_and_without_a_channel_are_refused():
    windows = [
        Window(NIGHT, 0, 1, "owl", None, 1, 2),
        Window(NIGHT, 0, 1, "owl", 2, 1, 2),
    ]
    with pytest.raises(WindowFaults, match="row 2: it has channel 2, and others none; give all"):
        windows_text(windows, TableFormat.RAVEN)
