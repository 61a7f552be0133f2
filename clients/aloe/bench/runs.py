"""Which runs an experiment has on a pool, and what happened in one."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloe.bench.spec import Spec
from aloe.client import AcquisitionFunction, Round, SelectionRule
from aloe.oracle import PERFECT, LabelingRound


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run on a pool."""

    task: str
    strategy: AcquisitionFunction | None
    """None for the ceiling: the head that is trained on every train label."""
    sampling: SelectionRule | None
    """None for the ceiling."""
    oracle: str
    seed: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What happened in a run."""

    key: RunKey
    rounds: tuple[Round, ...]
    """One per head."""
    batches: tuple[LabelingRound, ...]
    """Empty for the ceiling."""


def run_keys(spec: Spec, tasks: Sequence[str]) -> tuple[RunKey, ...]:
    """List the runs on a pool: of each task the ceilings, then by strategy, sampling, oracle."""
    seeds = range(spec.seeds)
    return tuple(
        key
        for task in tasks
        for key in (
            *(RunKey(task, None, None, PERFECT, seed) for seed in seeds),
            *(
                RunKey(task, spec.acquisition(strategy), sampling, oracle, seed)
                for strategy in spec.strategies
                for sampling in spec.sampling
                for oracle in spec.oracles
                for seed in seeds
            ),
        )
    )
