"""Rounds: what happened between two head versions."""

from dataclasses import dataclass
from datetime import datetime

from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.recipe import HeadRecipe


@dataclass(frozen=True, slots=True)
class Round:
    """One round."""

    head_version: int
    label_count: int
    head_recipe: HeadRecipe
    validation: Evaluation | None
    test: Evaluation | None
    start_time: datetime
    training_s: float
    evaluation_s: float
    training_loss: float
