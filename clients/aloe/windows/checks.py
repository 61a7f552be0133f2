"""What is wrong with windows, all of it, each with its place."""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from aloe.tables import TableError, number_text
from aloe.windows.window import Window

Lengths = Mapping[str, float | None]
"""The recordings that there are, by path, and how many seconds they last; None if not known."""
_ROUNDING_S = 0.001
"""Tables round: a window may end so much after its recording."""
_MAX_FAULTS = 1_000
_MAX_HINTS = 10
"""Names for which a like one is looked for: among many recordings that takes its time."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with one row of a table."""

    where: str
    problem: str
    """What is wrong, with the value, and what would be right."""

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.where}: {self.problem}"


class WindowFaults(TableError):
    """Rows that cannot be used."""

    def __init__(self, faults: list[Fault], fault_count: int) -> None:
        """Tell the first.

        Args:
            faults: the first thousand.
            fault_count: how many there are.
        """
        more = f"; and {fault_count - 1:,} more" if fault_count > 1 else ""
        super().__init__(f"{faults[0]}{more}")
        self.faults = tuple(faults)
        self.fault_count = fault_count


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a row: a window, or what is wrong, or both."""

    number: int
    window: Window | None
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Checked:
    """Windows without faults, and the row of each."""

    windows: list[Window] = field(default_factory=list)
    numbers: "array[int]" = field(default_factory=lambda: array("Q"))


def check(rows: Iterable[Found], place: str, lengths: Lengths | None = None) -> Checked:
    """Check rows, by themselves and against each other.

    Args:
        rows: of one table.
        place: what to write before the number of a row.
        lengths: where it is known which recordings there are.

    Raises:
        WindowFaults: any row is wrong.
    """
    checked = Checked()
    faults: list[Fault] = []
    fault_count = 0
    first_of: dict[tuple[object, ...], int] = {}
    hints: dict[str, str] = {}
    for row in rows:
        told = [*row.problems]
        if row.window is not None:
            told += problems(row.window, lengths, hints)
            first = first_of.setdefault(row.window.key, len(checked.windows))
            if first < len(checked.windows):
                told.append(f"{place}{checked.numbers[first]} has this window too; list it once")
            checked.windows.append(row.window)
            checked.numbers.append(row.number)
        room = _MAX_FAULTS - len(faults)
        faults += [Fault(f"{place}{row.number}", each) for each in told[:room]]
        fault_count += len(told)
    if faults:
        raise WindowFaults(faults, fault_count)
    return checked


def problems(
    window: Window, lengths: Lengths | None = None, hints: dict[str, str] | None = None
) -> Iterator[str]:
    """Yield what is wrong with a window by itself, and with what is known of its recording.

    Args:
        window: one of a table.
        lengths: where it is known which recordings there are.
        hints: of the table; gets what a recording that is not there may be.
    """
    if not window.recording:
        yield "no recording is named; give its path"
    yield from _time_problems(window)
    yield from _frequency_problems(window)
    yield from _text_problems(window)
    if window.channel is not None and window.channel < 1:
        yield f"channel is {window.channel}; the first is 1"
    if window.probability is not None and not 0 <= window.probability <= 1:
        yield f"probability is {number_text(window.probability)}; it lies between 0 and 1"
    if lengths is not None and window.recording:
        yield from _length_problems(window, lengths, {} if hints is None else hints)


def _time_problems(window: Window) -> Iterator[str]:
    start, end = number_text(window.start_s), number_text(window.end_s)
    if not (math.isfinite(window.start_s) and math.isfinite(window.end_s)):
        yield f"it lasts from {start} to {end}; give seconds"
        return
    if window.start_s < 0:
        yield f"start is {start} s; recordings begin at 0"
    if window.end_s <= window.start_s:
        yield f"end is {end} s, which is not after {start} s"


def _frequency_problems(window: Window) -> Iterator[str]:
    for name, value in (("low", window.low_hz), ("high", window.high_hz)):
        if value is not None and not 0 <= value < math.inf:
            yield f"the {name} frequency is {number_text(value)} Hz; give 0 or more, or none"
    if window.low_hz is not None and window.high_hz is not None and window.high_hz < window.low_hz:
        yield (
            f"the high frequency is {number_text(window.high_hz)} Hz, below the low one,"
            f" {number_text(window.low_hz)} Hz"
        )


def _text_problems(window: Window) -> Iterator[str]:
    # Tables are read without the blanks around their cells, and so are names of classes.
    if window.label is not None and (not window.label or window.label != window.label.strip()):
        yield f"the label {window.label!r} is empty or has blanks at its ends"
    for column, cell in window.more.items():
        if not column or not cell:
            yield f"the cell {cell!r} in the column {column!r}: neither may be empty"
    for text in (window.recording, window.label or "", *window.more, *window.more.values()):
        try:
            text.encode()
        except UnicodeEncodeError:
            yield f"{text!r} holds bytes that are no text; rename it"


def _length_problems(window: Window, lengths: Lengths, hints: dict[str, str]) -> Iterator[str]:
    name = window.recording
    if name not in lengths:
        if name not in hints and len(hints) < _MAX_HINTS:
            near = get_close_matches(name, lengths, n=1)
            hints[name] = f"; is it {near[0]!r}?" if near else ""
        yield f"there is no recording {name!r}{hints.get(name, '')}"
        return
    length_s = lengths[name]
    if length_s is not None and window.end_s > length_s + _ROUNDING_S:
        end, length = number_text(window.end_s), number_text(length_s)
        yield f"it ends at {end} s, and {name} after {length} s"
