"""Which clips a filter takes, by the columns of the fields that it names."""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import numpy as np

from aloe.learner.domain.arrays import BoolArray
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.columns import NO_TIME, Column, microseconds
from aloe.learner.domain.filters.syntax import (
    Comparison,
    Filter,
    Junction,
    Negation,
    Node,
    Operator,
    Presence,
    leaves_of,
    problem_at,
)

_COMPARE: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}
_MOST_NAMED = 20


def matches(filter_: Filter, columns: Mapping[str, Column], row_count: int) -> BoolArray:
    """Say of each clip whether a filter takes it.

    Args:
        filter_: the filter.
        columns: by the names of the fields that there are, at least row_count long.
        row_count: of the clips.

    Returns:
        (row_count,) bool

    Raises:
        InvalidInput: it names a field that no clip has, or compares one with a value of a kind
            that no clip has there.
    """
    for leaf in leaves_of(filter_.root):
        if leaf.name not in columns:
            raise _unknown(leaf, columns)
    return _matches(filter_.root, columns, row_count)


def _matches(node: Node, columns: Mapping[str, Column], row_count: int) -> BoolArray:
    match node:
        case Negation():
            return ~_matches(node.of, columns, row_count)
        case Junction():
            parts = (_matches(part, columns, row_count) for part in node.parts)
            join = np.logical_and if node.needs_all else np.logical_or
            taken = next(parts)
            for part in parts:
                taken = join(taken, part, out=taken)
            return taken
        case Presence():
            return columns[node.name].is_there()[:row_count]
        case Comparison():
            if node.operator is Operator.UNEQUAL:
                return ~_compared(node, Operator.EQUAL, columns[node.name])[:row_count]
            return _compared(node, node.operator, columns[node.name])[:row_count]


def _compared(node: Comparison, how: Operator, column: Column) -> BoolArray:
    value = node.value
    if not (column.texts or column.choices or column.has_numbers or column.has_times):
        return np.zeros(len(column), np.bool_)
    if not isinstance(value, str):
        if not column.has_numbers:
            raise _of_other_kind(node, column)
        return _compare(how, column.numbers, value)
    time = _time(value)
    if not column.texts and (time is None or not column.has_times):
        raise _of_other_kind(node, column)
    _check_choice(node, column)
    taken = np.zeros(len(column), np.bool_)
    if column.texts:
        fits = _text_test(how, value)
        hits = np.array([*map(fits, column.texts), False])
        # A clip without a text has the place -1: that of the last one here.
        taken = hits[column.codes]
    if time is not None and column.has_times:
        taken |= _compare(how, column.times, time) & (column.times != NO_TIME)
    return taken


def _compare(how: Operator, values: Any, value: float) -> BoolArray:
    """Compare numbers; NaN, which stands for none, is never taken."""
    found: BoolArray = (values == value) if how is Operator.EQUAL else _COMPARE[how](values, value)
    return found


def _text_test(how: Operator, value: str) -> Callable[[str], bool]:
    if how is not Operator.EQUAL:
        return lambda text: bool(_COMPARE[how](text, value))
    if "*" not in value:
        return value.__eq__
    pattern = re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL)
    return lambda text: pattern.fullmatch(text) is not None


def _time(text: str) -> int | None:
    """Read a time in microseconds; None if it is none. Without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return microseconds(time if time.tzinfo else time.replace(tzinfo=UTC))


def _unknown(leaf: Comparison | Presence, columns: Mapping[str, Column]) -> InvalidInput:
    near = get_close_matches(leaf.name, columns, 1)
    names = near or sorted(columns)[:_MOST_NAMED]
    more = len(columns) - len(names)
    return problem_at(
        leaf.place,
        f"no clip has a field {leaf.name!r}; there is {', '.join(names)}"
        f"{f', and {more:,} more' if more > 0 else ''}",
    )


def _of_other_kind(node: Comparison, column: Column) -> InvalidInput:
    kinds = (
        (bool(column.texts) or column.choices, 'texts, in quotes: "north"'),
        (column.has_numbers, "numbers, without quotes: 3.5"),
        (column.has_times, 'times, in quotes: "2026-05-04T13:00:00Z"'),
    )
    there = " and ".join(text for is_there, text in kinds if is_there)
    return problem_at(node.place, f"{node.name} is compared with {node.value!r}; it holds {there}")


def _check_choice(node: Comparison, column: Column) -> None:
    value = node.value
    equals = node.operator in (Operator.EQUAL, Operator.UNEQUAL)
    if column.choices and equals and value not in column.choices and "*" not in str(value):
        shown = ", ".join(column.choices[:_MOST_NAMED])
        raise problem_at(node.place, f"{node.name} is never {value!r}; there are {shown}")
