"""Filters as trees: what parsing makes and matching reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from aloe.learner.domain.errors import InvalidInput

FIELD = "filter"
"""Of the requests that have a filter."""
ATTRIBUTES = "attributes."
"""Before the name of an attribute, where that is the name of another field as well."""


class Operator(Enum):
    """How a value is compared."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Comparison:
    """`site = "north"`: a clip without the field is as one that differs from the value."""

    name: str
    operator: Operator
    value: str | float
    place: int
    """Where it stands in the text, from 1."""


@dataclass(frozen=True, slots=True)
class Presence:
    """`site:*`: clips that have the field."""

    name: str
    place: int


@dataclass(frozen=True, slots=True)
class Negation:
    """`NOT ...`."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Junction:
    """`... AND ...`, or `... OR ...`."""

    parts: tuple["Node", ...]
    needs_all: bool


Node = Comparison | Presence | Negation | Junction


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was parsed."""

    text: str
    root: Node

    def names(self) -> frozenset[str]:
        """Return the fields that it names."""
        return frozenset(leaf.name for leaf in leaves_of(self.root))


def leaves_of(node: Node) -> Iterator[Comparison | Presence]:
    """Yield the comparisons in a tree, from left to right."""
    match node:
        case Negation():
            yield from leaves_of(node.of)
        case Junction():
            for part in node.parts:
                yield from leaves_of(part)
        case _:
            yield node


def problem_at(place: int, text: str) -> InvalidInput:
    """Say what is wrong in a filter, and where."""
    return InvalidInput.of(FIELD, f"at character {place}: {text}")
