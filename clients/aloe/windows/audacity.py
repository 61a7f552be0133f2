"""Label tracks of Audacity: a line of start, end and label between tabs for each.

Behind one that has frequencies comes a line that begins with a backslash. A label at a point has
its time twice, or once. See "Importing and Exporting Labels" in Audacity's manual; where that is
silent, this follows its LabelImportExport.cpp.
"""

import re
from collections.abc import Iterator, Sequence

from aloe.tables import Numbers, Row, number_text, read_bytes
from aloe.windows.checks import Found
from aloe.windows.points import at_point
from aloe.windows.source import Source
from aloe.windows.window import Window

_LINE_END = re.compile(r"\r\n|\r|\n")
_START, _END, _LOW, _HIGH = "start", "end", "the low frequency", "the high frequency"
_CONTINUED = "\\"
_NO_FREQUENCY = -1.0
_FORM = "write start, end and label between tabs"


def read_audacity(source: Source, length_s: float | None = None) -> Iterator[Found]:
    """Read the labels of one recording.

    Args:
        source: the label track.
        length_s: of the recording, where it is known: windows around points end there.

    Raises:
        TableError: it cannot be read; the message names the line.
    """
    data, encoding = read_bytes(source.file, source.encoding)
    numbers = Numbers()
    for number, line, continued in _labels(_LINE_END.split(data.decode(encoding))):
        problems: list[str] = []
        times = _cells(number, line, (_START, _END), source)
        start_s, end_s, label = _times(times, line.split("\t"), numbers, problems)
        low_hz, high_hz = _frequencies(number + 1, continued, source, numbers, problems)
        if problems or start_s is None or end_s is None:
            yield Found(number, None, tuple(problems))
            continue
        window = Window(
            source.recording, start_s, end_s, label.strip() or None, None, low_hz, high_hz
        )
        is_point = start_s == end_s
        yield at_point(number, window, source, length_s) if is_point else Found(number, window)


def audacity_text(windows: Sequence[Window]) -> str:
    """Write the windows of one recording as `read_audacity` reads them."""
    lines: list[str] = []
    for window in windows:
        times = f"{number_text(window.start_s)}\t{number_text(window.end_s)}"
        lines.append(f"{times}\t{window.label or ''}\n")
        frequencies = (window.low_hz, window.high_hz)
        if frequencies != (None, None):
            texts = [number_text(_NO_FREQUENCY if hz is None else hz) for hz in frequencies]
            lines.append("\t".join([_CONTINUED, *texts]) + "\n")
    return "".join(lines)


def _labels(lines: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the line of each label, its number and the lines that continue it."""
    place = 0
    while place < len(lines):
        first = place
        place += 1
        if not lines[first].strip():
            continue
        while place < len(lines) and lines[place].startswith(_CONTINUED):
            place += 1
        yield first + 1, lines[first], list(lines[first + 1 : place])


def _cells(number: int, line: str, names: Sequence[str], source: Source) -> Row:
    cells = (cell.strip() for cell in line.split("\t"))
    return Row(source.file, number, dict(zip(names, cells, strict=False)), separator="\t")


def _times(
    row: Row, cells: Sequence[str], numbers: Numbers, problems: list[str]
) -> tuple[float | None, float | None, str]:
    """Return start, end and label of a line."""
    try:
        start_s = numbers.read(row, _START, "seconds")
    except ValueError as error:
        problems.append(f"{error}; {_FORM}")
        return None, None, ""
    try:
        end_s, rest = numbers.read(row, _END, "seconds"), cells[2:]
    except ValueError:
        # As Audacity reads it: where the second is no time, it is the label of a point.
        end_s, rest = start_s, cells[1:]
    if start_s is None or end_s is None or len(rest) > 1:
        problems.append(f"{chr(9).join(cells)!r} is no label; {_FORM}")
    return start_s, end_s, "".join(rest[:1])


def _frequencies(
    number: int, continued: Sequence[str], source: Source, numbers: Numbers, problems: list[str]
) -> tuple[float | None, float | None]:
    """Return the frequencies of a label; Audacity writes -1 where one is not there."""
    if not continued:
        return None, None
    line = continued[0]
    if len(continued) > 1 or line.count("\t") != 2 or not line.startswith(f"{_CONTINUED}\t"):
        problems.append(f"line {number} and what follows is no pair of frequencies: {line!r}")
        return None, None
    row = _cells(number, line.removeprefix(f"{_CONTINUED}\t"), (_LOW, _HIGH), source)
    found: list[float | None] = []
    for name in (_LOW, _HIGH):
        try:
            value = numbers.read(row, name, "Hz")
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            value = None
        found.append(None if value == _NO_FREQUENCY else value)
    return found[0], found[1]
