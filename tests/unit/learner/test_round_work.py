"""What a round says of its head on the clips that have no answer."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement
from aloe.learner.domain.pool_statistics import Judged
from aloe.learner.domain.round_work import (
    RoundInputs,
    RoundTicket,
    holding_out,
    round_of,
    rows_of_figures,
    train,
)
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.values.recipes import LbfgsRecipe
from aloe.values.states import ClipState
from aloe.values.stopping import UncertaintyRule
from aloe.values.strategies import AcquisitionFunction

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


def run(inputs: RoundInputs) -> tuple[Head, Round]:
    """Do the parts of a round one after the other."""
    trained, rows, held_out = train(inputs), rows_of_figures(inputs), holding_out(inputs)
    if held_out:
        for number in range(held_out.share_count):
            held_out.share(number)
    judge = Judge(trained.head, AcquisitionFunction.LEAST_CONFIDENCE)
    judgement = Judgement([judge], inputs.vectors, rows)
    judgement.share(0, len(rows))
    judged = Judged(judgement.scores[0], judgement.predicted[0], None)
    return trained.head, round_of(inputs, trained, judged, held_out.outcome() if held_out else None)


def round_with(task: Task, clip_count: int, **options: int) -> Round:
    return run(inputs_of(task, clip_count, **options))[1]


def test_an_estimate_of_very_many_clips_is_made_of_some_of_them():
    plain = round_with(TASK, LARGE)
    assert plain.accuracy_estimate == round_with(TASK, LARGE).accuracy_estimate
    assert (plain.mean_uncertainty, plain.prediction_agreement) == (None, None)
    whole = round_with(replace(TASK, stopping_rule=UncertaintyRule()), LARGE)
    assert whole.mean_uncertainty is not None
    assert plain.accuracy_estimate is not None
    assert whole.accuracy_estimate is not None
    found, of_all = plain.accuracy_estimate.value, whole.accuracy_estimate.value
    assert found != of_all
    assert found == pytest.approx(of_all, abs=0.01)


def test_an_estimate_is_made_for_the_clips_that_are_like_the_pools():
    head, round_ = run(inputs_of(TASK, 2_000))
    estimate = round_.accuracy_estimate
    assert estimate is not None
    inputs = inputs_of(TASK, 2_000)
    classes = np.random.default_rng(1).integers(0, 2, 2_000)
    predicted = (inputs.vectors @ head.weights + head.biases).argmax(axis=1)
    truth = (predicted == classes)[LABEL_COUNT:].mean()
    assert estimate.low < truth < estimate.high
    assert estimate.value == pytest.approx(truth, abs=0.1)


def test_figures_are_of_the_clips_without_an_answer():
    inputs = inputs_of(replace(TASK, stopping_rule=UncertaintyRule()), 200)
    inputs.view.states[100:105] = ClipState.LEASED
    inputs.view.states[105:110] = ClipState.VALIDATION
    expected = [*range(LABEL_COUNT, 105), *range(110, 200)]
    assert rows_of_figures(inputs).tolist() == expected
    assert len(rows_of_figures(inputs_of(replace(TASK, estimate_accuracy=False), 200))) == 0


@pytest.mark.parametrize(
    ("task", "labeled_count"),
    [(replace(TASK, estimate_accuracy=False), 80), (TASK, 29), (TASK, 200)],
)
def test_without_wish_labels_or_clips_there_is_no_estimate(task, labeled_count):
    assert round_with(task, 200, labeled_count=labeled_count).accuracy_estimate is None
