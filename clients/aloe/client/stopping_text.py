"""Stopping rules as people write them: "plateau:round_count=10,min_gain=0.005"."""

from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from aloe.client.calls.translate import invalid_field
from aloe.client.types import PlainRule
from aloe.values.ranges import out_of_range
from aloe.values.stopping import PLAIN_RULES

_NAMES = {kind: name for name, kind in PLAIN_RULES.items()}


def parse_stopping_rule(text: str) -> PlainRule:
    """Read a rule: its name and, behind a colon, settings that differ from the defaults.

    "plateau", "stable_predictions:min_agreement=0.98", "uncertainty:max_uncertainty=0.1". A rule of
    one setting takes it without its name, too: "label_count:500"; a setting that is on or off is on
    by its name alone: "stable_predictions:min_agreement=0.98,of_mean".

    Raises:
        InvalidArgument: it is none.
    """
    name, _, given = text.strip().partition(":")
    if name not in PLAIN_RULES:
        raise invalid_field("stop", f"{name!r} is no rule; there are {', '.join(PLAIN_RULES)}")
    kind = PLAIN_RULES[name]
    settings = _settings(name, kind, given)
    missing = [key for key in _required(kind) if key not in settings]
    if missing:
        raise invalid_field("stop", f"{text!r} needs {', '.join(missing)}, a number")
    rule = kind(**settings)  # type: ignore[arg-type]
    for key, wrong in out_of_range(rule):
        raise invalid_field("stop", f"{text!r}: {key} is {wrong}")
    return rule


def stopping_rule_text(rule: PlainRule) -> str:
    """Write a rule so that parse_stopping_rule reads it, with all its settings that are not off."""
    settings = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return _written(_NAMES[type(rule)], settings)


def stopping_rule_forms() -> tuple[str, ...]:
    """Return how each rule is written, with its defaults; N where there is none.

    Settings that are on or off are off by default.
    """
    return tuple(
        _written(name, {each.name: _default(each) for each in fields(kind)})
        for name, kind in PLAIN_RULES.items()
    )


def _settings(name: str, kind: type[PlainRule], given: str) -> dict[str, float]:
    hints = get_type_hints(kind)
    flags = [key for key, hint in hints.items() if hint is bool]
    numbers = {key: hint for key, hint in hints.items() if hint is not bool}
    settings: dict[str, float] = {}
    for part in filter(None, given.split(",")):
        if part.strip() in flags:
            settings[part.strip()] = True
            continue
        key, _, value = part.rpartition("=")
        key = key.strip() or (next(iter(numbers)) if len(numbers) == 1 else "")
        if key not in numbers:
            known = ", ".join(numbers) + ", each =NUMBER" + "".join(f", {each}" for each in flags)
            raise invalid_field("stop", f"{part!r}: {name} takes {known}")
        try:
            settings[key] = numbers[key](value)
        except ValueError:
            what = "a whole number" if numbers[key] is int else "a number"
            raise invalid_field("stop", f"{part!r}: {key} must be {what}") from None
    return settings


def _required(kind: type[PlainRule]) -> list[str]:
    return [field.name for field in fields(kind) if field.default is MISSING]


def _default(setting: "Field[Any]") -> object:
    return "N" if setting.default is MISSING else setting.default


def _written(name: str, settings: dict[str, object]) -> str:
    if len(settings) == 1:
        return f"{name}:{next(iter(settings.values()))}"
    parts = [
        key if value is True else f"{key}={value}"
        for key, value in settings.items()
        if value is not False
    ]
    return f"{name}:" + ",".join(parts)
