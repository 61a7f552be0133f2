"""When a task has enough labels: rules, and what they say. Nothing is refused because of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from aloe.values.ranges import Range

MAX_LABEL_COUNT = 10**9
"""No pool holds more clips."""

_Heads = Annotated[int, Range(1, 1_000)]
_Part = Annotated[float, Range(0, 1)]


@dataclass(frozen=True, slots=True)
class PlateauRule:
    """Stop when validation accuracy no longer rises.

    The best of the last `round_count` heads is not more than `min_gain` above the best of as many
    heads before them (fewer at first, but at least one). Noise raises the best of many; comparing
    two bests cancels that.
    """

    round_count: _Heads = 10
    min_gain: _Part = 0.005


@dataclass(frozen=True, slots=True)
class StablePredictionsRule:
    """Stop when each of the last heads agrees with the one before it on the unanswered clips.

    After Bloodgood & Vijay-Shanker (2009), whose threshold and number of heads are the defaults.
    """

    round_count: _Heads = 3
    min_agreement: _Part = 0.99
    """Cohen's kappa."""
    of_mean: bool = False
    """Judge the mean of the kappas instead of each."""


@dataclass(frozen=True, slots=True)
class UncertaintyRule:
    """Stop when the head is certain of the unanswered clips on average; after Zhu et al. (2010)."""

    max_uncertainty: _Part = 0.05
    """Mean of 1 - p1, p1 the largest probability of a clip."""


@dataclass(frozen=True, slots=True)
class LabelCountRule:
    """Stop when the head was trained on `label_count` labels, seed labels included."""

    label_count: Annotated[int, Range(1, MAX_LABEL_COUNT)]


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
"""At most 20 plain rules, in at most 4 levels."""

PLAIN_RULES: dict[str, type[PlainRule]] = {
    "plateau": PlateauRule,
    "stable_predictions": StablePredictionsRule,
    "uncertainty": UncertaintyRule,
    "label_count": LabelCountRule,
}
STOPPING_RULES: dict[str, type[StoppingRule]] = {
    **PLAIN_RULES,
    "any": AnyOfRules,
    "all": AllOfRules,
}


def plain_rules(rule: StoppingRule) -> Iterator[PlainRule]:
    """Yield the plain rules that a rule is made of, in order."""
    if isinstance(rule, AnyOfRules | AllOfRules):
        for each in rule.rules:
            yield from plain_rules(each)
    else:
        yield rule


class StopVerdict(Enum):
    """Whether to go on labeling."""

    CONTINUE = "continue"
    """Also where a rule lacks its figures, as at the first heads."""
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class StopReason:
    """What one plain rule says, and why."""

    rule: PlainRule
    verdict: StopVerdict
    value: float | None
    """Gain of accuracy, smallest or mean kappa, mean uncertainty or number of labels; None while
    not known."""
    bound: float
    """What the value is compared with."""
    description: str
    """Value and bound in words."""


@dataclass(frozen=True, slots=True)
class StopAdvice:
    """What a task's stopping rule says at one head."""

    verdict: StopVerdict
    reasons: tuple[StopReason, ...]
    """One for each plain rule, in their order."""


def looks_at_pool(rule: StoppingRule | None) -> bool:
    """Whether a rule needs figures of each head on the unanswered clips."""
    return rule is not None and any(
        isinstance(plain, StablePredictionsRule | UncertaintyRule) for plain in plain_rules(rule)
    )
