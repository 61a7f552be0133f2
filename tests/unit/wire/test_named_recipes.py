"""Recipes by name."""

from dataclasses import replace

import pytest

from aloe.values.named_recipes import RecipeName, name_of_recipe, recipe_named
from aloe.values.strategies import SelectionRule


@pytest.mark.parametrize("name", RecipeName)
def test_a_recipe_is_known_by_its_parts(name: RecipeName):
    parts = recipe_named(name)
    found = name_of_recipe(parts.representation, parts.head_recipe, parts.query_strategy)
    assert found is name


def test_parts_of_no_recipe_have_no_name():
    parts = recipe_named(RecipeName.BEST)
    strategy = replace(parts.query_strategy, selection_rule=SelectionRule.BADGE)
    assert name_of_recipe(parts.representation, parts.head_recipe, strategy) is None
