"""What becomes of the classes of a task, and the changes that do it."""

from dataclasses import dataclass
from enum import Enum


class ClassState(Enum):
    """Whether a class can be answered with."""

    ACTIVE = "active"
    MERGED = "merged"
    """Its labels count as those of another class."""
    RETIRED = "retired"
    """Its labels are kept, and train no head."""


@dataclass(frozen=True, slots=True)
class AddClass:
    """Adds a class."""

    name: str
    description: str = ""
    hotkey: str = ""


@dataclass(frozen=True, slots=True)
class RenameClass:
    """Gives a class another name; the former one counts as the class, too."""

    name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class MergeClass:
    """Has the labels of a class count as another's."""

    name: str
    into: str


@dataclass(frozen=True, slots=True)
class RetireClass:
    """Takes a class out: its labels are kept, and train no head."""

    name: str


@dataclass(frozen=True, slots=True)
class RestoreClass:
    """Makes a class that was merged or retired active again, with its labels."""

    name: str


@dataclass(frozen=True, slots=True)
class DescribeClass:
    """Changes what people are told of a class."""

    name: str
    description: str | None = None
    """None leaves it as it is."""
    hotkey: str | None = None
    """None leaves it as it is; empty takes it off."""


ClassChange = AddClass | RenameClass | MergeClass | RetireClass | RestoreClass | DescribeClass
