"""Recipes by name: what decides how few labels a task needs, chosen together."""

from dataclasses import dataclass
from enum import Enum

from aloe.values.labels import LabelMode
from aloe.values.recipes import PAPER_RECIPE, HeadRecipe, LogisticRecipe, RidgeRecipe
from aloe.values.representations import Representation
from aloe.values.strategies import (
    PAPER_STRATEGY,
    AcquisitionFunction,
    QueryStrategy,
    SelectionRule,
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What heads read, how they are trained, which clips are asked, and what comes before."""

    representation: Representation
    head_recipe: HeadRecipe
    query_strategy: QueryStrategy
    seed_labels: int
    """Per class, before the first head."""


_HERDING = QueryStrategy(AcquisitionFunction.SMALLEST_MARGIN, SelectionRule.HERDING)
_PAPER = Recipe(Representation.NONE, PAPER_RECIPE, PAPER_STRATEGY, seed_labels=5)
_LINEAR = Recipe(Representation.LINEAR, LogisticRecipe(), _HERDING, seed_labels=0)
_KERNEL = Recipe(Representation.KERNEL, LogisticRecipe(), _HERDING, seed_labels=0)
_BEST = Recipe(Representation.KERNEL, RidgeRecipe(), _HERDING, seed_labels=0)

RECIPES: dict[str, Recipe] = {
    "paper": _PAPER,
    "linear": _LINEAR,
    "kernel": _KERNEL,
    "best": _BEST,
}
"""The best is the one that needed the fewest labels."""


BEST_OF_SEVERAL = (
    "with several labels a clip the recipe best is kernel, since the ridge heads of best are of one"
    " label a clip"
)


class RecipeName(Enum):
    """The names of RECIPES."""

    BEST = "best"
    PAPER = "paper"
    LINEAR = "linear"
    KERNEL = "kernel"


def recipe_named(name: RecipeName, label_mode: LabelMode = LabelMode.SINGLE) -> Recipe:
    """Return the recipe of a name; for that of best see BEST_OF_SEVERAL."""
    if name is RecipeName.BEST and label_mode is LabelMode.MULTIPLE:
        return _KERNEL
    return RECIPES[name.value]


def name_of_recipe(
    representation: Representation, head_recipe: HeadRecipe, query_strategy: QueryStrategy
) -> RecipeName | None:
    """Return the name of the recipe that has these parts; None where no recipe has."""
    parts = (representation, head_recipe, query_strategy)
    return next(
        (
            RecipeName(name)
            for name, each in RECIPES.items()
            if (each.representation, each.head_recipe, each.query_strategy) == parts
        ),
        None,
    )
