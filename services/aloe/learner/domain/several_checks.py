"""What tasks of several labels a clip cannot have: what rests on one class a clip."""

from collections.abc import Sequence

from aloe.learner.domain.errors import Violation
from aloe.values.labels import SEPARATOR
from aloe.values.recipes import HeadRecipe, RidgeRecipe
from aloe.values.stopping import StoppingRule, looks_at_pool
from aloe.values.strategies import RULES_OF_SEVERAL, QueryStrategy, SelectionRule

_MODE = "label_mode is MULTIPLE"


def check_several(
    classes: Sequence[str],
    strategy: QueryStrategy,
    recipe: HeadRecipe,
    rule: StoppingRule | None,
    *,
    estimates: bool,
) -> list[Violation]:
    """Return what of a task's settings does not go with several labels a clip."""
    violations = [
        Violation(f"task.classes[{index}]", several_in_cell(name))
        for index, name in enumerate(classes)
        if SEPARATOR in name
    ]
    if isinstance(recipe, RidgeRecipe):
        violations.append(
            Violation(
                "task.head_recipe.ridge",
                f"{_MODE}, and ridge heads are of one label a clip; take logistic, lbfgs or adam",
            )
        )
    if strategy.is_on_graph:
        violations.append(
            Violation(
                "task.query_strategy.acquisition_function",
                f"{strategy.acquisition_function.name} asks on the pool's graph, and {_MODE}; take"
                " one that scores class probabilities",
            )
        )
    elif not strategy.goes_with_several:
        known = ", ".join(each.name for each in SelectionRule if each in RULES_OF_SEVERAL)
        violations.append(
            Violation(
                "task.query_strategy.selection_rule",
                f"{strategy.selection_rule.name} takes one distribution over the classes, and"
                f" {_MODE}; take one of {known}",
            )
        )
    if estimates:
        violations.append(
            Violation(
                "task.estimate_accuracy",
                f"{_MODE}, and the estimate is of one label a clip; leave it unset",
            )
        )
    if looks_at_pool(rule):
        violations.append(
            Violation(
                "task.stopping_rule",
                f"stable_predictions and uncertainty are of one label a clip, and {_MODE}; take"
                " label_count or plateau, which then looks at the mean average precision",
            )
        )
    return violations


def several_in_cell(name: str) -> str:
    """Say what is wrong with the name of a class that has a separator."""
    return f"{name!r} has a {SEPARATOR!r}, which stands between a clip's classes in tables; {_MODE}"
