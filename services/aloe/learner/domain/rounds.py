"""Rounds: what happened between two head versions."""

from dataclasses import dataclass
from datetime import datetime

from aloe.learner.domain.estimating import AccuracyEstimate
from aloe.learner.domain.evaluation import Evaluation
from aloe.values.recipes import HeadRecipe


@dataclass(frozen=True, slots=True)
class LabelOrigins:
    """Labels that a head was trained on, counted."""

    by_class: tuple[int, ...]
    """Of each column of the head."""
    by_oracle: tuple[tuple[str, int], ...]
    """Each with its labels, most first; those that were imported are of an empty one."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round."""

    head_version: int
    label_count: int
    head_recipe: HeadRecipe
    validation: Evaluation | None
    test: Evaluation | None
    start_time: datetime
    """When work on it began: reading from the store, then training."""
    training_s: float
    evaluation_s: float
    training_loss: float
    prediction_agreement: float | None = None
    """Cohen's kappa of this head's predictions and those of the one before, on the clips that have
    no answer among the labels this head was trained on, leased ones included. None where the
    stopping rule needs no figures of the pool, without a head before, and without such clips."""
    mean_uncertainty: float | None = None
    """Mean of 1 - p1 over the same clips; None as above."""
    statistics_s: float | None = None
    """How long it took to judge those clips, and to estimate accuracy; None without either."""
    store_s: float | None = None
    """How long reading from the store took; None in rounds of older versions."""
    accuracy_estimate: AccuracyEstimate | None = None
    """None where the task wants none, with fewer labels than it takes, where all clips were
    answered, and in rounds of older versions."""
    map_name: str = ""
    """Of the map that the head reads; empty for the embeddings themselves, and in rounds of older
    versions."""
    class_indices: tuple[int, ...] = ()
    """Of the head's columns; none in rounds of older versions, when classes did not change."""
    label_origins: LabelOrigins | None = None
    """Of a head that came from a backup, if they were known; of others the log tells."""
