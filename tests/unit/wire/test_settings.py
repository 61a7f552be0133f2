"""Settings travel whole, keep in JSON, and are refused by field where they cannot be read."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from tests.unit.wire.settings_strategies import ADVICE, QUERY_STRATEGIES, RECIPES, RULES

from aloe.v1 import head_pb2, stopping_pb2, task_pb2
from aloe.values.recipes import HEAD_RECIPES, PAPER_RECIPE, AdamRecipe
from aloe.values.stopping import (
    STOPPING_RULES,
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlateauRule,
    StablePredictionsRule,
)
from aloe.values.strategies import (
    PAPER_STRATEGY,
    AcquisitionFunction,
    QueryStrategy,
    SelectionRule,
)
from aloe.wire.errors import MalformedValue
from aloe.wire.settings import (
    HEAD_RECIPE,
    STOPPING_RULE,
    decode_advice,
    decode_strategy,
    encode_advice,
    encode_strategy,
)


@given(QUERY_STRATEGIES)
def test_query_strategy_travels_whole(strategy):
    assert decode_strategy(encode_strategy(strategy), "query_strategy") == strategy


@pytest.mark.parametrize(
    ("usual", "expected"),
    [
        (SelectionRule.HERDING, SelectionRule.CLASS_AGNOSTIC),
        (SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AWARE),
    ],
)
def test_a_function_on_the_graph_has_a_rule_that_goes_with_it_where_none_is_said(usual, expected):
    message = task_pb2.QueryStrategy(acquisition_function=task_pb2.ACQUISITION_FUNCTION_MCV_OPT)
    default = QueryStrategy(selection_rule=usual)
    found = decode_strategy(message, "query_strategy", default=default)
    assert found == QueryStrategy(AcquisitionFunction.MCV_OPT, expected)
    said = task_pb2.QueryStrategy(
        acquisition_function=task_pb2.ACQUISITION_FUNCTION_MCV_OPT,
        selection_rule=task_pb2.SELECTION_RULE_BADGE,
    )
    assert not decode_strategy(said, "query_strategy", default=default).goes_together


@given(RECIPES)
def test_recipe_travels_and_keeps_in_json(recipe):
    assert HEAD_RECIPE.decode(HEAD_RECIPE.encode(recipe, "r"), "r") == recipe
    assert HEAD_RECIPE.load(json.loads(json.dumps(HEAD_RECIPE.dump(recipe)))) == recipe


@given(RULES)
def test_stopping_rule_travels_and_keeps_in_json(rule):
    assert STOPPING_RULE.decode(STOPPING_RULE.encode(rule, "r"), "r") == rule
    assert STOPPING_RULE.load(json.loads(json.dumps(STOPPING_RULE.dump(rule)))) == rule


@given(ADVICE)
def test_advice_travels_whole(advice):
    assert decode_advice(encode_advice(advice), "stop_advice") == advice


@pytest.mark.parametrize(
    ("kinds", "message", "oneof"),
    [
        (HEAD_RECIPES, head_pb2.HeadRecipe, "optimiser"),
        (STOPPING_RULES, stopping_pb2.StoppingRule, "rule"),
    ],
)
def test_values_have_the_kinds_and_settings_of_the_contract(kinds, message, oneof):
    on_wire = {
        field.name: {inner.name for inner in field.message_type.fields}
        for field in message.DESCRIPTOR.oneofs_by_name[oneof].fields
    }
    assert {name: {each.name for each in fields(kind)} for name, kind in kinds.items()} == on_wire


def test_json_says_the_kind_beside_the_settings():
    assert HEAD_RECIPE.dump(AdamRecipe(batch_size=8)) == {
        "optimiser": "adam",
        "learning_rate": 0.001,
        "epoch_count": 100,
        "batch_size": 8,
    }
    assert STOPPING_RULE.dump(AllOfRules((LabelCountRule(5),))) == {
        "rule": "all",
        "rules": [{"rule": "label_count", "label_count": 5}],
    }


def test_unset_strategy_is_the_default():
    assert decode_strategy(task_pb2.QueryStrategy(), "s") == PAPER_STRATEGY


def test_unset_settings_have_their_defaults():
    adam = head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe(batch_size=8))
    assert HEAD_RECIPE.decode(adam, "head_recipe") == AdamRecipe(batch_size=8)
    stable = stopping_pb2.StoppingRule(stable_predictions=stopping_pb2.StablePredictionsRule())
    assert STOPPING_RULE.decode(stable, "stopping_rule") == StablePredictionsRule()


def test_zero_is_not_unset():
    plateau = stopping_pb2.PlateauRule(min_gain=0.0)
    decoded = STOPPING_RULE.decode(stopping_pb2.StoppingRule(plateau=plateau), "r")
    assert decoded == PlateauRule(min_gain=0.0)


def test_unset_kind_is_the_default_where_there_is_one():
    assert HEAD_RECIPE.decode(head_pb2.HeadRecipe(), "r", default=PAPER_RECIPE) == PAPER_RECIPE


def test_unset_or_unknown_kind_is_refused_by_field():
    nested = stopping_pb2.StoppingRule(
        any=stopping_pb2.StoppingRules(rules=[stopping_pb2.StoppingRule()])
    )
    with pytest.raises(MalformedValue, match="plateau, stable_predictions") as caught:
        STOPPING_RULE.decode(nested, "stopping_rule")
    assert caught.value.field == "stopping_rule.any.rules[0]"


def test_unknown_number_is_refused_by_field():
    message = task_pb2.QueryStrategy(acquisition_function=99)  # type: ignore[arg-type]
    with pytest.raises(MalformedValue, match="99 is unknown") as caught:
        decode_strategy(message, "query_strategy")
    assert caught.value.field == "query_strategy.acquisition_function"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (PlateauRule(round_count=-1), "r.plateau.round_count"),
        (PlateauRule(round_count=2**32), "r.plateau.round_count"),
        (
            AnyOfRules((PlateauRule(), LabelCountRule(2**64))),
            "r.any.rules[1].label_count.label_count",
        ),
    ],
)
def test_number_that_does_not_fit_is_refused_by_field(rule, field):
    with pytest.raises(MalformedValue) as caught:
        STOPPING_RULE.encode(rule, "r")
    assert caught.value.field == field


def test_reason_that_is_no_plain_rule_is_refused():
    rule = STOPPING_RULE.encode(AnyOfRules((PlateauRule(),)), "r")
    advice = stopping_pb2.StopAdvice(
        verdict=stopping_pb2.STOP_VERDICT_STOP,
        reasons=[stopping_pb2.StopReason(rule=rule, verdict=stopping_pb2.STOP_VERDICT_STOP)],
    )
    with pytest.raises(MalformedValue, match="one plain rule") as caught:
        decode_advice(advice, "a")
    assert caught.value.field == "a.reasons[0].rule"
