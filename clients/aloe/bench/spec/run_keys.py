"""Which runs an experiment has on a pool."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from aloe.bench.spec.spec import PAPER_HEAD_RECIPE, Spec
from aloe.client import AcquisitionFunction, Representation, SelectionRule, head_recipe_text
from aloe.oracle import PERFECT
from aloe.values.labels import LabelMode
from aloe.values.named_recipes import Recipe


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
    representation: Representation = Representation.NONE
    audit_share: float = 0.0
    """Part of its picks that is drawn at random."""
    seed_labels: int = field(default=0, compare=False)
    """Per class; it follows from what is above."""


def run_keys(spec: Spec, tasks: Sequence[str], several: Container[str] = ()) -> tuple[RunKey, ...]:
    """List the runs on a pool: of each task and recipe the ceilings, then all others.

    Args:
        spec: the experiment.
        tasks: of the pool.
        several: the tasks, of these and others, that have several labels a clip.
    """
    return tuple(
        key
        for task in tasks
        for recipe in spec.followed(LabelMode.MULTIPLE if task in several else LabelMode.SINGLE)
        for key in _of(spec, task, recipe)
    )


def _of(spec: Spec, task: str, recipe: Recipe) -> Iterator[RunKey]:
    """Yield the runs of a recipe on a task."""
    read = head_recipe_text(recipe.head_recipe), recipe.representation
    for seed in range(spec.seeds):
        yield RunKey(task, None, None, PERFECT, seed, *read)
    for asked in spec.asked_by(recipe):
        by = asked.acquisition_function, asked.selection_rule
        for share in spec.audit_shares_of(recipe, asked):
            for oracle in spec.oracles:
                for seed in range(spec.seeds):
                    yield RunKey(task, *by, oracle, seed, *read, share, recipe.seed_labels)
