"""What both ends say in the same words: strategies, recipes, stopping rules, states. Pure values.

A member of an enum here is called as on the wire, less the enum's prefix; a kind of recipe or rule
is called as its field of the message's oneof. Nothing else says these names and defaults again.
"""

from aloe.values.ranges import Range, out_of_range, ranges_of
from aloe.values.recipes import HEAD_RECIPES, PAPER_RECIPE, AdamRecipe, HeadRecipe, LbfgsRecipe
from aloe.values.states import ClipState, EventKind, PoolState, Split
from aloe.values.stopping import (
    PLAIN_RULES,
    STOPPING_RULES,
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlainRule,
    PlateauRule,
    StablePredictionsRule,
    StopAdvice,
    StoppingRule,
    StopReason,
    StopVerdict,
    UncertaintyRule,
    plain_rules,
)
from aloe.values.strategies import (
    DEFAULT_STRATEGY,
    AcquisitionFunction,
    QueryStrategy,
    SelectionRule,
)

__all__ = [
    "DEFAULT_STRATEGY",
    "HEAD_RECIPES",
    "PAPER_RECIPE",
    "PLAIN_RULES",
    "STOPPING_RULES",
    "AcquisitionFunction",
    "AdamRecipe",
    "AllOfRules",
    "AnyOfRules",
    "ClipState",
    "EventKind",
    "HeadRecipe",
    "LabelCountRule",
    "LbfgsRecipe",
    "PlainRule",
    "PlateauRule",
    "PoolState",
    "QueryStrategy",
    "Range",
    "SelectionRule",
    "Split",
    "StablePredictionsRule",
    "StopAdvice",
    "StopReason",
    "StopVerdict",
    "StoppingRule",
    "UncertaintyRule",
    "out_of_range",
    "plain_rules",
    "ranges_of",
]
