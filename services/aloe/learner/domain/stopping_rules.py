"""Checks of stopping rules."""

from collections.abc import Iterator

from aloe.learner.domain.errors import Violation
from aloe.values.ranges import out_of_range
from aloe.values.stopping import (
    STOPPING_RULES,
    AllOfRules,
    AnyOfRules,
    StoppingRule,
    plain_rules,
)

MAX_RULES = 20
MAX_DEPTH = 4
"""Levels of a rule: one for a plain rule, two for any or all of plain ones."""

_NAMES = {kind: name for name, kind in STOPPING_RULES.items()}


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
    path = f"{field}.{_NAMES[type(rule)]}"
    if isinstance(rule, AnyOfRules | AllOfRules):
        if not rule.rules:
            yield Violation(f"{path}.rules", "empty; give at least one rule")
        for index, each in enumerate(rule.rules):
            yield from _violations(each, f"{path}.rules[{index}]", depth - 1)
    else:
        for name, description in out_of_range(rule):
            yield Violation(f"{path}.{name}", description)
