"""Stopping rules and their advice as they travel."""

from aloe.client import types
from aloe.client._fields import parse_enum, uint32, uint64
from aloe.v1 import stopping_pb2


def encode_rule(rule: types.StoppingRule) -> stopping_pb2.StoppingRule:
    """Raises InvalidArgument where a count is out of range."""
    match rule:
        case types.PlateauRule(count, gain):
            count = uint32("stopping_rule.plateau.round_count", count)
            return stopping_pb2.StoppingRule(
                plateau=stopping_pb2.PlateauRule(round_count=count, min_gain=gain)
            )
        case types.StablePredictionsRule(count, agreement):
            count = uint32("stopping_rule.stable_predictions.round_count", count)
            stable = stopping_pb2.StablePredictionsRule(round_count=count, min_agreement=agreement)
            return stopping_pb2.StoppingRule(stable_predictions=stable)
        case types.UncertaintyRule(uncertainty):
            return stopping_pb2.StoppingRule(
                uncertainty=stopping_pb2.UncertaintyRule(max_uncertainty=uncertainty)
            )
        case types.LabelCountRule(count):
            count = uint64("stopping_rule.label_count.label_count", count)
            return stopping_pb2.StoppingRule(
                label_count=stopping_pb2.LabelCountRule(label_count=count)
            )
        case types.AnyOfRules(rules):
            return stopping_pb2.StoppingRule(
                any=stopping_pb2.StoppingRules(rules=map(encode_rule, rules))
            )
        case types.AllOfRules(rules):
            return stopping_pb2.StoppingRule(
                all=stopping_pb2.StoppingRules(rules=map(encode_rule, rules))
            )


def parse_rule(message: stopping_pb2.StoppingRule) -> types.StoppingRule:
    """Raises ValueError where the rule is unknown here."""
    match message.WhichOneof("rule"):
        case "any":
            return types.AnyOfRules(tuple(map(parse_rule, message.any.rules)))
        case "all":
            return types.AllOfRules(tuple(map(parse_rule, message.all.rules)))
        case _:
            return _parse_plain(message)


def parse_advice(message: stopping_pb2.StopAdvice) -> types.StopAdvice:
    """Raises ValueError where a part is unknown here."""
    return types.StopAdvice(
        _parse_verdict(message.verdict), tuple(map(_parse_reason, message.reasons))
    )


def _parse_reason(message: stopping_pb2.StopReason) -> types.StopReason:
    return types.StopReason(
        rule=_parse_plain(message.rule),
        verdict=_parse_verdict(message.verdict),
        value=message.value if message.HasField("value") else None,
        bound=message.bound,
        description=message.description,
    )


def _parse_verdict(number: int) -> types.StopVerdict:
    return parse_enum(types.StopVerdict, stopping_pb2.StopVerdict, "STOP_VERDICT", number)


def _parse_plain(message: stopping_pb2.StoppingRule) -> types.PlainRule:
    match message.WhichOneof("rule"):
        case "plateau":
            return types.PlateauRule(message.plateau.round_count, message.plateau.min_gain)
        case "stable_predictions":
            stable = message.stable_predictions
            return types.StablePredictionsRule(stable.round_count, stable.min_agreement)
        case "uncertainty":
            return types.UncertaintyRule(message.uncertainty.max_uncertainty)
        case "label_count":
            return types.LabelCountRule(message.label_count.label_count)
        case _:
            raise ValueError("a stopping rule is unknown to this version of the library")
