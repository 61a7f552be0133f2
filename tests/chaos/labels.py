"""Labels as a history has them."""

from collections.abc import Sequence
from typing import Any

from aloe.client import Label, LabelSet

POSITIVE, NEGATIVE, UNKNOWN = "positive", "negative", "unknown"


def write_label(label: Label | None) -> Any:
    """Write a label as JSON has it."""
    if isinstance(label, LabelSet):
        return {part: list(getattr(label, part)) for part in (POSITIVE, NEGATIVE, UNKNOWN)}
    return label


def read_label(written: Any) -> Label | None:
    """Read what write_label wrote."""
    if isinstance(written, dict):
        return LabelSet(**{part: tuple(names) for part, names in written.items()})
    label: str | None = written
    return label


def names_of(label: Label | None) -> Sequence[str]:
    """Return the classes that a label names."""
    if isinstance(label, LabelSet):
        return (*label.positive, *label.negative, *label.unknown)
    return () if label is None else (label,)
