"""What a task's stopping rule says at a head. It is advice: nothing is refused because of it."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.rounds import Round
from aloe.values.stopping import (
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

_ROUNDING = 1e-12
"""Differences of accuracies and means of kappas are not exact."""


def advise(rule: StoppingRule, rounds: Sequence[Round]) -> StopAdvice:
    """Say whether to go on labeling.

    Args:
        rule: the task's.
        rounds: in order, the one to judge last; rounds_needed(rule), or all there are.

    Returns:
        The verdict and why. A rule that lacks its figures says CONTINUE.
    """
    reasons = tuple(_reason(plain, rounds) for plain in plain_rules(rule))
    says_stop = iter([reason.verdict is StopVerdict.STOP for reason in reasons])
    return StopAdvice(_verdict(_stops(rule, says_stop)), reasons)


def rounds_needed(rule: StoppingRule) -> int:
    """Return how many rounds, the one to judge included, decide what a rule says."""
    return max(map(_needed_by, plain_rules(rule)))


def _verdict(stops: bool) -> StopVerdict:
    return StopVerdict.STOP if stops else StopVerdict.CONTINUE


def _stops(rule: StoppingRule, says_stop: Iterator[bool]) -> bool:
    """Combine what the plain rules say, taken from `says_stop` in their order."""
    if not isinstance(rule, AnyOfRules | AllOfRules):
        return next(says_stop)
    # A list, not a generator: each rule must take its own answer, also after one has decided.
    answers = [_stops(each, says_stop) for each in rule.rules]
    return any(answers) if isinstance(rule, AnyOfRules) else all(answers)


def _needed_by(rule: PlainRule) -> int:
    match rule:
        case PlateauRule(round_count):
            return 2 * round_count
        case StablePredictionsRule(round_count):
            return round_count
        case _:
            return 1


def _reason(rule: PlainRule, rounds: Sequence[Round]) -> StopReason:
    match rule:
        case PlateauRule():
            return _plateau(rule, rounds)
        case StablePredictionsRule():
            return _stable_predictions(rule, rounds)
        case UncertaintyRule():
            return _uncertainty(rule, rounds[-1])
        case LabelCountRule():
            return _label_count(rule, rounds[-1])


def _plateau(rule: PlateauRule, rounds: Sequence[Round]) -> StopReason:
    count, bound = rule.round_count, rule.min_gain
    is_several = any(each.validation and each.validation.figures for each in rounds)
    what = "mean average precision" if is_several else "accuracy"
    accuracies = [_quality(each.validation) for each in rounds[-2 * count :]]
    last = [each for each in accuracies[-count:] if each is not None]
    before = [each for each in accuracies[:-count] if each is not None]
    if not last or not before:
        known = len(last) + len(before)
        missing = f"{known} heads with a validation {what}; {count + 1} are needed"
        return StopReason(rule, StopVerdict.CONTINUE, None, bound, missing)
    gain = max(last) - max(before)
    change = f"{abs(gain):.4f} {'above' if gain > 0 else 'below'}" if gain else "equal to"
    return StopReason(
        rule,
        _verdict(gain <= bound + _ROUNDING),
        gain,
        bound,
        f"best validation {what} of the last {count} heads is {max(last):.4f}, {change} the best"
        f" of the {len(before)} before; a gain of up to {bound:g} is a plateau",
    )


def _quality(evaluation: Evaluation | None) -> float | None:
    """Return what is to grow: accuracy, or of several labels a clip the mean average precision."""
    if evaluation is None:
        return None
    figures = evaluation.figures
    return figures.mean_average_precision if figures else evaluation.accuracy


def _stable_predictions(rule: StablePredictionsRule, rounds: Sequence[Round]) -> StopReason:
    count, bound = rule.round_count, rule.min_agreement
    known = [each.prediction_agreement for each in rounds[-count:]]
    agreements = [each for each in known if each is not None]
    if len(agreements) < count:
        missing = f"{len(agreements)} of the last {count} heads were compared with the one before"
        return StopReason(rule, StopVerdict.CONTINUE, None, bound, missing)
    least, mean = min(agreements), fmean(agreements)
    value = mean if rule.of_mean else least
    return StopReason(
        rule,
        _verdict(value >= bound - _ROUNDING),
        value,
        bound,
        f"the last {count} heads agree on the unanswered clips, each with the one before, by a"
        f" kappa of {least:.4f} or more (mean {mean:.4f}); {'a mean of ' if rule.of_mean else ''}"
        f"{bound:g} is stable",
    )


def _uncertainty(rule: UncertaintyRule, newest: Round) -> StopReason:
    bound, seen = rule.max_uncertainty, newest.mean_uncertainty
    if seen is None:
        missing = "the mean uncertainty of the unanswered clips is not known for this head"
        return StopReason(rule, StopVerdict.CONTINUE, None, bound, missing)
    text = f"mean uncertainty of the unanswered clips is {seen:.4f}; up to {bound:g} is low"
    return StopReason(rule, _verdict(seen <= bound), seen, bound, text)


def _label_count(rule: LabelCountRule, newest: Round) -> StopReason:
    count, wanted = newest.label_count, rule.label_count
    text = f"{count:,} labels; {wanted:,} are enough"
    return StopReason(rule, _verdict(count >= wanted), count, wanted, text)
