"""Label tracks of Audacity."""

import pytest
from tests.unit.windows.window_strategies import NIGHT

from aloe.windows import TableFormat, Window, WindowFaults, windows_text

TRACK = (
    "0.101385\t0.367520\tSP\n"
    "\\\t6441.064453\t12296.577148\n"
    '0.500000\t3.041545\tlong, with "quotes"\n'
    "4.000000\t5.000000\t\n"
)
"""As Audacity 3 writes it: extended format, where a label has frequencies."""


def test_labels_with_and_without_frequencies_are_read(read):
    table = read(TRACK)
    assert table.table_format is TableFormat.AUDACITY
    assert table.windows == (
        Window(NIGHT, 0.101385, 0.36752, "SP", low_hz=6441.064453, high_hz=12296.577148),
        Window(NIGHT, 0.5, 3.041545, 'long, with "quotes"'),
        Window(NIGHT, 4.0, 5.0),
    )
    assert [table.where(place) for place in range(3)] == ["line 1", "line 3", "line 4"]


def test_windows_are_written_as_audacity_does():
    windows = [Window(NIGHT, 0, 1.5, "a b", low_hz=100), Window(NIGHT, 1e-5, 2)]
    assert windows_text(windows, TableFormat.AUDACITY) == (
        "0.0\t1.5\ta b\n\\\t100.0\t-1.0\n0.00001\t2.0\t\n"
    )


def test_line_ends_blank_lines_and_decimal_commas_are_read(windows_of):
    assert windows_of("0,5\t1,5\tx\r\n\r\n2\t3\ty \r") == [
        Window(NIGHT, 0.5, 1.5, "x"),
        Window(NIGHT, 2, 3, "y"),
    ]


@pytest.mark.parametrize("line", ["2.5\t2.5\tcall", "2.5\tcall"])
def test_a_point_becomes_a_window_where_it_is_said_how_long(read, windows_of, line):
    with pytest.raises(WindowFaults, match=r"line 1: a point at 2\.5 s has no length; say how"):
        read(f"{line}\n")
    assert windows_of(f"{line}\n", point_length_s=1.0) == [Window(NIGHT, 2.0, 3.0, "call")]


def test_windows_around_points_end_where_the_recording_does(windows_of):
    track = "0.25\t0.25\tx\n9.75\t9.75\ty\n"
    assert windows_of(track, point_length_s=1.0, lengths={NIGHT: 10.0}) == [
        Window(NIGHT, 0.0, 0.75, "x"),
        Window(NIGHT, 9.25, 10.0, "y"),
    ]


def test_a_point_past_the_end_is_told(read):
    with pytest.raises(WindowFaults, match=r"line 1: it ends at 11\.5 s, and night\.flac after 10"):
        read("11\t11\tx\n", lengths={NIGHT: 10.0}, point_length_s=1.0)


@pytest.mark.parametrize("length_s", [0, -1.0, float("nan")])
def test_windows_around_points_have_a_length(read, length_s):
    with pytest.raises(ValueError, match="they must have a length"):
        read("11\t11\tx\n", point_length_s=length_s)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hello\tworld", "start is 'hello'; write seconds, such as 1.5; write start, end and"),
        ("1\t2\ta\tb", r"'1\\t2\\ta\\tb' is no label; write start, end and label between tabs"),
        ("\\\t1\t2", r"start is '\\\\'; write seconds"),
        ("2\t1\tx", r"end is 1\.0 s, which is not after 2\.0 s"),
        ("1\t2\tx\n\\\t1", "line 3 and what follows is no pair of frequencies"),
        ("1\t2\tx\n\\\t1\t2\n\\\tq", "line 3 and what follows is no pair of frequencies"),
        ("1\t2\tx\n\\\tlow\t2", "line 3: the low frequency is 'low'; write Hz"),
        ("1\t2\tx\n\\\t9\t2", r"the high frequency is 2\.0 Hz, below the low one, 9\.0 Hz"),
        ("1\t2\tx\n\\\t-7\t2", r"the low frequency is -7\.0 Hz; give 0 or more"),
    ],
)
def test_a_line_that_is_no_label_is_told(read, line, problem):
    # A blank first line, so that none continues another label.
    with pytest.raises(WindowFaults, match=rf"table, line 2: {problem}"):
        read(f"\n{line}\n", TableFormat.AUDACITY)
