"""How many labels a clip has in a task, and what is known of the classes that are left out."""

from dataclasses import dataclass
from enum import Enum

SEPARATOR = ";"
"""Between the classes of one clip, where they stand in one cell of a table."""


class LabelMode(Enum):
    """How many of a task's classes a clip may be of."""

    SINGLE = "single"
    """One of them."""
    MULTIPLE = "multiple"
    """Any number of them, none included."""


class Unmentioned(Enum):
    """What holds of the classes that an answer of several labels does not name."""

    NEGATIVE = "negative"
    """The clip is not of them."""
    UNKNOWN = "unknown"
    """It is not known whether it is."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What is known of one clip, class by class; of the classes it leaves out the task says it."""

    positive: tuple[str, ...] = ()
    """Classes that the clip is of."""
    negative: tuple[str, ...] = ()
    """Classes that it is not of."""
    unknown: tuple[str, ...] = ()
    """Classes of which nobody knows."""

    def __str__(self) -> str:
        """As tables have it: the classes that the clip is of."""
        return SEPARATOR.join(self.positive)


Label = str | LabelSet
"""One class, or in a task of several labels a clip a set of them."""


def names_in_cell(cell: str) -> tuple[str, ...]:
    """Return the classes that stand in one cell of a table."""
    return tuple(name.strip() for name in cell.split(SEPARATOR) if name.strip())
