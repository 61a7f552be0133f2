"""Whether an experiment has every run of an older one."""

from pathlib import Path
from typing import Any

from aloe.bench.spec.encoder_names import encoder_name
from aloe.bench.spec.spec import ExperimentError, Spec
from aloe.bench.spec.toml import to_table
from aloe.client import head_recipe_text
from aloe.values.strategy_names import strategy_name

# These may grow from one command to the next: a new entry only adds runs.
_GROWING = (
    "datasets",
    "encoders",
    "acquisition_functions",
    "selection_rules",
    "strategies",
    "oracles",
    "head_recipes",
    "representations",
    "recipes",
    "audit_shares",
)
_NAMED_BY_STRATEGIES = ("acquisition_functions", "selection_rules")
_NAMED_BY_RECIPES = ("head_recipes", "representations", "seed_labels")


def check_extends(old: Spec, new: Spec, folder: Path) -> None:
    """Check that an experiment has every run of an older one in the same folder.

    Raises:
        ExperimentError: it has not; names the key.
    """
    before, after = _comparable(old), _comparable(new)
    _name_alike(old, before, new, after)
    for key, was in before.items():
        now = after[key]
        if key in _GROWING:
            lost = [each for each in was if each not in now]
            if lost:
                raise ExperimentError(
                    f"{key} in {folder} has {lost[0]}, which is missing now; keep it, or give"
                    " another --output"
                )
        elif key == "seeds" and now < was:
            raise ExperimentError(
                f"seeds is {now}, but {folder} has {was}; give as many, or another --output"
            )
        elif key != "seeds" and now != was:
            raise ExperimentError(
                f"{key} is {now!r}, but {was!r} in {folder}; give another --output"
            )


def _name_alike(old: Spec, before: dict[str, Any], new: Spec, after: dict[str, Any]) -> None:
    """Write out what is named in two ways, or might be, since it may come to the same."""
    if old.recipes or new.recipes:
        for spec, table in ((old, before), (new, after)):
            for key in (*_NAMED_BY_STRATEGIES, *_NAMED_BY_RECIPES, "strategies"):
                del table[key]
            table["recipes"] = _all_asked(spec)
    elif old.strategies or new.strategies:
        for spec, table in ((old, before), (new, after)):
            for key in _NAMED_BY_STRATEGIES:
                del table[key]
            (any_recipe, *_) = spec.followed()
            table["strategies"] = [strategy_name(each) for each in spec.asked_by(any_recipe)]


def _all_asked(spec: Spec) -> list[str]:
    """Write out every recipe with every query strategy."""
    return [
        f"{recipe.representation.value} with {head_recipe_text(recipe.head_recipe)}, "
        f"{strategy_name(asked)} after {recipe.seed_labels} seed labels"
        for recipe in spec.followed()
        for asked in spec.asked_by(recipe)
    ]


def _comparable(spec: Spec) -> dict[str, Any]:
    """Return what decides the runs, without folders, which may move.

    Whether a moved folder still holds the same, the digest kept with each run tells.
    """
    table = to_table(spec)
    table["datasets"] = [
        f"{each.short_name}, task {task}" for each in spec.datasets for task in each.tasks or ["*"]
    ]
    table["encoders"] = [encoder_name(each) for each in spec.encoders]
    del table["as"]
    return table
