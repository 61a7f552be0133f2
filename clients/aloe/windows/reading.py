"""Reading tables of windows, in whatever format they are."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from aloe.tables import TableError, read_bytes
from aloe.windows.audacity import read_audacity
from aloe.windows.checks import Found, Lengths, check
from aloe.windows.formats import HOLDS, TableFormat, format_of
from aloe.windows.own_tables import read_csv, read_json
from aloe.windows.raven import read_raven
from aloe.windows.source import Source
from aloe.windows.textgrid import read_textgrid
from aloe.windows.window import Window

_BINARY = (b"ooBinaryFile", b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files begin that are no text: Praat's, Parquet's and those of spreadsheets."""
_SNIFFED = 4_096
"""Bytes, a multiple of four, so that no letter of UTF-32 is cut."""


@dataclass(frozen=True, slots=True)
class WindowTable:
    """The windows of a file, in its order."""

    file: Path
    table_format: TableFormat
    windows: tuple[Window, ...]
    numbers: "array[int]"
    """The line of each window."""
    notes: tuple[str, ...] = ()
    """What was read otherwise than it may seem."""

    def where(self, place: int) -> str:
        """Return where a window stands."""
        return f"line {self.numbers[place]}"


def read_windows(
    source: Source | Path,
    table_format: TableFormat | None = None,
    *,
    lengths: Lengths | None = None,
) -> WindowTable:
    """Read a table of windows: CSV, JSON lines, or what Raven, Audacity or Praat wrote.

    Args:
        source: the file, and how to read it if that is to be said.
        table_format: by default what the file seems to be.
        lengths: where it is known which recordings there are: of each, by the path that the table
            has for it, how many seconds it lasts. Others are then wrong, and so are windows that
            end later, but for what rounding makes of an end, a millisecond.

    Raises:
        WindowFaults: rows are wrong; all of them are told, by their lines.
        TableError: the file cannot be read as a table; the message names the line.
    """
    if isinstance(source, Path):
        source = Source(source)
    _check_source(source)
    data, encoding = read_bytes(source.file, source.encoding)
    source = replace(source, encoding=encoding)
    beginning = data[:_SNIFFED].decode(encoding, errors="ignore")
    table_format = table_format or format_of(beginning)
    holds = HOLDS[table_format]
    if not (source.recording or holds.keeps_recording):
        raise TableError(f"{source.file}: {holds.name} names no recording; say which it is about")
    notes: list[str] = []
    checked = check(
        _rows(source, table_format, notes, lengths), f"{source.file}, line ", lengths=lengths
    )
    return WindowTable(
        source.file, table_format, tuple(checked.windows), checked.numbers, tuple(notes)
    )


def _check_source(source: Source) -> None:
    length_s = source.point_length_s
    if length_s is not None and not length_s > 0:
        raise ValueError(f"windows around points of {length_s} s; they must have a length")
    try:
        with source.file.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise TableError(f"cannot read {source.file}: {error.strerror}") from error
    if start.startswith(_BINARY):
        raise TableError(f"{source.file} is no text; save or export it as text (CSV, TextGrid)")


def _rows(
    source: Source, table_format: TableFormat, notes: list[str], lengths: Lengths | None
) -> Iterable[Found]:
    match table_format:
        case TableFormat.CSV:
            return read_csv(source)
        case TableFormat.JSON_LINES:
            return read_json(source)
        case TableFormat.RAVEN:
            return read_raven(source, notes)
        case TableFormat.AUDACITY:
            return read_audacity(source, (lengths or {}).get(source.recording))
        case TableFormat.TEXTGRID:
            return read_textgrid(source)
        case TableFormat.PARQUET:
            raise TableError(f"{source.file}: windows are not read from Parquet; write CSV")
