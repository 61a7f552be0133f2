"""A data set listed in a CSV file."""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aloe.bench.datasets.dataset import (
    SINGLE_TASK,
    Dataset,
    DatasetError,
    Recording,
    clip_id_of,
)
from aloe.bench.datasets.splits import SPLIT_NAMES, draw_splits
from aloe.client.types import Split

_REQUIRED_COLUMNS = ("path", "label")
_EXAMPLE_HEADER = "path,label[,split,speaker,start,end]"


@dataclass(frozen=True, slots=True)
class _Row:
    where: str
    """File and line."""
    cells: Mapping[str, str]

    def require(self, column: str) -> str:
        value = self.cells[column]
        if not value:
            raise DatasetError(f"{self.where}: the column {column!r} is empty; fill it in")
        return value


def load_manifest(file: Path, *, seed: int) -> Dataset:
    """Read a CSV file with the header `path,label[,split,speaker,start,end]`.

    Paths are relative to the file. `split` is train, validation (or valid, dev, val) or test; where
    the column is missing, splits are drawn within each class. The one task is called "label".
    Other columns are not read.

    Raises:
        DatasetError: the file cannot be used; names the line.
    """
    rows = list(_rows(file))
    labels = [row.require("label") for row in rows]
    if rows and "split" in rows[0].cells:
        splits = [_split_of(row) for row in rows]
    else:
        splits = draw_splits(labels, seed)
    recordings: dict[str, Recording] = {}
    for row, label, split in zip(rows, labels, splits, strict=True):
        recording = _recording(file.parent, row, label, split)
        if recording.clip_id in recordings:
            raise DatasetError(
                f"{row.where}: {recording.path} is listed a second time; list each file once"
            )
        recordings[recording.clip_id] = recording
    classes = tuple(sorted(set(labels)))
    return Dataset(str(file), tuple(recordings.values()), {SINGLE_TASK: classes})


def _rows(file: Path) -> Iterator[_Row]:
    try:
        # utf-8-sig: spreadsheets put a byte order mark in front.
        with file.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(file, header)
            for cells in reader:
                if any(cells):
                    yield _row(f"{file}, line {reader.line_num}", header, cells)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{file} is not UTF-8 text ({error}); save it as UTF-8") from error
    except csv.Error as error:
        raise DatasetError(f"{file}, line {reader.line_num}: not CSV ({error})") from error
    except OSError as error:
        raise DatasetError(f"cannot read {file}: {error.strerror}") from error


def _check_header(file: Path, header: list[str]) -> None:
    for name in _REQUIRED_COLUMNS:
        if header.count(name) != 1:
            problem = "no column" if name not in header else "more than one column"
            raise DatasetError(
                f"{file}, line 1: {problem} {name!r} in {','.join(header)!r}; the first line must"
                f" be {_EXAMPLE_HEADER}"
            )


def _row(where: str, header: list[str], cells: list[str]) -> _Row:
    if len(cells) != len(header):
        raise DatasetError(
            f"{where}: {len(cells)} cells under {len(header)} columns; put a cell with a comma in"
            " double quotes"
        )
    row = _Row(where, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
    for column in ("start", "end"):
        if row.cells.get(column):
            raise DatasetError(
                f"{where}: {column} is {row.cells[column]!r}, but segments of files are not read"
                " yet; cut the file and leave start and end empty"
            )
    return row


def _split_of(row: _Row) -> Split:
    name = row.require("split")
    if name.lower() not in SPLIT_NAMES:
        raise DatasetError(
            f"{row.where}: the split {name!r} is unknown; write train, validation or test"
        )
    return SPLIT_NAMES[name.lower()]


def _recording(folder: Path, row: _Row, label: str, split: Split) -> Recording:
    path = Path(os.path.normpath(folder / row.require("path")))
    if not path.is_file():
        raise DatasetError(f"{row.where}: no file {path}; paths are relative to {folder}")
    relative_path = Path(os.path.relpath(path, folder)).as_posix()
    return Recording(clip_id_of(relative_path), path, split, {SINGLE_TASK: label})
