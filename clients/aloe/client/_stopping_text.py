"""Stopping rules as people write them: "plateau:round_count=10,min_gain=0.005"."""

import math
from dataclasses import fields

from aloe.client._translate import invalid_field
from aloe.client.types import (
    LabelCountRule,
    PlainRule,
    PlateauRule,
    StablePredictionsRule,
    UncertaintyRule,
)

_KINDS: dict[str, type[PlainRule]] = {
    "plateau": PlateauRule,
    "stable_predictions": StablePredictionsRule,
    "uncertainty": UncertaintyRule,
    "label_count": LabelCountRule,
}
_BOUNDS = {"round_count": (1, 1_000), "label_count": (1, math.inf)}
"""Of settings that are no parts, 0 to 1."""
_NAMES = {kind: name for name, kind in _KINDS.items()}


def parse_stopping_rule(text: str) -> PlainRule:
    """Read a rule: its name and, behind a colon, settings that differ from the defaults.

    "plateau", "stable_predictions:min_agreement=0.98", "uncertainty:max_uncertainty=0.1". A rule of
    one setting takes it without its name, too: "label_count:500".

    Raises:
        InvalidArgument: it is none.
    """
    name, _, given = text.strip().partition(":")
    if name not in _KINDS:
        raise invalid_field("stop", f"{name!r} is no rule; there are {', '.join(_KINDS)}")
    kind = _KINDS[name]
    known = {field.name: int if field.name.endswith("_count") else float for field in fields(kind)}
    settings: dict[str, float] = {}
    for part in filter(None, given.split(",")):
        key, _, value = part.rpartition("=")
        key = key.strip() or (next(iter(known)) if len(known) == 1 else "")
        if key not in known:
            raise invalid_field("stop", f"{part!r}: {name} takes {', '.join(known)}, each =NUMBER")
        settings[key] = _number(part, key, value, known[key])
    if kind is LabelCountRule and not settings:
        raise invalid_field("stop", f"{text!r} needs a number, such as label_count:500")
    return kind(**settings)  # type: ignore[arg-type]


def _number(part: str, key: str, text: str, kind: type[int] | type[float]) -> float:
    """Read a setting, within what the learner takes."""
    try:
        value = kind(text)
    except ValueError:
        kinds = "a whole number" if kind is int else "a number"
        raise invalid_field("stop", f"{part!r}: {key} must be {kinds}") from None
    least, most = _BOUNDS.get(key, (0, 1))
    if not least <= value <= most:
        up_to = f" to {most:,}" if most < math.inf else " or more"
        raise invalid_field("stop", f"{part!r}: {key} must be {least}{up_to}")
    return value


def stopping_rule_text(rule: PlainRule) -> str:
    """Write a rule so that parse_stopping_rule reads it, with all its settings."""
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    if len(values) == 1:
        return f"{_NAMES[type(rule)]}:{next(iter(values.values()))}"
    settings = ",".join(f"{name}={value}" for name, value in values.items())
    return f"{_NAMES[type(rule)]}:{settings}"
