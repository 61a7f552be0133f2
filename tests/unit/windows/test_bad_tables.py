"""Tables that people get wrong: each fault is told, with its line and what stands there."""

import pytest

from aloe.tables import TableError
from aloe.windows import Source, TableFormat, Window, WindowFaults, read_windows

HEAD = "path,start,end,label\n"


def faults_of(read, text, **options):
    with pytest.raises(WindowFaults) as caught:
        read(text, **options)
    return [str(each).partition("table, ")[2] for each in caught.value.faults]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a.wav,2,1,x", "end is 1.0 s, which is not after 2.0 s"),
        ("a.wav,1.5,1.50,x", "end is 1.5 s, which is not after 1.5 s"),
        ("a.wav,-1,1,x", "start is -1.0 s; recordings begin at 0"),
        ("a.wav,nan,1,x", "start is 'nan'; write seconds, such as 1.5"),
        ("a.wav,0,inf,x", "end is 'inf'; write seconds, such as 1.5"),
        ("a.wav,0,1e400,x", "end is '1e400'; no number is so large"),
        ("a.wav,00:01,00:02,x", "start is '00:01'; write seconds, such as 1.5"),
        ("a.wav,,1,x", "start is empty; write seconds, such as 1.5"),
        ('a.wav,"0,5",1,x', "start is '0,5'; write seconds, such as 1.5"),
        (",0,1,x", "no recording is named; give its path"),
    ],
)
def test_a_row_that_is_wrong_is_told_with_its_line_and_value(read, row, problem):
    assert f"line 3: {problem}" in faults_of(read, f"{HEAD}a.wav,0,1,x\n{row}\n", recording="")


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("channel", "0", "channel is '0'; write a number from 1"),
        ("channel", "mix", "channel is 'mix'; write a number from 1"),
        ("low_hz", "-1", "the low frequency is -1.0 Hz; give 0 or more, or none"),
        ("high_hz", "12 kHz", "high_hz is '12 kHz'; write a number, such as 1.5"),
        ("probability", "87", "probability is 87.0; it lies between 0 and 1"),
        ("", "x", "'x' stands under no column; name it in the first line"),
    ],
)
def test_a_further_cell_that_is_wrong_is_told(read, column, cell, problem):
    text = f"path,start,end,{column}\na.wav,0,1,{cell}\n"
    assert faults_of(read, text) == [f"line 2: {problem}"]


def test_frequencies_the_wrong_way_round_are_told(read):
    text = "path,start,end,low_hz,high_hz\na.wav,0,1,200,100\n"
    assert faults_of(read, text) == [
        "line 2: the high frequency is 100.0 Hz, below the low one, 200.0 Hz"
    ]


def test_all_that_is_wrong_is_told_not_only_the_first(read):
    text = HEAD + "a.wav,2,1,x\na.wav,0,1,x\na.wav,-1,x,y\na.wav,-1,0,y\n"
    assert [each.partition(":")[0] for each in faults_of(read, text)] == [
        "line 2",
        "line 4",
        "line 5",
    ]
    with pytest.raises(WindowFaults, match=r"table, line 2: end is 1\.0 s, .*; and 2 more$"):
        read(text)


def test_a_thousand_faults_are_told_and_the_others_counted(read):
    with pytest.raises(WindowFaults) as caught:
        read(HEAD + "a.wav,2,1,x\n" * 1_500)
    assert len(caught.value.faults) == 1_000
    assert caught.value.fault_count == 1_500 + 1_499


def test_a_row_that_stands_twice_is_told_with_both_lines(read):
    text = HEAD + "a.wav,0,1,x\na.wav,0,1,y\n\na.wav,0.0,1.00,x\n"
    (fault,) = faults_of(read, text)
    assert fault.startswith("line 5: ")
    assert fault.endswith("line 2 has this window too; list it once")


def test_a_recording_that_is_not_there_is_told_with_the_nearest(read):
    lengths = {"night.flac": 10.0, "day.flac": None}
    text = "path,start,end\nnigth.flac,0,1\nother.mp3,0,1\nday.flac,0,999\n"
    assert faults_of(read, text, lengths=lengths) == [
        "line 2: there is no recording 'nigth.flac'; is it 'night.flac'?",
        "line 3: there is no recording 'other.mp3'",
    ]


def test_few_names_are_looked_for_among_many_recordings(read):
    lengths = {f"{number}.flac": 1.0 for number in range(100)}
    text = "path,start,end\n" + "".join(f"{number}.flc,0,1\n" for number in range(20))
    told = faults_of(read, text, lengths=lengths)
    assert [each.endswith(".flac'?") for each in told] == [True] * 10 + [False] * 10


