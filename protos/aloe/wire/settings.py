"""Query strategies, head recipes, stopping rules and advice, to and from their messages."""

from aloe.v1 import head_pb2, stopping_pb2, task_pb2
from aloe.values.recipes import HEAD_RECIPES, HeadRecipe
from aloe.values.representations import Representation
from aloe.values.stopping import (
    STOPPING_RULES,
    AllOfRules,
    AnyOfRules,
    StopAdvice,
    StoppingRule,
    StopReason,
)
from aloe.values.strategies import PAPER_STRATEGY, QueryStrategy, rule_beside
from aloe.wire.enums import (
    ACQUISITION_FUNCTIONS,
    REPRESENTATIONS,
    SELECTION_RULES,
    STOP_VERDICTS,
)
from aloe.wire.errors import MalformedValue
from aloe.wire.variants import Variants

HEAD_RECIPE: Variants[HeadRecipe, head_pb2.HeadRecipe] = Variants(
    HEAD_RECIPES, head_pb2.HeadRecipe, "optimiser"
)
STOPPING_RULE: Variants[StoppingRule, stopping_pb2.StoppingRule] = Variants(
    STOPPING_RULES, stopping_pb2.StoppingRule, "rule"
)


def encode_strategy(strategy: QueryStrategy) -> task_pb2.QueryStrategy:
    """Write a query strategy."""
    return task_pb2.QueryStrategy(
        acquisition_function=ACQUISITION_FUNCTIONS.number(strategy.acquisition_function),
        selection_rule=SELECTION_RULES.number(strategy.selection_rule),
    )


def decode_strategy(
    message: task_pb2.QueryStrategy, field: str, *, default: QueryStrategy = PAPER_STRATEGY
) -> QueryStrategy:
    """Read a query strategy; what is unset is the default's, with a rule that the function takes.

    Raises:
        MalformedValue: a part is unknown here.
    """
    function = ACQUISITION_FUNCTIONS.member(
        message.acquisition_function,
        f"{field}.acquisition_function",
        default=default.acquisition_function,
    )
    rule = SELECTION_RULES.member(
        message.selection_rule,
        f"{field}.selection_rule",
        default=rule_beside(function, default.selection_rule),
    )
    return QueryStrategy(function, rule)


def decode_representation(
    number: int, field: str, *, default: Representation = Representation.NONE
) -> Representation:
    """Read a representation; where it is unset, as servers of before leave it, the default.

    Raises:
        MalformedValue: it is unknown here.
    """
    return REPRESENTATIONS.member(number, field, default=default)


def encode_advice(advice: StopAdvice) -> stopping_pb2.StopAdvice:
    """Write what a stopping rule says."""
    return stopping_pb2.StopAdvice(
        verdict=STOP_VERDICTS.number(advice.verdict),
        reasons=[
            stopping_pb2.StopReason(
                rule=STOPPING_RULE.encode(reason.rule, "rule"),
                verdict=STOP_VERDICTS.number(reason.verdict),
                value=reason.value,
                bound=reason.bound,
                description=reason.description,
            )
            for reason in advice.reasons
        ],
    )


def decode_advice(message: stopping_pb2.StopAdvice, field: str) -> StopAdvice:
    """Read what a stopping rule says.

    Raises:
        MalformedValue: a rule or verdict is unknown here.
    """
    return StopAdvice(
        STOP_VERDICTS.member(message.verdict, f"{field}.verdict"),
        tuple(
            _decode_reason(reason, f"{field}.reasons[{index}]")
            for index, reason in enumerate(message.reasons)
        ),
    )


def _decode_reason(message: stopping_pb2.StopReason, field: str) -> StopReason:
    rule = STOPPING_RULE.decode(message.rule, f"{field}.rule")
    if isinstance(rule, AnyOfRules | AllOfRules):
        raise MalformedValue(
            f"{field}.rule", "is made of others; a reason is that of one plain rule"
        )
    return StopReason(
        rule=rule,
        verdict=STOP_VERDICTS.member(message.verdict, f"{field}.verdict"),
        value=message.value if message.HasField("value") else None,
        bound=message.bound,
        description=message.description,
    )
