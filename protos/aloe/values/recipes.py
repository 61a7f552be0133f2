"""Settings of how a head is trained."""

from dataclasses import dataclass
from typing import Annotated

from aloe.values.ranges import Range


@dataclass(frozen=True, slots=True)
class AdamRecipe:
    """The paper's: mini-batch Adam from a Glorot-uniform start, anew every round."""

    learning_rate: Annotated[float, Range(0, 10, above_least=True)] = 0.001
    epoch_count: Annotated[int, Range(1, 10_000)] = 100
    """Passes over the labels, each in another order."""
    batch_size: Annotated[int, Range(1, 65_536)] = 32
    """Labels in a step."""


@dataclass(frozen=True, slots=True)
class LbfgsRecipe:
    """L-BFGS to convergence on mean cross-entropy plus l2_penalty / 2 times the squared weights."""

    l2_penalty: Annotated[float, Range(0, 1_000_000)] = 0.001


HeadRecipe = AdamRecipe | LbfgsRecipe
HEAD_RECIPES: dict[str, type[HeadRecipe]] = {"adam": AdamRecipe, "lbfgs": LbfgsRecipe}
PAPER_RECIPE = AdamRecipe()
