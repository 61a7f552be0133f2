"""The bounds of a setting, written in its annotation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, get_type_hints


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a setting, in its annotation: `Annotated[float, Range(0, 1)]`."""

    least: float
    most: float = math.inf
    above_least: bool = False
    """Whether `least` itself is too small."""

    def __contains__(self, value: float) -> bool:
        """Whether a value is finite and within the bounds."""
        if not math.isfinite(value) or (self.above_least and value == self.least):
            return False
        return self.least <= value <= self.most

    def __str__(self) -> str:
        if self.above_least:
            return f"over {self.least:g}" + self._up_to(", at most ")
        return f"{self.least:g}" + (self._up_to(" to ") or " or more")

    def _up_to(self, words: str) -> str:
        return "" if math.isinf(self.most) else f"{words}{self.most:,.12g}"


def ranges_of(kind: type[Any]) -> Mapping[str, Range]:
    """Return the ranges of a dataclass's settings by name, for those that have one."""
    hints = get_type_hints(kind, include_extras=True)
    return MappingProxyType(
        {
            name: each
            for name, hint in hints.items()
            for each in getattr(hint, "__metadata__", ())
            if isinstance(each, Range)
        }
    )


def out_of_range(settings: Any) -> list[tuple[str, str]]:
    """Return the settings of a dataclass that are out of range: name, and what would be right."""
    values = {name: getattr(settings, name) for name in ranges_of(type(settings))}
    return [
        (name, f"{value:,}; it must be {bounds}")
        for name, bounds in ranges_of(type(settings)).items()
        if (value := values[name]) not in bounds
    ]
