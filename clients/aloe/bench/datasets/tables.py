"""CSV files, row by row; each row knows its file and line, for messages."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aloe.bench.datasets.errors import DatasetError

_DELIMITERS = (",", ";", "\t")
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a CSV file, its cells without leading and trailing blanks."""

    where: str
    """File and line."""
    cells: Mapping[str, str]

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

    Its cells are separated by commas, semicolons or tabs, whichever makes the required columns
    appear in the first line.

    Args:
        file: UTF-8 text, or UTF-16 with a byte order mark, if no encoding is given.
        required: Columns that must be there.
        form: What the first line should look like; by default the required columns.
        columns: The names, for a file whose first line does not give them; its cells are separated
            by commas, and lines that begin with '#' are comments.
        encoding: A name that Python knows, such as "cp1252".

    Raises:
        DatasetError: the file cannot be used; the message names the line.
    """
    lines = io.StringIO(_read_text(file, encoding), newline="")
    delimiter = "," if columns else _delimiter(lines.readline(), required)
    lines.seek(0)
    reader = csv.reader(lines, strict=True, skipinitialspace=True, delimiter=delimiter)
    try:
        header = list(columns) or [name.strip() for name in next(reader, [])]
        _check_header(file, header, required, form or ",".join(required))
        for cells in reader:
            if any(cells) and not (columns and cells[0].startswith("#")):
                yield _row(f"{file}, line {reader.line_num}", header, cells)
    except csv.Error as error:
        raise DatasetError(f"{file}, line {reader.line_num}: not CSV ({error})") from error


def _read_text(file: Path, encoding: str | None) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {file}: {error.strerror}") from error
    if encoding is None:
        # Spreadsheets put a byte order mark in front.
        encoding = "utf-16" if data.startswith(_UTF_16_MARKS) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{file}, line {line}: this is not {encoding.removesuffix('-sig').upper()} text"
            f" (byte 0x{data[error.start]:02x}); save it as UTF-8"
        ) from error
    except LookupError as error:
        raise DatasetError(
            f"no encoding {encoding!r}; utf-8, utf-16 and cp1252 are some"
        ) from error


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


def _row(where: str, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        raise DatasetError(
            f"{where}: {len(cells)} cells under {len(header)} columns; a cell with a separator"
            " in it stands in double quotes, and a row that was cut off must go"
        )
    return Row(where, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
