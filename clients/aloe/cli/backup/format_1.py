"""Backups of format 1: what the schema tells, brought to what the format of today has."""

from typing import Any

from aloe.client import AllOfRules, AnyOfRules, StoppingRule, parse_stopping_rule
from aloe.wire.settings import STOPPING_RULE

FORMAT = "aloe-pool-1"
_OPTIMISERS = {"AdamRecipe": "adam", "LbfgsRecipe": "lbfgs"}
_FUNCTIONS = {"margin": "smallest_margin"}


def upgraded_task(task: dict[str, Any]) -> dict[str, Any]:
    """Return a task as format 2 has it."""
    function, recipe = task["acquisition_function"], task["head_recipe"]
    # The first backups had no rule.
    rule = task.get("stopping_rule")
    return {
        **task,
        "acquisition_function": _FUNCTIONS.get(function, function),
        "head_recipe": {**recipe, "optimiser": _OPTIMISERS[recipe["optimiser"]]},
        "stopping_rule": rule and STOPPING_RULE.dump(_rule(rule)),
    }


def _rule(value: Any) -> StoppingRule:
    """Read a rule: a text, or {"any": [...]} or {"all": [...]}."""
    if isinstance(value, str):
        return parse_stopping_rule(value)
    kind = AnyOfRules if "any" in value else AllOfRules
    [rules] = value.values()
    return kind(tuple(map(_rule, rules)))
