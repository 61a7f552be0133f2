"""Stopping rules, from protobuf to the domain."""

from aloe.learner.domain.errors import InvalidInput
from aloe.v1 import stopping_pb2
from aloe.values import (
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlateauRule,
    StablePredictionsRule,
    StoppingRule,
    UncertaintyRule,
)

_PLATEAU, _STABLE, _UNCERTAINTY = PlateauRule(), StablePredictionsRule(), UncertaintyRule()


def stopping_rule(message: stopping_pb2.StoppingRule, field: str) -> StoppingRule:
    """Read a rule. Raises InvalidInput where one is unset; `field` is what it blames."""
    match message.WhichOneof("rule"):
        case "plateau":
            return _plateau(message.plateau)
        case "stable_predictions":
            return _stable_predictions(message.stable_predictions)
        case "uncertainty":
            given = message.uncertainty
            return UncertaintyRule(
                given.max_uncertainty
                if given.HasField("max_uncertainty")
                else _UNCERTAINTY.max_uncertainty
            )
        case "label_count":
            return LabelCountRule(message.label_count.label_count)
        case "any":
            return AnyOfRules(_rules(message.any, f"{field}.any"))
        case "all":
            return AllOfRules(_rules(message.all, f"{field}.all"))
        case _:
            raise InvalidInput.of(
                field,
                "unset; give plateau, stable_predictions, uncertainty, label_count, any or all",
            )


def _plateau(given: stopping_pb2.PlateauRule) -> PlateauRule:
    return PlateauRule(
        given.round_count if given.HasField("round_count") else _PLATEAU.round_count,
        given.min_gain if given.HasField("min_gain") else _PLATEAU.min_gain,
    )


def _stable_predictions(given: stopping_pb2.StablePredictionsRule) -> StablePredictionsRule:
    return StablePredictionsRule(
        given.round_count if given.HasField("round_count") else _STABLE.round_count,
        given.min_agreement if given.HasField("min_agreement") else _STABLE.min_agreement,
    )


def _rules(given: stopping_pb2.StoppingRules, field: str) -> tuple[StoppingRule, ...]:
    return tuple(
        stopping_rule(each, f"{field}.rules[{index}]") for index, each in enumerate(given.rules)
    )