def test_a_window_past_the_end_is_told_but_not_what_rounding_makes_of_an_end(read):
    text = "path,start,end\na.wav,0,10.0005\na.wav,9,10.002\n"
    assert faults_of(read, text, lengths={"a.wav": 10.0}) == [
        "line 3: it ends at 10.002 s, and a.wav after 10.0 s"
    ]


@pytest.mark.parametrize("missing", ["path", "start", "end"])
def test_a_missing_column_is_told_with_what_should_be_there(read, missing):
    names = ",".join(name for name in ("path", "start", "end", "label") if name != missing)
    with pytest.raises(TableError, match=f"line 1: no column '{missing}' in .* path,start,end"):
        read(f"{names}\n1,2,3\n", recording="")


def test_a_label_column_that_is_asked_for_must_be_there(read, windows_of):
    with pytest.raises(TableError, match="line 1: no column 'species'"):
        read(HEAD, label_column="species")
    text = "path,start,end,species,label\na.wav,0,1,owl,3\n"
    assert windows_of(text, label_column="species") == [
        Window("a.wav", 0, 1, "owl", more={"label": "3"})
    ]


def test_decimal_commas_of_spreadsheets_are_read(windows_of):
    text = "path;start;end;label\r\na.wav;0,5;1,25;käuzchen\r\n"
    for encoding in ("utf-8-sig", "utf-16"):
        assert windows_of(text, encoding=encoding) == [Window("a.wav", 0.5, 1.25, "käuzchen")]


def test_two_decimal_signs_in_one_table_are_told(read):
    text = "path;start;end\na.wav;0,5;1,5\na.wav;2.5;3\n"
    (fault,) = faults_of(read, text)
    assert fault.startswith("line 3: start is '2.5', and line 2 has a number with ','")


def test_mixed_encodings_are_told_with_the_line_and_the_byte(tmp_path):
    file = tmp_path / "table"
    file.write_bytes(HEAD.encode() + "a.wav,0,1,käuzchen\n".encode() + b"a.wav,1,2,k\xe4uzchen\n")
    with pytest.raises(TableError, match=r"line 3: this is not UTF-8 text \(byte 0xe4\)"):
        read_windows(file)
    with pytest.raises(TableError, match="no encoding 'klingon'"):
        read_windows(Source(file, encoding="klingon"))


@pytest.mark.parametrize("content", [b"PK\x03\x04...", b"ooBinaryFile\x08TextGrid", b"PAR1..."])
def test_a_file_that_is_no_text_is_told(tmp_path, content):
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(TableError, match="table is no text; save or export it as text"):
        read_windows(tmp_path / "table")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TableError, match=r"cannot read .*table: No such file"):
        read_windows(tmp_path / "table")


@pytest.mark.parametrize("table_format", [TableFormat.AUDACITY, TableFormat.TEXTGRID])
def test_what_names_no_recording_is_not_read_without_one(read, table_format):
    with pytest.raises(TableError, match="names no recording; say which it is about"):
        read("0\t1\tx\n", table_format, recording="")


def test_places_of_windows_are_known(read):
    table = read('path,start,end,note\na.wav,0,1,"x\ny"\n\na.wav,1,2,z\n')
    assert [table.where(place) for place in range(2)] == ["line 3", "line 5"]
    assert table.windows[0].more == {"note": "x\ny"}


def test_a_table_may_leave_out_the_recording_that_is_given(windows_of):
    assert windows_of("start,end\n0,1\n") == [Window("night.flac", 0, 1)]
    assert windows_of('{"start": 0, "end": 1.50}\n') == [Window("night.flac", 0, 1.5)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"path": "a.wav", "start": 0}', "there is no 'end'"),
        ('{"path": "a.wav", "start": 0, "end": [1]}', r"'end' is \['1'\]; it must be text"),
        ('{"path": "a.wav", "start": NaN, "end": 1}', "start is 'NaN'; write seconds"),
        ('{"path": "a.wav", "start": 0, "end": 1, "label": "x "}', "'x ' is empty or has blanks"),
    ],
)
def test_an_object_that_is_wrong_is_told_with_its_line(read, line, problem):
    with pytest.raises(TableError, match=f"table, line 2: .*{problem}"):
        read(f'{{"path": "a.wav", "start": 1, "end": 2, "label": null}}\n{line}\n')
