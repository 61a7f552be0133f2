"""Tables of text, row by row; each row knows its file and line, for messages."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aloe.bench.datasets.errors import DatasetError

_DELIMITERS = (",", ";", "\t", "|")
_MARKS = (
    # The mark of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    file: Path
    number: int
    cells: Mapping[str, str]
    unit: str = "line"
    """What the number counts."""

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.file}, {self.unit} {self.number}"

    def require(self, column: str) -> str:
        """Return a cell.

        Raises:
            DatasetError: it is empty.
        """
        value = self.cells[column]
        if not value:
            raise DatasetError(f"{self.where}: the column {column!r} is empty; fill it in")
        return value


def read_table(
    file: Path,
    required: Sequence[str],
    *,
    form: str = "",
    columns: Sequence[str] = (),
    encoding: str | None = None,
) -> Iterator[Row]:
    """Read a CSV file whose first line names its columns, or one without such a line.

    Its cells are separated by commas, semicolons, tabs or bars, whichever makes the required
    columns appear in the first line. Blanks around a cell are no part of it.

    Args:
        file: UTF-8 or UTF-16 text, or UTF-32 with a byte order mark, if no encoding is given.
        required: Columns that must be there.
        form: What the first line should look like; by default the required columns.
        columns: The names, for a file whose first line does not give them; its cells are separated
            by commas, and lines that begin with '#' are comments.
        encoding: A name that Python knows, such as "cp1252".

    Raises:
        DatasetError: the file cannot be used; the message names the line.
    """
    data, encoding = read_bytes(file, encoding)
    lines = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    delimiter = "," if columns else _delimiter(lines.readline(), required)
    lines.seek(0)
    reader = csv.reader(lines, strict=True, skipinitialspace=True, delimiter=delimiter)
    try:
        header = list(columns) or [name.strip() for name in next(reader, [])]
        _check_header(file, header, required, form or ",".join(required))
        for cells in reader:
            if any(cells) and not (columns and cells[0].startswith("#")):
                yield _row(Row(file, reader.line_num, {}), header, cells)
    except csv.Error as error:
        raise DatasetError(f"{file}, line {reader.line_num}: not CSV ({error})") from error


def read_bytes(file: Path, encoding: str | None) -> tuple[bytes, str]:
    """Return the content of a text file and the name of its encoding, by default what it seems.

    Raises:
        DatasetError: it cannot be read, or is no text of that encoding; the message names the line.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {file}: {error.strerror}") from error
    encoding = encoding or _encoding_of(data)
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{file}, line {line}: this is not {encoding.removesuffix('-sig').upper()} text"
            f" (byte 0x{data[error.start]:02x}); save it as UTF-8, or name its encoding where the"
            " command takes one (--encoding cp1252)"
        ) from error
    except LookupError as error:
        raise DatasetError(
            f"no encoding {encoding!r}; utf-8, utf-16 and cp1252 are some"
        ) from error
    return data, encoding


def _encoding_of(data: bytes) -> str:
    """Return the encoding by the mark in front or, without one, by the zeros of UTF-16."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if data[1:4:2] == b"\0\0":
        return "utf-16-le"
    if data[0:3:2] == b"\0\0":
        return "utf-16-be"
    # Spreadsheets put a byte order mark in front.
    return "utf-8-sig"


def _delimiter(first_line: str, required: Sequence[str]) -> str:
    """Return what separates the columns of a first line; a comma if nothing known does."""
    for delimiter in _DELIMITERS:
        names = next(csv.reader([first_line], delimiter=delimiter, skipinitialspace=True), [])
        if set(required) <= {name.strip() for name in names}:
            return delimiter
    return ","


def _check_header(file: Path, header: list[str], required: Sequence[str], form: str) -> None:
    for name in required:
        if header.count(name) != 1:
            problem = "no column" if name not in header else "more than one column"
            raise DatasetError(
                f"{file}, line 1: {problem} {name!r} in {','.join(header)!r}; the first line must"
                f" be {form}"
            )
    for name, count in Counter(header).items():
        if name and count > 1:
            raise DatasetError(f"{file}, line 1: more than one column {name!r}; keep one")


def _row(empty: Row, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        raise DatasetError(
            f"{empty.where}: {len(cells)} cells under {len(header)} columns; a cell with a"
            " separator in it stands in double quotes, and a row that was cut off must go"
        )
    stripped = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    return Row(empty.file, empty.number, stripped)
