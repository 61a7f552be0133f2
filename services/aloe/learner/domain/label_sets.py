"""What is known of a clip class by class, in tasks of several labels a clip."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import IntArray
from aloe.learner.domain.classes import NO_CLASS

Targets = NDArray[np.int8]
"""(n_clips, n_classes) int8: POSITIVE, NEGATIVE or UNKNOWN"""
POSITIVE, NEGATIVE, UNKNOWN = 1, 0, -1
_NAMES_PER_LABEL = 8
_MOST_CLASSES = 1_000_000
"""Ever named in a task: more than any has."""


class ClassSet(NamedTuple):
    """Class indices, ascending, none in both; of the other classes nothing is known."""

    positive: tuple[int, ...]
    negative: tuple[int, ...]

    @property
    def weight(self) -> int:
        """How many labels of one class take about as much of a message."""
        return 1 + (len(self.positive) + len(self.negative)) // _NAMES_PER_LABEL


def dump_class_set(classes: ClassSet) -> str:
    """Write a set as text: "3,17;0-2,4-16" says that it is of 3 and 17, and not of 0 to 2, 4 to 16.

    Equal sets have equal texts.
    """
    return ";".join(map(_dump_indices, classes))


def load_class_set(text: str) -> ClassSet:
    """Read what dump_class_set wrote. Raises ValueError where it did not write that."""
    positive, negative = (tuple(_load_indices(part)) for part in text.split(";"))
    found = ClassSet(positive, negative)
    indices = {*positive, *negative}
    is_one_form = dump_class_set(found) == text and class_set(*found) == found
    if not is_one_form or len(indices) != len(positive) + len(negative):
        raise ValueError(f"{text!r:.80} is no set of classes")
    return found


class ClassSets:
    """The different sets of a task, each with a number; one that is there never changes."""

    def __init__(self) -> None:
        self._sets: list[ClassSet] = []
        self._numbers: dict[ClassSet, int] = {}

    def __getitem__(self, number: int) -> ClassSet:
        """Return the set of a number."""
        return self._sets[number]

    def number(self, classes: ClassSet) -> int:
        """Return the number of a set, a new one of a new set."""
        known = self._numbers.setdefault(classes, len(self._sets))
        if known == len(self._sets):
            self._sets.append(classes)
        return known

    def targets(self, numbers: IntArray, columns: IntArray) -> Targets:
        """Return what some sets say.

        Args:
            numbers: (n,) int64, of the sets.
            columns: (n_classes,) int64, where each class counts; NO_CLASS for nowhere.

        Returns:
            (n, n_columns) int8
        """
        known, places = np.unique(numbers, return_inverse=True)
        rows = np.full((len(known), int(columns.max()) + 1), UNKNOWN, np.int8)
        for row, number in zip(rows, known.tolist(), strict=True):
            said = counted(self._sets[number], columns)
            row[list(said.positive)] = POSITIVE
            row[list(said.negative)] = NEGATIVE
        targets: Targets = rows[places]
        return targets


def counted(classes: ClassSet, targets: IntArray) -> ClassSet:
    """Return what a set counts as.

    What one of several classes that became one is of, is of that; else, what one is not, is not.

    Args:
        classes: as they were given.
        targets: (n_classes,) int64, what each counts as; NO_CLASS for nothing.
    """
    positive, negative = (set(targets[list(part)].tolist()) - {NO_CLASS} for part in classes)
    return class_set(positive, negative - positive)


def class_set(positive: Iterable[int], negative: Iterable[int]) -> ClassSet:
    """Return a set in its one form."""
    return ClassSet(tuple(sorted(positive)), tuple(sorted(negative)))


def _dump_indices(indices: Sequence[int]) -> str:
    runs = []
    # In a run, place and index rise together.
    for _, run in groupby(enumerate(indices), lambda each: each[1] - each[0]):
        members = [index for _, index in run]
        runs.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return ",".join(runs)


def _load_indices(text: str) -> Iterable[int]:
    for run in text.split(",") if text else ():
        first, _, last = run.partition("-")
        if int(last or first) >= _MOST_CLASSES:
            raise ValueError(f"{run!r:.80} is more than classes that there are")
        yield from range(int(first), int(last or first) + 1)
