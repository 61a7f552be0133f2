"""Attributes: what is known of a clip besides its audio, by name."""

import math
import re
from collections.abc import Mapping
from datetime import datetime

AttributeValue = str | float | datetime
"""A text, a number or an aware time."""
Attributes = Mapping[str, AttributeValue]
NO_ATTRIBUTES: Attributes = {}

MAX_ATTRIBUTES = 64
MAX_TEXT_LENGTH = 1_024
MAX_BYTES = 4_096
"""Of the names and values of a clip together: thousands of clips go into one message."""
NAME_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
NAME_RULE = "1 to 64 letters, digits and '_', starting with a letter or '_'"
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_NUMBER_BYTES = 8


class MalformedAttribute(ValueError):
    """An attribute that no clip can have."""


def check_name(name: str) -> str:
    """Return a name that an attribute may have. Raises MalformedAttribute."""
    if not NAME_PATTERN.fullmatch(name):
        raise MalformedAttribute(f"{name[:80]!r} is no name of an attribute: {NAME_RULE}")
    return name


def check_value(name: str, value: AttributeValue) -> None:
    """Check a value, whose attribute's name is told. Raises MalformedAttribute."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT_LENGTH:
            raise MalformedAttribute(
                f"{name}: {len(value):,} characters; at most {MAX_TEXT_LENGTH:,}"
            )
        if found := _CONTROL.search(value):
            raise MalformedAttribute(
                f"{name}: holds the control character {found[0]!r} at {found.start():,}"
            )
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise MalformedAttribute(f"{name}: {value} has no time zone")
    elif not math.isfinite(value):
        raise MalformedAttribute(f"{name}: {value:g}; it must be finite")


def check_size(attributes: Attributes) -> None:
    """Check how many attributes a clip has, and their size. Raises MalformedAttribute."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise MalformedAttribute(f"{len(attributes):,} attributes; at most {MAX_ATTRIBUTES}")
    size = sum(map(len, attributes)) + sum(map(_byte_count, attributes.values()))
    if size > MAX_BYTES:
        raise MalformedAttribute(
            f"names and values of {size:,} bytes; at most {MAX_BYTES:,} in all"
        )


def check_attributes(attributes: Attributes) -> None:
    """Check all attributes of a clip. Raises MalformedAttribute."""
    for name, value in attributes.items():
        check_value(check_name(name), value)
    check_size(attributes)


def _byte_count(value: AttributeValue) -> int:
    return len(value.encode()) if isinstance(value, str) else _NUMBER_BYTES
