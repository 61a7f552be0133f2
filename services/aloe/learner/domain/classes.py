"""A task's classes over its life: named, renamed, merged, retired, and what their labels count as.

A class's index is its place among all classes that the task ever had, and never changes, so that a
stored label keeps the answer that was given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from aloe.learner.domain.arrays import IntArray
from aloe.values.classes import ClassState

NO_CLASS = -1


@dataclass(frozen=True, slots=True)
class ClassDetails:
    """What is known of a class besides its name."""

    merged_into: int | None = None
    """Index of the class that its labels count as; that may be merged itself by now."""
    is_retired: bool = False
    description: str = ""
    """For people."""
    hotkey: str = ""
    """A letter or digit that people may answer with; empty for none."""
    former_names: tuple[str, ...] = ()
    """They count as the class until another one takes them."""
    add_time: datetime | None = None
    """None for a class of the beginning."""

    @property
    def state(self) -> ClassState:
        """Whether it can be answered with."""
        if self.is_retired:
            return ClassState.RETIRED
        return ClassState.ACTIVE if self.merged_into is None else ClassState.MERGED


@dataclass(frozen=True, slots=True)
class ClassTable:
    """All classes that a task ever had, by index."""

    names: tuple[str, ...]
    """Each once."""
    details: tuple[ClassDetails, ...]
    """One of each."""

    @property
    def active(self) -> tuple[int, ...]:
        """Indices of the classes that can be answered with, ascending: the columns of a head."""
        return tuple(
            index for index, each in enumerate(self.details) if each.state is ClassState.ACTIVE
        )

    @property
    def active_names(self) -> tuple[str, ...]:
        """The names of the active classes."""
        return tuple(self.names[index] for index in self.active)

    @property
    def original_count(self) -> int:
        """How many classes the task began with; these come first."""
        return sum(each.add_time is None for each in self.details)

    def target(self, index: int) -> int:
        """Return the active class that labels of a class count as; NO_CLASS where it is retired."""
        while (merged_into := self.details[index].merged_into) is not None:
            index = merged_into
        return NO_CLASS if self.details[index].is_retired else index

    @property
    def targets(self) -> IntArray:
        """(n_classes,) int64, `target` of each."""
        return np.array([self.target(index) for index in range(len(self.names))], np.int64)

    @property
    def columns(self) -> IntArray:
        """(n_classes,) int64, the place of each class's target among the active ones, or NO_CLASS.

        That is the column of heads that are trained now.
        """
        # One more at the end, which NO_CLASS leads to.
        places = np.full(len(self.names) + 1, NO_CLASS, np.int64)
        places[list(self.active)] = np.arange(len(self.active))
        columns: IntArray = places[self.targets]
        return columns

    @property
    def shown_indices(self) -> IntArray:
        """(n_classes,) int64, the class that a label of each goes by: its target, or itself."""
        targets = self.targets
        shown: IntArray = np.where(targets == NO_CLASS, np.arange(len(targets)), targets)
        return shown

    def shown(self, index: int) -> str:
        """Return the name that a label of a class goes by: its target's, or its own if retired."""
        target = self.target(index)
        return self.names[index if target == NO_CLASS else target]

    def predicted_name(self, index: int) -> str:
        """Return the name of a class that a head predicts; empty where it is retired since."""
        return "" if self.target(index) == NO_CLASS else self.shown(index)

    def find(self, name: str) -> int | None:
        """Return the index of a class by its name, else by one that it had; None for none."""
        if name in self.names:
            return self.names.index(name)
        for index, each in enumerate(self.details):
            if name in each.former_names:
                return index
        return None

    def with_details(self, index: int, details: ClassDetails) -> "ClassTable":
        """Return the table with other details of a class."""
        changed = (*self.details[:index], details, *self.details[index + 1 :])
        return replace(self, details=changed)


def class_table(names: Sequence[str], details: Sequence[ClassDetails]) -> ClassTable:
    """Return a table; without details all classes are active and nothing more is known of them."""
    return ClassTable(tuple(names), tuple(details) or (ClassDetails(),) * len(names))
