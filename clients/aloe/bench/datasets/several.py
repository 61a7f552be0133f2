"""Several labels a clip in data sets of one's own: how tables and arrays have them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloe.bench.datasets.errors import DatasetError
from aloe.client.types import Label, LabelMode, LabelSet
from aloe.tables import ABSTENTION, ANSWER, LABEL, NEGATIVE, UNKNOWN, Row, read_answer
from aloe.values.labels import SEPARATOR

LABELS = "labels"
"""The column with the classes of a clip, in place of the one with its class."""


def labels_of(row: Row) -> LabelSet:
    """Return the classes that a row of a manifest names; the clip is of no other.

    Raises:
        DatasetError, TableError: it names none without saying so, one twice, or does not know.
    """
    if not (row.cells[LABELS] or row.cells.get(NEGATIVE) or row.cells.get(ANSWER)):
        raise DatasetError(
            f"{row.where}: no classes in {LABELS}: write them, such as rain;wind; where the clip is"
            f" of none, write {LABEL!r} in a column {ANSWER!r}; else drop the row"
        )
    said = read_answer(row, LABELS, LabelMode.MULTIPLE)
    if not isinstance(said, LabelSet):
        raise DatasetError(
            f"{row.where}: {ANSWER} is {ABSTENTION!r}; an experiment knows the truth of every clip:"
            " drop the row"
        )
    if said.unknown:
        raise DatasetError(
            f"{row.where}: {UNKNOWN} is {SEPARATOR.join(said.unknown)!r}; an experiment knows the"
            " truth of every class: find it out, or drop the row"
        )
    names = (*said.positive, *said.negative)
    (name, times), *_ = Counter(names).most_common(1) or [("", 0)]
    if times > 1:
        raise DatasetError(f"{row.where}: {name!r} stands there twice; name each class once")
    return LabelSet(said.positive)


def sets_of(
    file: Path, truth: NDArray[np.generic], classes: Sequence[str], column: str
) -> list[LabelSet]:
    """Return the classes of each clip.

    Args:
        file: for messages.
        truth: (n, k) of 0 and 1, or of truth values: whether a clip is of a class.
        classes: (k,)
        column: the name of `truth`, for messages.

    Raises:
        DatasetError: it is no such array.
    """
    if truth.dtype.kind not in "biuf":
        raise DatasetError(
            f"{file}: {column} is {truth.shape} of {truth.dtype}; of several labels a clip it must"
            " be (n, k) of 0 and 1"
        )
    wrong = np.argwhere((truth != 0) & (truth != 1))
    if len(wrong):
        row, place = wrong[0].tolist()
        raise DatasetError(
            f"{file}: {column}[{row}, {place}] is {truth[row, place]}; write 1 where the clip is of"
            f" the class {classes[place]!r}, and 0 where it is not"
        )
    return [
        LabelSet(tuple(classes[place] for place in np.flatnonzero(row).tolist())) for row in truth
    ]


def check_names(where: str, classes: Sequence[str]) -> None:
    """Check the names of classes, of which several may stand in one cell of a table.

    Raises:
        DatasetError: one is empty, holds what stands between them, or stands twice.
    """
    times = Counter(classes)
    for place, name in enumerate(classes):
        if not name.strip() or SEPARATOR in name or times[name] > 1:
            raise DatasetError(
                f"{where}[{place}] is {name!r}; it must be the name of a class, without"
                f" {SEPARATOR!r}, which no other has"
            )


def classes_of(labels: Sequence[Label]) -> tuple[str, ...]:
    """Return the classes that some clip is of, in the order of the alphabet."""
    found: set[str] = set()
    for label in labels:
        found.update(label.positive if isinstance(label, LabelSet) else (label,))
    return tuple(sorted(found))


def told_as_one(name: str, classes: Sequence[str], remedy: str) -> tuple[str, ...]:
    """Return a line where the name of a class, of one label a clip, looks like several."""
    several = [each for each in classes if SEPARATOR in each]
    if not several:
        return ()
    return (f"{name}: {several[0]!r} is taken for one class; where it is several, {remedy}",)
