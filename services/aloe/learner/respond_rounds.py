"""Domain to protobuf: rounds, and what stopping rules say of them."""

from collections.abc import Mapping

from aloe.learner.advice import RoundReport
from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.recorder import Phase
from aloe.learner.respond_times import duration, known_duration, timestamp
from aloe.v1 import head_pb2, stopping_pb2
from aloe.values import (
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlateauRule,
    StablePredictionsRule,
    StopAdvice,
    StoppingRule,
    StopReason,
    StopVerdict,
    UncertaintyRule,
)

_VERDICTS = {
    StopVerdict.CONTINUE: stopping_pb2.STOP_VERDICT_CONTINUE,
    StopVerdict.STOP: stopping_pb2.STOP_VERDICT_STOP,
}


def round_(report: RoundReport) -> head_pb2.Round:
    each = report.round
    return head_pb2.Round(
        head_version=each.head_version,
        label_count=each.label_count,
        validation=_evaluation(each.validation),
        test=_evaluation(each.test),
        start_time=timestamp(each.start_time),
        training_duration=duration(each.training_s),
        evaluation_duration=duration(each.evaluation_s),
        training_loss=each.training_loss,
        prediction_agreement=each.prediction_agreement,
        mean_uncertainty=each.mean_uncertainty,
        statistics_duration=known_duration(each.statistics_s),
        store_duration=known_duration(each.store_s),
        head_times=_head_times(report.times),
        stop_advice=stop_advice(report.advice),
    )


def _head_times(times: Mapping[Phase, float]) -> head_pb2.HeadTimes | None:
    if not times:
        return None
    return head_pb2.HeadTimes(
        publishing_duration=known_duration(times.get(Phase.PUBLISHING)),
        scoring_duration=known_duration(times.get(Phase.SCORING)),
        selection_duration=known_duration(times.get(Phase.SELECTION)),
    )


def _evaluation(each: Evaluation | None) -> head_pb2.Evaluation | None:
    if each is None:
        return None
    return head_pb2.Evaluation(
        clip_count=each.clip_count,
        accuracy=each.accuracy,
        macro_f1=each.macro_f1,
        class_recalls=each.class_recalls,
        loss=each.loss,
        calibration_error=each.calibration_error,
    )


def stopping_rule(rule: StoppingRule) -> stopping_pb2.StoppingRule:
    """Write a rule."""
    match rule:
        case PlateauRule(count, gain):
            return stopping_pb2.StoppingRule(
                plateau=stopping_pb2.PlateauRule(round_count=count, min_gain=gain)
            )
        case StablePredictionsRule(count, agreement):
            return stopping_pb2.StoppingRule(
                stable_predictions=stopping_pb2.StablePredictionsRule(
                    round_count=count, min_agreement=agreement
                )
            )
        case UncertaintyRule(uncertainty):
            return stopping_pb2.StoppingRule(
                uncertainty=stopping_pb2.UncertaintyRule(max_uncertainty=uncertainty)
            )
        case LabelCountRule(count):
            return stopping_pb2.StoppingRule(
                label_count=stopping_pb2.LabelCountRule(label_count=count)
            )
        case AnyOfRules(rules):
            return stopping_pb2.StoppingRule(
                any=stopping_pb2.StoppingRules(rules=map(stopping_rule, rules))
            )
        case AllOfRules(rules):
            return stopping_pb2.StoppingRule(
                all=stopping_pb2.StoppingRules(rules=map(stopping_rule, rules))
            )


def stop_advice(advice: StopAdvice | None) -> stopping_pb2.StopAdvice | None:
    """Write what a rule says, if it says anything."""
    if advice is None:
        return None
    return stopping_pb2.StopAdvice(
        verdict=_VERDICTS[advice.verdict], reasons=map(_stop_reason, advice.reasons)
    )


def _stop_reason(reason: StopReason) -> stopping_pb2.StopReason:
    return stopping_pb2.StopReason(
        rule=stopping_rule(reason.rule),
        verdict=_VERDICTS[reason.verdict],
        value=reason.value,
        bound=reason.bound,
        description=reason.description,
    )
