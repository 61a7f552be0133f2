"""CSV files, row by row, with the place of each for messages."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aloe.bench.datasets.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a CSV file, blanks around its cells removed."""

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
    file: Path, required: Sequence[str], *, form: str = "", columns: Sequence[str] = ()
) -> Iterator[Row]:
    """Read a CSV file whose first line names its columns.

    Args:
        file: UTF-8 text, with or without a byte order mark.
        required: Columns that must be there.
        form: What the first line should look like; by default the required columns.
        columns: Those of a file that does not name them. Its lines that begin with '#' are
            comments.

    Raises:
        DatasetError: the file cannot be used; names the line.
    """
    try:
        # utf-8-sig: spreadsheets put a byte order mark in front.
        with file.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True, skipinitialspace=True)
            header = list(columns) or [name.strip() for name in next(reader, [])]
            _check_header(file, header, required, form or ",".join(required))
            for cells in reader:
                if any(cells) and not (columns and cells[0].startswith("#")):
                    yield _row(f"{file}, line {reader.line_num}", header, cells)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{file} is not UTF-8 text ({error}); save it as UTF-8") from error
    except csv.Error as error:
        raise DatasetError(f"{file}, line {reader.line_num}: not CSV ({error})") from error
    except OSError as error:
        raise DatasetError(f"cannot read {file}: {error.strerror}") from error


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
            f"{where}: {len(cells)} cells under {len(header)} columns; put a cell with a comma in"
            " double quotes"
        )
    return Row(where, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
