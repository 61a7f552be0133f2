"""Heads and rounds that nobody trained, told apart by their version."""

from datetime import UTC, datetime

import numpy as np

from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.head import Head
from aloe.learner.domain.rounds import Round
from aloe.values.recipes import AdamRecipe

from .conftest import DIM


def a_head(version: int) -> Head:
    generator = np.random.default_rng(version)
    return Head(
        version,
        generator.random((DIM, 2), dtype=np.float32),
        generator.random(2, dtype=np.float32),
    )


def a_round(version: int) -> Round:
    return Round(
        head_version=version,
        label_count=2,
        head_recipe=AdamRecipe(0.01, 7, 3),
        validation=Evaluation(4, 0.5, 0.25, (0.5, float("nan")), 0.7, 0.125),
        test=None,
        start_time=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        training_s=0.25,
        evaluation_s=0.125,
        training_loss=0.6,
        prediction_agreement=0.75 if version > 1 else None,
        mean_uncertainty=0.375,
        statistics_s=0.5,
        store_s=0.0625,
    )
