"""Files of labels that are known already, as `aloe export` writes them or shorter."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from aloe.bench.datasets.errors import DatasetError
from aloe.bench.datasets.tables import Row, read_table
from aloe.cli.console import CommandError
from aloe.client import KnownLabel, Split

COLUMNS = ("clip_id", "label", "split", "oracle_id", "label_time")
ANSWER = "answer"
"""The column that tells an abstention from a label."""
_LABEL, _ABSTENTION = "label", "abstention"


class OnConflict(Enum):
    """Which of several different labels of a clip counts."""

    REFUSE = "refuse"
    FIRST = "first"
    LAST = "last"


def read_labels(
    file: Path, *, encoding: str | None = None, on_conflict: OnConflict = OnConflict.REFUSE
) -> list[KnownLabel]:
    """Read a table with the columns clip_id, label and, if it likes, those of an export.

    Raises:
        CommandError: it cannot be read whole; the message names the line.
    """
    try:
        rows = list(read_table(file, COLUMNS[:2], encoding=encoding))
        return _without_conflicts([(row, _known_label(row)) for row in rows], on_conflict)
    except DatasetError as error:
        raise CommandError(str(error)) from error


def answer_of(label: str | None) -> str:
    """Write what kind of answer a label is, for the column that tells."""
    return _ABSTENTION if label is None else _LABEL


def _known_label(row: Row) -> KnownLabel:
    return KnownLabel(
        row.require("clip_id"),
        _label(row),
        _split(row),
        row.cells.get("oracle_id", ""),
        _time(row),
    )


def _label(row: Row) -> str | None:
    answer = row.cells.get(ANSWER, _LABEL)
    if answer not in (_LABEL, _ABSTENTION):
        raise DatasetError(f"{row.where}: answer {answer!r}; {_LABEL} and {_ABSTENTION} are known")
    if answer == _LABEL and not row.cells["label"]:
        raise DatasetError(
            f"{row.where}: the label is empty; fill it in, or tell that the oracle abstained by"
            f" {_ABSTENTION!r} in a column {ANSWER!r}"
        )
    if answer == _ABSTENTION and row.cells["label"]:
        raise DatasetError(f"{row.where}: an abstention with the label {row.cells['label']!r}")
    return row.cells["label"] or None


def _split(row: Row) -> Split:
    name = row.cells.get("split", "") or Split.TRAIN.value
    try:
        return Split(name)
    except ValueError:
        known = ", ".join(split.value for split in Split)
        raise DatasetError(f"{row.where}: split {name!r}; there are {known}") from None


def _time(row: Row) -> datetime | None:
    text = row.cells.get("label_time", "")
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise DatasetError(
            f"{row.where}: label_time {text!r}; 2026-05-04T13:00:00+00:00 would be one"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _without_conflicts(
    given: Iterable[tuple[Row, KnownLabel]], on_conflict: OnConflict
) -> list[KnownLabel]:
    """Return one label for each clip, in the order in which the clips come first."""
    kept: dict[str, tuple[Row, KnownLabel]] = {}
    for row, label in given:
        first_row, first = kept.setdefault(label.clip_id, (row, label))
        if (first.label, first.split) == (label.label, label.split):
            continue
        if on_conflict is OnConflict.REFUSE:
            raise DatasetError(
                f"{first_row.where} gives {label.clip_id} {_said(first)}, and {row.where}"
                f" {_said(label)}; mend the file, or choose by --on-conflict first or last"
            )
        if on_conflict is OnConflict.LAST:
            kept[label.clip_id] = row, label
    return [label for _, label in kept.values()]


def _said(label: KnownLabel) -> str:
    return f"{label.label or 'an abstention'!r} ({label.split.value})"
