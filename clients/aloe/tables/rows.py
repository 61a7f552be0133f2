"""Tables of text, row by row; each row knows its file and line, for messages."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aloe.tables.content import read_bytes
from aloe.tables.errors import TableError

_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    file: Path
    number: int
    cells: Mapping[str, str]
    unit: str = "line"
    """What the number counts."""
    separator: str = ""
    """What stands between the cells; empty where nothing does."""

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.file}, {self.unit} {self.number}"

    def require(self, column: str) -> str:
        """Return a cell.

        Raises:
            TableError: it is empty.
        """
        value = self.cells[column]
        if not value:
            raise TableError(f"{self.where}: the column {column!r} is empty; fill it in")
        return value


def read_table(
    file: Path,
    required: Sequence[str],
    *,
    form: str = "",
    columns: Sequence[str] = (),
    encoding: str | None = None,
    quoted_tabs: bool = True,
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
        quoted_tabs: Whether quotes are marks also where tabs separate the cells; otherwise such
            cells hold them as they hold letters.

    Raises:
        TableError: the file cannot be used; the message names the line.
    """
    data, encoding = read_bytes(file, encoding)
    lines = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    delimiter = "," if columns else _delimiter(lines.readline(), required)
    lines.seek(0)
    has_quotes = quoted_tabs or delimiter != "\t"
    reader = csv.reader(
        lines,
        strict=True,
        skipinitialspace=True,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE,
    )
    try:
        header = list(columns) or [name.strip() for name in next(reader, [])]
        _check_header(file, header, required, form or ",".join(required))
        for cells in reader:
            if any(cells) and not (columns and cells[0].startswith("#")):
                yield _row(Row(file, reader.line_num, {}, separator=delimiter), header, cells)
    except csv.Error as error:
        raise TableError(f"{file}, line {reader.line_num}: not CSV ({error})") from error


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
            raise TableError(
                f"{file}, line 1: {problem} {name!r} in {','.join(header)!r}; the first line must"
                f" be {form}"
            )
    for name, count in Counter(header).items():
        if name and count > 1:
            raise TableError(f"{file}, line 1: more than one column {name!r}; keep one")


def _row(empty: Row, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        raise TableError(
            f"{empty.where}: {len(cells)} cells under {len(header)} columns; a cell with a"
            " separator in it stands in double quotes, and a row that was cut off must go"
        )
    stripped = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    return replace(empty, cells=stripped)
