"""What stopping rules say of rounds, worked by hand."""

from datetime import UTC, datetime

import pytest

from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.stopping import advise, rounds_needed
from aloe.values.recipes import AdamRecipe
from aloe.values.stopping import (
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlateauRule,
    StablePredictionsRule,
    StopVerdict,
    UncertaintyRule,
    looks_at_pool,
)

STOP, CONTINUE = StopVerdict.STOP, StopVerdict.CONTINUE


def a_round(accuracy: float | None = None, *, labels: int = 10, **figures: float | None) -> Round:
    validation = None if accuracy is None else Evaluation(100, accuracy, 0.5, (0.5, 0.5), 0.7)
    return Round(
        head_version=1,
        label_count=labels,
        head_recipe=AdamRecipe(),
        validation=validation,
        test=None,
        start_time=datetime(2026, 1, 1, tzinfo=UTC),
        training_s=0.1,
        evaluation_s=0.1,
        training_loss=0.1,
        prediction_agreement=figures.get("agreement"),
        mean_uncertainty=figures.get("uncertainty"),
    )


def rounds_of(*accuracies: float | None) -> list[Round]:
    return [a_round(accuracy) for accuracy in accuracies]


@pytest.mark.parametrize(
    ("accuracies", "gain", "verdict"),
    [
        # Best of the last two less the best of the two before.
        ((0.50, 0.60, 0.61, 0.62), 0.02, CONTINUE),
        ((0.50, 0.60, 0.605, 0.61), 0.01, STOP),
        ((0.50, 0.60, 0.58, 0.55), -0.02, STOP),
        # A peak longer ago than twice the heads is forgotten.
        ((0.90, 0.50, 0.60, 0.61, 0.62), 0.02, CONTINUE),
        # Of the heads before there may be fewer, but one.
        ((0.60, 0.70, 0.605), 0.10, CONTINUE),
        ((0.60, 0.61, 0.605), 0.01, STOP),
        ((0.60, 0.60), None, CONTINUE),
        # Heads without a validation accuracy are passed over.
        ((0.60, None, None, 0.605), 0.005, STOP),
        ((None, None, 0.60, 0.60), None, CONTINUE),
        ((0.60, 0.60, None, None), None, CONTINUE),
    ],
)
def test_a_plateau_is_where_the_last_heads_gain_no_more_than_the_bound(accuracies, gain, verdict):
    rule = PlateauRule(round_count=2, min_gain=0.01)
    advice = advise(rule, rounds_of(*accuracies))
    [reason] = advice.reasons
    assert (advice.verdict, reason.verdict, reason.rule) == (verdict, verdict, rule)
    assert reason.value == (None if gain is None else pytest.approx(gain))
    assert reason.bound == 0.01


def test_a_plateau_without_any_gain_at_all_is_one():
    assert advise(PlateauRule(1, 0.0), rounds_of(0.7, 0.7)).verdict is STOP


def test_a_plateau_says_in_numbers_what_it_saw():
    [reason] = advise(PlateauRule(2, 0.01), rounds_of(0.5, 0.6, 0.605, 0.59)).reasons
    assert reason.description == (
        "best validation accuracy of the last 2 heads is 0.6050, 0.0050 above the best of the 2"
        " before; a gain of up to 0.01 is a plateau"
    )
    [reason] = advise(PlateauRule(3, 0.01), rounds_of(0.5, None)).reasons
    assert reason.description == "1 heads with a validation accuracy; 4 are needed"


@pytest.mark.parametrize(
    ("agreements", "least", "verdict"),
    [
        ((0.5, 0.99, 0.98, 1.0), 0.98, STOP),
        ((0.99, 0.97, 1.0), 0.97, CONTINUE),
        # The first head has none before it; older versions kept none.
        ((None, 0.99, 0.99), None, CONTINUE),
        ((0.99, 0.99), None, CONTINUE),
    ],
)
def test_predictions_are_stable_when_every_one_of_the_last_heads_agrees(agreements, least, verdict):
    rule = StablePredictionsRule(round_count=3, min_agreement=0.98)
    advice = advise(rule, [a_round(agreement=each) for each in agreements])
    [reason] = advice.reasons
    assert (advice.verdict, reason.value, reason.bound) == (verdict, least, 0.98)


