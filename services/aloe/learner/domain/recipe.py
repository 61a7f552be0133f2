"""How a head is trained: the settings, not the doing."""

import math
from dataclasses import dataclass

from aloe.learner.domain.errors import Violation


@dataclass(frozen=True, slots=True)
class AdamRecipe:
    """The paper's: mini-batch Adam, from scratch every round, reshuffled every epoch."""

    learning_rate: float = 0.001
    epoch_count: int = 100
    batch_size: int = 32


@dataclass(frozen=True, slots=True)
class LbfgsRecipe:
    """L-BFGS to convergence on the L2-penalised mean cross-entropy."""

    l2_penalty: float = 0.001


HeadRecipe = AdamRecipe | LbfgsRecipe
PAPER_RECIPE = AdamRecipe()


def check_recipe(recipe: HeadRecipe) -> list[Violation]:
    """Return what is wrong with a recipe."""
    violations = []

    def demand(ok: bool, name: str, value: float, rule: str) -> None:
        if not ok:
            violations.append(Violation(f"task.head_recipe.{name}", f"{value:g}; {rule}"))

    match recipe:
        case AdamRecipe(rate, epochs, batch):
            demand(0 < rate <= 10, "adam.learning_rate", rate, "it must be over 0, at most 10")
            demand(
                1 <= epochs <= 10_000,
                "adam.epoch_count",
                epochs,
                "it must be 1 to 10,000",
            )
            demand(
                1 <= batch <= 65_536,
                "adam.batch_size",
                batch,
                "it must be 1 to 65,536",
            )
        case LbfgsRecipe(penalty):
            demand(
                math.isfinite(penalty) and penalty >= 0,
                "lbfgs.l2_penalty",
                penalty,
                "it must be 0 or more",
            )
    return violations
