"""What a round says of its head on the clips that have no answer."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.domain.events import NO_CLASS, TaskView
from aloe.learner.domain.round_work import RoundInputs, RoundTicket, run_round
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.values.recipes import LbfgsRecipe
from aloe.values.states import ClipState
from aloe.values.stopping import UncertaintyRule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TASK = Task(
    *("t", "p", ("no", "yes"), "epoch", NOW), head_recipe=LbfgsRecipe(), estimate_accuracy=True
)
LABEL_COUNT = 80
LARGE = 80_000
"""More clips than an estimate alone looks at."""


def inputs_of(task: Task, clip_count: int, *, labeled_count: int = LABEL_COUNT) -> RoundInputs:
    generator = np.random.default_rng(1)
    classes = generator.integers(0, 2, clip_count)
    vectors = generator.normal(size=(clip_count, 4)) + 0.8 * classes[:, None]
    view = TaskView(clip_count)
    view.states[:labeled_count] = ClipState.LABELED
    view.class_indices[:] = NO_CLASS
    view.class_indices[:labeled_count] = classes[:labeled_count]
    ticket = RoundTicket(task, 1, "1-1", 1)
    return RoundInputs(ticket, view, vectors.astype(np.float32), "", None, NOW, 0.0)


def round_of(task: Task, clip_count: int, **options: int) -> Round:
    return run_round(inputs_of(task, clip_count, **options))[1]


def test_an_estimate_of_very_many_clips_is_made_of_some_of_them():
    plain = round_of(TASK, LARGE)
    assert plain.accuracy_estimate == round_of(TASK, LARGE).accuracy_estimate
    assert (plain.mean_uncertainty, plain.prediction_agreement) == (None, None)
    whole = round_of(replace(TASK, stopping_rule=UncertaintyRule()), LARGE)
    assert whole.mean_uncertainty is not None
    assert plain.accuracy_estimate is not None
    assert whole.accuracy_estimate is not None
    found, of_all = plain.accuracy_estimate.value, whole.accuracy_estimate.value
    assert found != of_all
    assert found == pytest.approx(of_all, abs=0.01)


def test_an_estimate_is_made_for_the_clips_that_are_like_the_pools():
    head, round_ = run_round(inputs_of(TASK, 2_000))
    estimate = round_.accuracy_estimate
    assert estimate is not None
    inputs = inputs_of(TASK, 2_000)
    classes = np.random.default_rng(1).integers(0, 2, 2_000)
    predicted = (inputs.vectors @ head.weights + head.biases).argmax(axis=1)
    truth = (predicted == classes)[LABEL_COUNT:].mean()
    assert estimate.low < truth < estimate.high
    assert estimate.value == pytest.approx(truth, abs=0.1)


@pytest.mark.parametrize(
    ("task", "labeled_count"),
    [(replace(TASK, estimate_accuracy=False), 80), (TASK, 29), (TASK, 200)],
)
def test_without_wish_labels_or_clips_there_is_no_estimate(task, labeled_count):
    assert round_of(task, 200, labeled_count=labeled_count).accuracy_estimate is None
