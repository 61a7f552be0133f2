"""Runs with a learning curve that is given, without a results file."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aloe.bench.report.arms import Arm
from aloe.bench.report.runs import FIGURES, LATER_FIGURES, Results, Run, Setting
from aloe.bench.results.schema import ALL_LABELS

PAPERS = Arm("smallest_margin", "class-aware", (("recipe", "paper"),))
HERDING = Arm("smallest_margin", "herding", (("recipe", "linear"),))
RANDOM = Arm("random", "class-agnostic", (("recipe", "paper"),))
SETTING = Setting("fsdd", "yamnet", "digit", "perfect")


def run_of(
    arm: Arm,
    seed: int,
    accuracies: Sequence[float],
    *,
    labels: Sequence[float] = (),
    answers: Sequence[Sequence[str | None]] = (),
    setting: Setting = SETTING,
) -> Run:
    """Return a run with a head at 10, 20, ... labels, or at those that are given."""
    count = len(accuracies)
    unmeasured = {name: np.full(count, np.nan) for name in (*FIGURES, *LATER_FIGURES)}
    return Run(
        setting=setting,
        arm=arm,
        seed=seed,
        rounds=np.arange(count, dtype=np.float64),
        labels=np.array(labels or [10 * (n + 1) for n in range(count)], dtype=np.float64),
        figures={**unmeasured, "test_accuracy": np.array(accuracies, dtype=np.float64)},
        stops=((),) * count,
        answers=tuple(map(tuple, answers)) or ((),) * count,
    )


def rising(place: int, *, count: int = 10, top: float = 0.9) -> list[float]:
    """Return accuracies that reach the top at a place, from 1, and stay."""
    return [top if number >= place else 0.1 for number in range(1, count + 1)]


def ceiling_of(recipe: str, accuracy: float, seed: int = 0, **changes: Any) -> Run:
    """Return a head that was trained on every label."""
    arm = Arm(ALL_LABELS, "", (("recipe", recipe),))
    return run_of(arm, seed, [accuracy], labels=[2400], **changes)


def results_of(*runs: Run) -> Results:
    """Return results without metadata."""
    return Results(
        tuple(run for run in runs if run.acquisition_function != ALL_LABELS),
        tuple(run for run in runs if run.acquisition_function == ALL_LABELS),
        {},
    )
