"""What is compared: arms of an experiment, and which of them the others are compared with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aloe.bench.results.schema import RUN_COLUMNS
from aloe.client import (
    AcquisitionFunction,
    InvalidArgument,
    QueryStrategy,
    SelectionRule,
    head_recipe_text,
    parse_head_recipe,
)
from aloe.values.named_recipes import RECIPES
from aloe.values.strategy_names import strategy_name

RANDOM = AcquisitionFunction.RANDOM.value
AWARE, AGNOSTIC = SelectionRule.CLASS_AWARE.value, SelectionRule.CLASS_AGNOSTIC.value
MARGINS = (AcquisitionFunction.SMALLEST_MARGIN.value, AcquisitionFunction.MARGIN_LOGITS.value)
"""What the paper's text and its authors' code call uncertainty."""
SETTING_COLUMNS = ("dataset", "encoder", "task", "oracle")
CHOICE_COLUMNS = tuple(
    name
    for name in RUN_COLUMNS
    if name not in (*SETTING_COLUMNS, "acquisition_function", "selection_rule", "seed")
)
"""What else is chosen for a run, whatever an experiment can choose."""
_PAPERS_CHOICES = {
    "recipe": "paper",
    "representation": "none",
    "head_recipe": "adam",
    "audit_share": "",
}
"""The paper's value of the columns that have one, as choice_text writes it."""
_OF_RECIPES = ("representation", "head_recipe")
_RECIPE_NAMES = {
    (each.representation.value, head_recipe_text(each.head_recipe, short=True)): name
    for name, each in RECIPES.items()
}
"""Values of _OF_RECIPES, as choice_text writes them, to the recipe that has both."""
_FUNCTIONS = [each.value for each in AcquisitionFunction]
_RULES = [each.value for each in SelectionRule]

Choices = tuple[tuple[str, str], ...]
"""Pairs of column and value, in the order of CHOICE_COLUMNS."""


class NoSuchArm(ValueError):
    """A text names no arm, or several: one line that says which there are."""


def choice_text(column: str, value: object) -> str:
    """Write what was chosen for a run shortly, and as distinctly; empty where nothing was."""
    if column == "audit_share":
        return f"{float(str(value)) * 100:.4g}% audits" if value else ""
    if column != "head_recipe":
        return str(value)
    try:
        return head_recipe_text(parse_head_recipe(str(value)), short=True)
    except InvalidArgument:  # of another version of ours
        return str(value)


@dataclass(frozen=True, slots=True)
class Arm:
    """A query strategy, and the recipe and all else that was chosen for the runs it is of."""

    acquisition_function: str
    selection_rule: str
    """Empty for the head that was trained on every label."""
    choices: Choices = ()

    @property
    def is_class_aware(self) -> bool:
        return self.selection_rule == AWARE

    @property
    def is_papers(self) -> bool:
        """Whether all else than the query strategy is as in the paper."""
        return all(_PAPERS_CHOICES.get(column, value) == value for column, value in self.choices)

    @property
    def recipe_name(self) -> str:
        """Of the recipe that has the same representation and heads; empty for none."""
        chosen = dict(self.choices)
        representation, head_recipe = (chosen.get(column, "") for column in _OF_RECIPES)
        return _RECIPE_NAMES.get((representation, head_recipe), "")

    @property
    def strategy_name(self) -> str:
        """As people call the query strategy."""
        return strategy_name(
            QueryStrategy(
                AcquisitionFunction(self.acquisition_function), SelectionRule(self.selection_rule)
            )
        )

    @property
    def name(self) -> str:
        """As baseline_of reads it."""
        return "/".join((*filter(None, (value for _, value in self.choices)), self.strategy_name))


def name_beside(arm: Arm) -> str:
    """Name a query strategy among others that are all class-aware, or all are not."""
    if arm.selection_rule in {"", AWARE, AGNOSTIC}:
        return arm.acquisition_function
    return arm.strategy_name


def choice_name(arm: Arm, arms: Sequence[Arm]) -> str:
    """Name what was chosen for an arm and is not the same for all arms; empty for nothing.

    Recipes go by their names where all arms have such recipes.
    """
    different = {
        column: value
        for place, (column, value) in enumerate(arm.choices)
        if len({each.choices[place][1] for each in arms}) > 1
    }
    if different.keys() & {*_OF_RECIPES} and all(each.recipe_name for each in arms):
        rest = (value for column, value in different.items() if column not in _OF_RECIPES)
        return ", ".join(filter(None, (arm.recipe_name, *rest)))
    return ", ".join(filter(None, different.values()))


def arm_name(arm: Arm, arms: Sequence[Arm]) -> str:
    """Name an arm among all of an experiment, shortly."""
    return ", ".join(filter(None, (choice_name(arm, arms), arm.strategy_name)))


def in_order(arms: Iterable[Arm]) -> list[Arm]:
    """Return the arms once each, in a fixed order of strategies; random, their baseline, last."""
    found = list(dict.fromkeys(arms))
    choices = list(dict.fromkeys(each.choices for each in found))
    return sorted(
        found,
        key=lambda arm: (
            choices.index(arm.choices),
            arm.acquisition_function == RANDOM,
            _RULES.index(arm.selection_rule),
            _FUNCTIONS.index(arm.acquisition_function),
        ),
    )


def baseline_of(arms: Sequence[Arm], wanted: str = "") -> Arm:
    """Return the arm that the others are compared with.

    Args:
        arms: one or more.
        wanted: parts of its name that no other arm has together, joined by slashes; empty for the
            paper's recipe, which is its margin by classes, or else for random picks, or else for
            the first arm.

    Raises:
        NoSuchArm: the text names none of the arms, or several.
    """
    if wanted:
        return _find_arm(arms, wanted)
    ranked = sorted(
        arms,
        key=lambda arm: (
            not (arm.is_papers and arm.is_class_aware and arm.acquisition_function in MARGINS),
            not (arm.is_papers and arm.acquisition_function == RANDOM),
            arm.acquisition_function != RANDOM,
        ),
    )
    return ranked[0]


def random_beside(arm: Arm, arms: Iterable[Arm]) -> Arm | None:
    """Return the random picks that an arm is compared with: those that share most with it."""
    return max(
        (each for each in arms if each.acquisition_function == RANDOM),
        key=lambda each: (
            len(set(each.choices) & set(arm.choices)),
            each.is_class_aware == arm.is_class_aware,
        ),
        default=None,
    )


def _find_arm(arms: Sequence[Arm], wanted: str) -> Arm:
    parts = set(filter(None, wanted.split("/")))
    found = [each for each in arms if parts <= {each.recipe_name, *each.name.split("/")}]
    found = [each for each in found if parts == set(each.name.split("/"))] or found
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in found or arms)
    raise NoSuchArm(
        f"{wanted!r} names {'several arms' if found else 'no arm'}; give one of {names}"
    )
