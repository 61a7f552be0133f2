"""Stopping rules and head recipes as people write them."""

import pytest
from hypothesis import given
from tests.unit.wire.settings_strategies import PLAIN, RECIPES

from aloe import client
from aloe.values.recipes import HEAD_RECIPES
from aloe.values.stopping import PLAIN_RULES


@given(PLAIN)
def test_a_stopping_rule_reads_as_it_was_written(rule):
    assert client.parse_stopping_rule(client.stopping_rule_text(rule)) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("plateau", client.PlateauRule()),
        ("plateau:min_gain=0.01", client.PlateauRule(10, 0.01)),
        (
            "stable_predictions:round_count=5,min_agreement=0.9",
            client.StablePredictionsRule(5, 0.9),
        ),
        (
            "stable_predictions:round_count=4,of_mean,min_agreement=0.98",
            client.StablePredictionsRule(4, 0.98, of_mean=True),
        ),
        ("uncertainty:0.2", client.UncertaintyRule(0.2)),
        ("label_count:500", client.LabelCountRule(500)),
        ("label_count:label_count=500", client.LabelCountRule(500)),
    ],
)
def test_stopping_rules_are_written_in_short(text, rule):
    assert client.parse_stopping_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is no rule; there are plateau, stable_predictions, uncertainty, label_count"),
        ("plateaux", "'plateaux' is no rule"),
        ("plateau:3", "'3': plateau takes round_count, min_gain"),
        ("plateau:rounds=3", "'rounds=3': plateau takes round_count, min_gain"),
        (
            "stable_predictions:of_mean=1",
            "stable_predictions takes round_count, min_agreement, each =NUMBER, of_mean",
        ),
        ("plateau:round_count=1.5", "round_count must be a whole number"),
        ("uncertainty:little", "max_uncertainty must be a number"),
        ("label_count", "'label_count' needs label_count, a number"),
        ("plateau:round_count=0", "round_count is 0; it must be 1 to 1,000"),
        ("plateau:round_count=1001", "round_count is 1,001; it must be 1 to 1,000"),
        ("uncertainty:nan", "max_uncertainty is nan; it must be 0 to 1"),
        ("label_count:0", "label_count is 0; it must be 1 to 1,000,000,000"),
    ],
)
def test_a_text_that_is_no_stopping_rule_is_refused(text, complaint):
    with pytest.raises(client.InvalidArgument) as caught:
        client.parse_stopping_rule(text)
    assert complaint in caught.value.violations[0].description


def test_every_rule_has_a_form_that_is_read_once_its_numbers_are_given():
    forms = client.stopping_rule_forms()
    assert len(forms) == len(PLAIN_RULES)
    assert "uncertainty:0.05" in forms
    assert "label_count:N" in forms
    for form in forms:
        rule = client.parse_stopping_rule(form.replace("N", "7"))
        assert client.stopping_rule_text(rule) == form.replace("N", "7")


@given(RECIPES)
def test_a_head_recipe_reads_as_it_was_written(recipe):
    for short in (False, True):
        assert client.parse_head_recipe(client.head_recipe_text(recipe, short=short)) == recipe


@pytest.mark.parametrize(
    ("recipe", "text", "short"),
    [
        (
            client.AdamRecipe(),
            "adam:learning_rate=0.001,epoch_count=100,batch_size=32",
            "adam",
        ),
        (client.LbfgsRecipe(), "lbfgs:0.001", "lbfgs"),
        (client.LbfgsRecipe(0.5), "lbfgs:0.5", "lbfgs:0.5"),
        (
            client.LogisticRecipe(class_balance=0.5),
            "logistic:l2_penalty=0.0005,iteration_count=40,class_balance=0.5",
            "logistic:class_balance=0.5",
        ),
        (client.RidgeRecipe(), "ridge:l2_penalty=0.1,class_balance=0.0", "ridge"),
    ],
)
def test_head_recipes_are_written_in_full_and_in_short(recipe, text, short):
    assert client.head_recipe_text(recipe) == text
    assert client.head_recipe_text(recipe, short=True) == short


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("newton", "'newton' is no head recipe; there are adam, lbfgs, logistic, ridge"),
        ("logistic:0.1", "'0.1': logistic takes l2_penalty, iteration_count, class_balance"),
        ("logistic:iteration_count=2.5", "iteration_count must be a whole number"),
        ("adam:learning_rate=0", "learning_rate is 0.0; it must be over 0, at most 10"),
    ],
)
def test_a_text_that_is_no_head_recipe_is_refused(text, complaint):
    with pytest.raises(client.InvalidArgument) as caught:
        client.parse_head_recipe(text)
    assert complaint in caught.value.violations[0].description


def test_every_head_recipe_has_a_form_that_is_read():
    recipes = [client.parse_head_recipe(form) for form in client.head_recipe_forms()]
    assert recipes == [kind() for kind in HEAD_RECIPES.values()]
