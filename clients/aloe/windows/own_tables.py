"""Our own tables of windows: `path,start,end[,label,...]` as CSV, or objects of JSON a line."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from aloe.tables import number_text, read_json_lines, read_table
from aloe.windows.cells import OWN_COLUMNS, CellReader, Columns
from aloe.windows.checks import Found
from aloe.windows.source import Source
from aloe.windows.window import Window

FORM = "path,start,end[,label,channel,low_hz,high_hz,probability,...]"


def read_csv(source: Source) -> Iterator[Found]:
    """Read a table whose first line names its columns.

    Raises:
        TableError: it cannot be read; the message names the line.
    """
    columns, required = _columns(source)
    reader = CellReader(columns, source.recording)
    for row in read_table(source.file, required, form=FORM, encoding=source.encoding):
        yield reader.read(row)


def read_json(source: Source) -> Iterator[Found]:
    """Read an object a line, with the same names.

    Raises:
        TableError: it cannot be read; the message names the line.
    """
    columns, required = _columns(source)
    reader = CellReader(columns, source.recording)
    for row in read_json_lines(source.file, required, encoding=source.encoding):
        yield reader.read(row)


def csv_text(windows: Sequence[Window]) -> str:
    """Write windows as `read_csv` reads them; columns that no window fills are left out."""
    text = io.StringIO(newline="")
    names = _filled(windows)
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(cells_of(window) for window in windows)
    return text.getvalue()


def json_text(windows: Sequence[Window]) -> str:
    """Write windows as `read_json` reads them; names without a value are left out."""
    return "".join(json.dumps(values_of(window), ensure_ascii=False) + "\n" for window in windows)


def values_of(window: Window) -> dict[str, str | float]:
    """Return what is said of a window, by column."""
    own = OWN_COLUMNS
    values = {
        own.recording: window.recording,
        own.start: float(window.start_s),
        own.end: float(window.end_s),
        own.label: window.label,
        own.channel: window.channel,
        own.low: window.low_hz,
        own.high: window.high_hz,
        own.probability: window.probability,
        **window.more,
    }
    return {name: value for name, value in values.items() if value is not None}


def cells_of(window: Window) -> dict[str, str]:
    """Return the cells of a row."""
    return {
        name: value if isinstance(value, str) else _number(value)
        for name, value in values_of(window).items()
    }


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else number_text(value)


def _columns(source: Source) -> tuple[Columns, list[str]]:
    """Return how columns are called, and which must be there."""
    own = OWN_COLUMNS
    required = [own.start, own.end] if source.recording else [own.recording, own.start, own.end]
    if not source.label_column:
        return own, required
    return Columns(label=source.label_column), [*required, source.label_column]


def _filled(windows: Sequence[Window]) -> list[str]:
    """Return the columns that any window fills, the known ones first."""
    filled = {name: None for window in windows for name in values_of(window)}
    known = OWN_COLUMNS.names
    return [
        *(name for name in known if name in filled or name in known[:3]),
        *(name for name in filled if name not in known),
    ]
