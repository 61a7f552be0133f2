"""The rules by which a task has enough labels, and what may be wrong with them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from aloe.learner.domain.errors import Violation

MAX_ROUND_COUNT = 1_000
MAX_RULES = 20
MAX_DEPTH = 4
"""Levels of a rule: one for a plain rule, two for any or all of plain ones."""


@dataclass(frozen=True, slots=True)
class PlateauRule:
    """Stop when validation accuracy no longer rises.

    Looks at the best of the last `round_count` heads and the best of as many before these, or of as
    many as there are, but at least one: what noise adds, it adds to both.
    """

    round_count: int = 10
    min_gain: float = 0.005


@dataclass(frozen=True, slots=True)
class StablePredictionsRule:
    """Stop when each of the last heads agrees with the one before it on the unlabeled clips.

    After Bloodgood & Vijay-Shanker (2009), whose threshold and number of heads are the defaults.
    """

    round_count: int = 3
    min_agreement: float = 0.99
    """Cohen's kappa."""


@dataclass(frozen=True, slots=True)
class UncertaintyRule:
    """Stop when the unlabeled clips are certain on average; after Zhu et al. (2010)."""

    max_uncertainty: float = 0.05
    """Mean of 1 - p1, p1 the largest probability of a clip."""


@dataclass(frozen=True, slots=True)
class LabelCountRule:
    """Stop when the head has been trained on so many labels, seed labels included."""

    label_count: int


@dataclass(frozen=True, slots=True)
class AnyOfRules:
    """Stop when one of the rules says so."""

    rules: "tuple[StoppingRule, ...]"


@dataclass(frozen=True, slots=True)
class AllOfRules:
    """Stop when all of the rules say so."""

    rules: "tuple[StoppingRule, ...]"


PlainRule = PlateauRule | StablePredictionsRule | UncertaintyRule | LabelCountRule
StoppingRule = PlainRule | AnyOfRules | AllOfRules


def plain_rules(rule: StoppingRule) -> Iterator[PlainRule]:
    """Yield the rules that a rule is made of."""
    match rule:
        case AnyOfRules(rules) | AllOfRules(rules):
            for each in rules:
                yield from plain_rules(each)
        case _:
            yield rule


def looks_at_pool(rule: StoppingRule | None) -> bool:
    """Whether a rule needs figures of each head on the unlabeled clips."""
    return rule is not None and any(
        isinstance(plain, StablePredictionsRule | UncertaintyRule) for plain in plain_rules(rule)
    )


def check_stopping_rule(rule: StoppingRule, field: str) -> list[Violation]:
    """Return what is wrong with a rule, by field."""
    count = sum(1 for _ in plain_rules(rule))
    if count > MAX_RULES:
        return [Violation(field, f"{count:,} rules; at most {MAX_RULES} can be combined")]
    return list(_violations(rule, field, MAX_DEPTH))


def _violations(rule: StoppingRule, field: str, depth: int) -> Iterator[Violation]:
    if depth == 0:
        yield Violation(field, f"deeper than {MAX_DEPTH} levels; combine fewer rules in rules")
        return
    match rule:
        case AnyOfRules(rules) | AllOfRules(rules):
            path = f"{field}.{'any' if isinstance(rule, AnyOfRules) else 'all'}.rules"
            if not rules:
                yield Violation(path, "empty; give at least one rule")
            for index, each in enumerate(rules):
                yield from _violations(each, f"{path}[{index}]", depth - 1)
        case PlateauRule(count, gain):
            yield from _check_count(count, f"{field}.plateau.round_count")
            yield from _check_part(gain, f"{field}.plateau.min_gain")
        case StablePredictionsRule(count, agreement):
            yield from _check_count(count, f"{field}.stable_predictions.round_count")
            yield from _check_part(agreement, f"{field}.stable_predictions.min_agreement")
        case UncertaintyRule(uncertainty):
            yield from _check_part(uncertainty, f"{field}.uncertainty.max_uncertainty")
        case LabelCountRule(count):
            if count < 1:
                yield Violation(f"{field}.label_count.label_count", "0; it must be 1 or more")


def _check_count(count: int, field: str) -> Iterator[Violation]:
    if not 1 <= count <= MAX_ROUND_COUNT:
        yield Violation(field, f"{count:,}; it must be 1 to {MAX_ROUND_COUNT:,}")


def _check_part(value: float, field: str) -> Iterator[Violation]:
    if not (math.isfinite(value) and 0 <= value <= 1):
        yield Violation(field, f"{value:g}; it must be 0 to 1")
