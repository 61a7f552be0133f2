"""Which runs an experiment has on a pool."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloe.bench.spec.spec import PAPER_HEAD_RECIPE, Spec
from aloe.client import AcquisitionFunction, SelectionRule
from aloe.oracle import PERFECT


@dataclass(frozen=True, slots=True)
class RunKey:
    """What tells a run from the others on a pool."""

    task: str
    acquisition_function: AcquisitionFunction | None
    """None for the ceiling: the head that is trained on every train label."""
    selection_rule: SelectionRule | None
    """None for the ceiling."""
    oracle: str
    seed: int
    head_recipe: str = PAPER_HEAD_RECIPE
    """As head_recipe_text writes it."""


def run_keys(spec: Spec, tasks: Sequence[str]) -> tuple[RunKey, ...]:
    """List the runs on a pool: of each task and head recipe the ceilings, then all others."""
    seeds = range(spec.seeds)
    return tuple(
        key
        for task in tasks
        for head_recipe in spec.head_recipes
        for key in (
            *(RunKey(task, None, None, PERFECT, seed, head_recipe) for seed in seeds),
            *(
                RunKey(
                    task,
                    asked.acquisition_function,
                    asked.selection_rule,
                    oracle,
                    seed,
                    head_recipe,
                )
                for asked in spec.asked_by()
                for oracle in spec.oracles
                for seed in seeds
            ),
        )
    )