@pytest.mark.parametrize(
    ("agreements", "mean", "verdict"),
    [
        ((0.5, 0.96, 0.98, 1.0), 0.98, STOP),
        ((0.96, 0.97, 1.0), 2.93 / 3, CONTINUE),
        ((None, 1.0, 1.0), None, CONTINUE),
    ],
)
def test_predictions_are_stable_on_the_mean_where_that_is_judged(agreements, mean, verdict):
    rule = StablePredictionsRule(round_count=3, min_agreement=0.98, of_mean=True)
    advice = advise(rule, [a_round(agreement=each) for each in agreements])
    [reason] = advice.reasons
    assert (advice.verdict, reason.bound) == (verdict, 0.98)
    assert reason.value == (None if mean is None else pytest.approx(mean))


def test_stable_predictions_say_least_and_mean():
    rule = StablePredictionsRule(round_count=2, min_agreement=0.98, of_mean=True)
    [reason] = advise(rule, [a_round(agreement=0.95), a_round(agreement=0.99)]).reasons
    assert reason.description == (
        "the last 2 heads agree on the unanswered clips, each with the one before, by a kappa of"
        " 0.9500 or more (mean 0.9700); a mean of 0.98 is stable"
    )


@pytest.mark.parametrize(
    ("uncertainty", "verdict"), [(0.2, CONTINUE), (0.1, STOP), (0.05, STOP), (None, CONTINUE)]
)
def test_uncertainty_is_judged_at_the_newest_head(uncertainty, verdict):
    rounds = [a_round(uncertainty=0.0), a_round(uncertainty=uncertainty)]
    advice = advise(UncertaintyRule(0.1), rounds)
    assert (advice.verdict, advice.reasons[0].value) == (verdict, uncertainty)


@pytest.mark.parametrize(("labels", "verdict"), [(99, CONTINUE), (100, STOP), (101, STOP)])
def test_labels_enough_are_those_that_the_head_was_trained_on(labels, verdict):
    advice = advise(LabelCountRule(100), [a_round(labels=labels)])
    assert advice.verdict is verdict
    assert advice.reasons[0].description == f"{labels} labels; 100 are enough"


MET, UNMET = LabelCountRule(5), LabelCountRule(500)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (AnyOfRules((UNMET, MET)), STOP),
        (AnyOfRules((UNMET, UNMET)), CONTINUE),
        (AllOfRules((MET, MET)), STOP),
        (AllOfRules((MET, UNMET)), CONTINUE),
        (AllOfRules((AnyOfRules((MET, UNMET)), MET)), STOP),
        (AllOfRules((AnyOfRules((MET, MET)), UNMET)), CONTINUE),
        (AnyOfRules((AllOfRules((UNMET, MET)), UNMET)), CONTINUE),
        (AnyOfRules((AllOfRules((UNMET, UNMET)), MET)), STOP),
    ],
)
def test_rules_combine_and_each_gives_its_own_reason(rule, verdict):
    advice = advise(rule, [a_round(labels=10)])
    assert advice.verdict is verdict
    for reason in advice.reasons:
        assert reason.verdict is (STOP if reason.rule == MET else CONTINUE)


def test_reasons_stand_in_the_order_of_the_rules():
    inner = AllOfRules((StablePredictionsRule(), UncertaintyRule()))
    rule = AnyOfRules((PlateauRule(), inner, LabelCountRule(3)))
    reasons = advise(rule, [a_round()]).reasons
    assert [type(reason.rule) for reason in reasons] == [
        PlateauRule,
        StablePredictionsRule,
        UncertaintyRule,
        LabelCountRule,
    ]


def test_enough_rounds_are_read_for_every_rule_in_a_rule():
    assert rounds_needed(LabelCountRule(3)) == 1
    assert rounds_needed(AnyOfRules((StablePredictionsRule(7), PlateauRule(3)))) == 7
    assert rounds_needed(AllOfRules((StablePredictionsRule(7), AnyOfRules((PlateauRule(4),))))) == 8


def test_only_some_rules_look_at_the_pool():
    assert not looks_at_pool(None)
    assert not looks_at_pool(AnyOfRules((PlateauRule(), LabelCountRule(3))))
    assert looks_at_pool(AnyOfRules((PlateauRule(), AllOfRules((UncertaintyRule(),)))))
    assert looks_at_pool(StablePredictionsRule())
