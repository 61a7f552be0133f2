"""A data set listed in a CSV file, or in JSON lines."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aloe.bench.datasets.dataset import SINGLE_TASK, Dataset
from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.recording import Recording, segment_id_of, truth_of
from aloe.bench.datasets.several import LABELS, classes_of, labels_of, told_as_one
from aloe.bench.datasets.splits import SPLIT_NAMES, draw_once
from aloe.client.types import Label, LabelSet, Split
from aloe.tables import Numbers, Row, TableError, read_json_lines, read_table

_LABEL = "label"
_FORM = (
    "path,label[,split,speaker,group,start,end], or with labels in place of label where a clip may"
    " have several"
)
_JSON_LINES = (".jsonl", ".ndjson")


def load_manifest(file: Path, *, seed: int) -> Dataset:
    """Read a CSV file with the header `path,label[,split,speaker,group,start,end]`.

    With `labels` in place of `label` a clip may be of several classes, which stand there as `aloe
    task import-labels` reads them: "a;b". JSON lines have the same names, and `labels` may be a
    list.

    Paths are relative to the file. `split` is train, validation (or valid, dev, val) or test; where
    the column is missing, splits are drawn: by whole groups where any `group`, or else `speaker`,
    is given, so that none is in two splits, and within each class otherwise. `start` and `end`, in
    seconds, make the clip a window of the file; an empty one means the file's own start or end. The
    one task is called "label". Other columns are not read.

    Raises:
        DatasetError, TableError: the file cannot be used; the message names the line.
    """
    rows = _rows(file)
    labels = _labels(file, rows)
    groups = tuple(_group_of(row) for row in rows)
    has_splits = bool(rows) and "split" in rows[0].cells
    splits = (
        [_split_of(row) for row in rows]
        if has_splits
        else draw_once(str(file), labels, groups, seed)
    )
    recordings: dict[str, Recording] = {}
    numbers = Numbers()
    for row, label, split in zip(rows, labels, splits, strict=True):
        recording = _recording(file.parent, row, label, split, numbers)
        if recording.clip_id in recordings:
            raise DatasetError(
                f"{row.where}: {recording.path} is listed a second time; list each file, or each"
                f" part of one, once, with all its classes in a column {LABELS!r} where it is of"
                " several: a;b"
            )
        recordings[recording.clip_id] = recording
    classes = classes_of(labels)
    is_several = any(isinstance(label, LabelSet) for label in labels)
    dataset = Dataset(
        str(file),
        tuple(recordings.values()),
        {} if is_several else {SINGLE_TASK: classes},
        {SINGLE_TASK: classes} if is_several else {},
        () if is_several else told_as_one(str(file), classes, f"call the column {LABELS!r}"),
        groups=groups,
        is_drawn=not has_splits,
    )
    dataset.check_every_class()
    return dataset


def _rows(file: Path) -> Sequence[Row]:
    """Return the rows of a file, all with the same columns."""
    if file.suffix.lower() not in _JSON_LINES:
        return list(read_table(file, ("path",), form=_FORM))
    rows = list(read_json_lines(file, ("path",), lists=(LABELS,)))
    columns = dict.fromkeys(name for row in rows for name in row.cells)
    return [replace(row, cells={name: row.cells.get(name, "") for name in columns}) for row in rows]


def _labels(file: Path, rows: Sequence[Row]) -> Sequence[Label]:
    """Return the class of each row, or the classes."""
    columns = rows[0].cells if rows else {LABELS: ""}
    found = [name for name in (_LABEL, LABELS) if name in columns]
    if len(found) != 1:
        problem = "columns 'label' and 'labels'" if found else "no column 'label' or 'labels'"
        raise TableError(f"{file}, line 1: {problem} in {','.join(columns)!r}; it must be {_FORM}")
    if found == [LABELS]:
        return [labels_of(row) for row in rows]
    return [row.require(_LABEL) for row in rows]


def _group_of(row: Row) -> str:
    """Return what must not be in two splits: the column group or, without it, speaker."""
    return row.cells.get("group", row.cells.get("speaker", ""))


def _split_of(row: Row) -> Split:
    name = row.require("split")
    if name.lower() not in SPLIT_NAMES:
        raise DatasetError(
            f"{row.where}: the split {name!r} is unknown; write train, validation or test"
        )
    return SPLIT_NAMES[name.lower()]


def _recording(folder: Path, row: Row, label: Label, split: Split, numbers: Numbers) -> Recording:
    path = Path(os.path.normpath(folder / row.require("path")))
    if not path.is_file():
        raise DatasetError(f"{row.where}: no file {path}; paths are relative to {folder}")
    relative_path = os.path.relpath(path, folder).replace(os.sep, "/")
    start_s, end_s = _seconds(row, "start", numbers) or 0.0, _seconds(row, "end", numbers)
    if end_s is not None and end_s <= start_s:
        raise DatasetError(f"{row.where}: end is {end_s:g} s, which is not after {start_s:g} s")
    return Recording(
        segment_id_of(relative_path, start_s, end_s),
        path,
        split,
        *truth_of(SINGLE_TASK, label),
        speaker=row.cells.get("speaker", ""),
        start_s=start_s,
        end_s=end_s,
    )


def _seconds(row: Row, column: str, numbers: Numbers) -> float | None:
    try:
        value = numbers.read(row, column, "seconds")
    except ValueError as error:
        raise DatasetError(f"{row.where}: {error}") from error
    if value is not None and value < 0:
        raise DatasetError(f"{row.where}: {column} is {row.cells[column]!r}; nothing is before 0")
    return value
