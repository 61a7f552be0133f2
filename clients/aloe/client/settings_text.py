"""Stopping rules and head recipes as people write them: "plateau:round_count=10,min_gain=0.005"."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Generic, TypeVar, get_type_hints

from aloe.client.calls.translate import invalid_field
from aloe.client.types import HeadRecipe, PlainRule
from aloe.values.ranges import out_of_range
from aloe.values.recipes import HEAD_RECIPES
from aloe.values.stopping import PLAIN_RULES

V = TypeVar("V")


def parse_stopping_rule(text: str) -> PlainRule:
    """Read a rule: its name and, behind a colon, settings that differ from the defaults.

    "plateau", "stable_predictions:min_agreement=0.98", "uncertainty:max_uncertainty=0.1". A rule of
    one setting takes it without its name, too: "label_count:500"; a setting that is on or off is on
    by its name alone: "stable_predictions:min_agreement=0.98,of_mean".

    Raises:
        InvalidArgument: it is none.
    """
    return _RULES.parse(text)


def stopping_rule_text(rule: PlainRule) -> str:
    """Write a rule so that parse_stopping_rule reads it, with all its settings that are not off."""
    return _RULES.write(rule)


def stopping_rule_forms() -> tuple[str, ...]:
    """Return how each rule is written, with its defaults; N where there is none.

    Settings that are on or off are off by default.
    """
    return _RULES.forms()


def parse_head_recipe(text: str) -> HeadRecipe:
    """Read a head recipe, which is written as a rule is: "adam", "logistic:l2_penalty=0.01".

    Raises:
        InvalidArgument: it is none.
    """
    return _RECIPES.parse(text)


def head_recipe_text(recipe: HeadRecipe, *, short: bool = False) -> str:
    """Write a head recipe so that parse_head_recipe reads it.

    Args:
        recipe: to be written.
        short: leave out the settings that have their defaults, which may change: for people.
    """
    return _RECIPES.write(recipe, short=short)


def head_recipe_forms() -> tuple[str, ...]:
    """Return how each head recipe is written, with its defaults."""
    return _RECIPES.forms()


class _Texts(Generic[V]):
    """The texts of dataclasses of numbers and flags, by name."""

    def __init__(self, kinds: Mapping[str, type[V]], field: str, noun: str) -> None:
        self._kinds, self._field, self._noun = kinds, field, noun
        self._names = {kind: name for name, kind in kinds.items()}

    def parse(self, text: str) -> V:
        name, _, given = text.strip().partition(":")
        if name not in self._kinds:
            known = ", ".join(self._kinds)
            raise self._wrong(f"{name!r} is no {self._noun}; there are {known}")
        kind = self._kinds[name]
        settings = self._settings(name, kind, given)
        missing = [key for key in _required(kind) if key not in settings]
        if missing:
            raise self._wrong(f"{text!r} needs {', '.join(missing)}, a number")
        value = kind(**settings)
        for key, wrong in out_of_range(value):
            raise self._wrong(f"{text!r}: {key} is {wrong}")
        return value

    def write(self, value: V, *, short: bool = False) -> str:
        known = {each: getattr(value, each.name) for each in _fields(type(value))}
        told = [each for each, setting in known.items() if setting != each.default or not short]
        return self._written(type(value), {each.name: known[each] for each in told})

    def forms(self) -> tuple[str, ...]:
        return tuple(
            self._written(kind, {each.name: _default(each) for each in _fields(kind)})
            for kind in self._names
        )

    def _written(self, kind: type[V], settings: Mapping[str, object]) -> str:
        """Write settings behind the name; the only one that there can be without its own."""
        is_only_one = len(_fields(kind)) == 1
        texts = [
            f"{value}" if is_only_one else key if value is True else f"{key}={value}"
            for key, value in settings.items()
            if value is not False
        ]
        return ":".join(filter(None, (self._names[kind], ",".join(texts))))

    def _settings(self, name: str, kind: type[V], given: str) -> dict[str, float]:
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
                known = ", ".join(numbers) + ", each =NUMBER" + "".join(f", {e}" for e in flags)
                raise self._wrong(f"{part!r}: {name} takes {known}")
            try:
                settings[key] = numbers[key](value)
            except ValueError:
                what = "a whole number" if numbers[key] is int else "a number"
                raise self._wrong(f"{part!r}: {key} must be {what}") from None
        return settings

    def _wrong(self, description: str) -> Exception:
        return invalid_field(self._field, description)


def _fields(kind: Any) -> tuple["Field[Any]", ...]:
    return fields(kind)


def _required(kind: type[Any]) -> list[str]:
    return [field.name for field in _fields(kind) if field.default is MISSING]


def _default(setting: "Field[Any]") -> object:
    return "N" if setting.default is MISSING else setting.default


_RULES: _Texts[PlainRule] = _Texts(PLAIN_RULES, "stop", "rule")
_RECIPES: _Texts[HeadRecipe] = _Texts(HEAD_RECIPES, "head_recipe", "head recipe")
