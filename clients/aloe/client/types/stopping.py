"""When a task has labels enough: rules, and what they say."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class PlateauRule:
    """Stop when validation accuracy no longer rises.

    The best of the last `round_count` heads is not more than `min_gain` above the best of as many
    heads before them (fewer at first, but at least one).
    """

    round_count: int = 10
    min_gain: float = 0.005


@dataclass(frozen=True, slots=True)
class StablePredictionsRule:
    """Stop when each of the last heads agrees with the one before on the unlabeled clips.

    After Bloodgood & Vijay-Shanker (2009).
    """

    round_count: int = 3
    min_agreement: float = 0.99
    """Cohen's kappa."""


@dataclass(frozen=True, slots=True)
class UncertaintyRule:
    """Stop when the head is certain of the clips that are left; after Zhu et al. (2010)."""

    max_uncertainty: float = 0.05
    """Mean of 1 - p1, p1 the largest probability of a clip."""


@dataclass(frozen=True, slots=True)
class LabelCountRule:
    """Stop when the head was trained on so many labels, seed labels included."""

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
"""At most 20 plain rules, in at most 4 levels."""


class StopVerdict(Enum):
    """Whether to go on labeling."""

    CONTINUE = "continue"
    """Also where a rule lacks what it looks at, as at the first heads."""
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class StopReason:
    """What one plain rule says, and because of what."""

    rule: PlainRule
    verdict: StopVerdict
    value: float | None
    """Gain of accuracy, smallest kappa, mean uncertainty or number of labels; None while not
    known."""
    bound: float
    """What the value is compared with."""
    description: str
    """Both in words."""


@dataclass(frozen=True, slots=True)
class StopAdvice:
    """What a task's stopping rule says at one head. Nothing is refused because of it."""

    verdict: StopVerdict
    reasons: tuple[StopReason, ...]
    """One for each plain rule, in their order."""
