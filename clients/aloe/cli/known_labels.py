"""Files of labels that are known already, as `aloe export` writes them or shorter."""

import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from aloe.bench.datasets.splits import SPLIT_NAMES
from aloe.cli.console import CommandError, notes
from aloe.cli.label_json import is_json, read_json
from aloe.cli.pool_windows import PLACE_KINDS
from aloe.client import KnownLabel, Label, LabelMode, Split
from aloe.tables import (
    ABSTENTION,
    ANSWER,
    LABEL,
    NEGATIVE,
    UNKNOWN,
    YES_NO,
    Row,
    TableError,
    read_answer,
    read_table,
)

COLUMNS = ("clip_id", "label", "split", "oracle_id", "label_time")
IS_AUDIT = "is_audit"
"""The column that says which clips were drawn at random."""
GIVEN_LABEL, IS_RETIRED = "given_label", "is_retired"
"""Columns that say which class was given, where it was merged since, and whether it is retired; not
read, since the label is what it counts as."""
_KNOWN = {*COLUMNS, ANSWER, IS_AUDIT, "uri", GIVEN_LABEL, IS_RETIRED, *PLACE_KINDS}
_ROWS_PER_TELLING = 10_000


class OnConflict(Enum):
    """Which of several different labels of a clip counts."""

    REFUSE = "refuse"
    FIRST = "first"
    LAST = "last"


@dataclass(slots=True)
class LabelFile:
    """The labels of a file, one of each clip, in the order in which the clips come first."""

    file: Path
    unit: str = "line"
    labels: list[KnownLabel] = field(default_factory=list)
    numbers: "array[int]" = field(default_factory=lambda: array("Q"))
    """The line of each label."""

    def where(self, place: int) -> str:
        """Return where a label stands."""
        return f"{self.unit} {self.numbers[place]}"


def read_labels(
    file: Path,
    *,
    encoding: str | None = None,
    on_conflict: OnConflict = OnConflict.REFUSE,
    label_mode: LabelMode = LabelMode.SINGLE,
    on_progress: Callable[[int], None] | None = None,
) -> LabelFile:
    """Read a table with the columns clip_id, label and, if it likes, those of an export.

    What `aloe export --json` wrote is read as well.

    Args:
        file: the table.
        encoding: of the file; by default what it seems to be.
        on_conflict: which of several different labels of a clip counts.
        label_mode: of several labels a clip, classes stand in one cell with ";" between them.
        on_progress: told, now and then, how many labels were read so far.

    Raises:
        CommandError: it cannot be read whole; the message names the line.
    """
    try:
        found = LabelFile(file)
        places: dict[str, int] = {}
        for row in _rows(file, encoding, label_mode):
            found.unit = row.unit
            label = _known_label(row, label_mode)
            place = places.setdefault(label.clip_id, len(found.labels))
            if place == len(found.labels):
                found.labels.append(label)
                found.numbers.append(row.number)
                if on_progress is not None and not len(found.labels) % _ROWS_PER_TELLING:
                    on_progress(len(found.labels))
            elif _chosen(found, place, row, label, on_conflict):
                found.labels[place], found.numbers[place] = label, row.number
    except TableError as error:
        raise CommandError(str(error)) from error
    return found


def answer_of(label: Label | None) -> str:
    """Write what kind of answer a label is, for the column that tells."""
    return ABSTENTION if label is None else LABEL


def _rows(file: Path, encoding: str | None, label_mode: LabelMode) -> Iterator[Row]:
    read = _KNOWN | ({NEGATIVE, UNKNOWN} if label_mode is LabelMode.MULTIPLE else set())
    rows = (
        read_json(file, COLUMNS[:2], encoding)
        if is_json(file, encoding)
        else read_table(file, COLUMNS[:2], encoding=encoding)
    )
    for count, row in enumerate(rows):
        if not count and (unread := [name for name in row.cells if name not in read]):
            names = ", ".join(repr(name) for name in unread)
            notes.print(f"{file}: not read: {names}", markup=False, highlight=False, soft_wrap=True)
        yield row


def _known_label(row: Row, label_mode: LabelMode) -> KnownLabel:
    label = read_answer(row, COLUMNS[1], label_mode)
    return KnownLabel(
        row.require("clip_id"),
        # There are few of either, and a million rows.
        sys.intern(label) if isinstance(label, str) else label,
        _split(row),
        sys.intern(row.cells.get("oracle_id", "")),
        _time(row),
        _is_audit(row),
    )


def _split(row: Row) -> Split:
    name = row.cells.get("split", "") or Split.TRAIN.value
    if name.lower() not in SPLIT_NAMES:
        known = ", ".join(split.value for split in Split)
        raise TableError(f"{row.where}: split {name!r}; there are {known}")
    return SPLIT_NAMES[name.lower()]


def _is_audit(row: Row) -> bool:
    text = row.cells.get(IS_AUDIT, "") or YES_NO[False]
    if text not in YES_NO.values():
        raise TableError(f"{row.where}: {IS_AUDIT} {text!r}; yes and no are known")
    return text == YES_NO[True]


def _time(row: Row) -> datetime | None:
    text = row.cells.get("label_time", "")
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise TableError(
            f"{row.where}: label_time {text!r}; 2026-05-04T13:00:00+00:00 would be one"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _chosen(
    found: LabelFile, place: int, row: Row, label: KnownLabel, on_conflict: OnConflict
) -> bool:
    """Whether another label of a clip is to take the place of the first."""
    first = found.labels[place]
    if (first.label, first.split) == (label.label, label.split):
        return False
    if on_conflict is OnConflict.REFUSE:
        raise TableError(
            f"{found.file}, {found.where(place)} gives {label.clip_id} {_said(first)}, and"
            f" {row.where} {_said(label)}; mend the file, or choose by --on-conflict first or last"
        )
    return on_conflict is OnConflict.LAST


def _said(label: KnownLabel) -> str:
    said = "an abstention" if label.label is None else str(label.label)
    return f"{said!r} ({label.split.value})"
