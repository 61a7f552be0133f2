"""The parts of a round's work: train the head, evaluate it, make figures of what it judges."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Int16Array, IntArray
from aloe.learner.domain.estimating import LEAST_LABELS, estimate_accuracy
from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.head import Head
from aloe.learner.domain.holding_out import HeldOut, HoldingOut
from aloe.learner.domain.learning import (
    counted_labels,
    evaluations,
    known_labels,
    loss_of,
    trained_head,
)
from aloe.learner.domain.pool_statistics import Judged, pool_statistics
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.values.states import Split
from aloe.values.stopping import looks_at_pool

_MOST_ESTIMATED_ON = 65_536
"""Unanswered clips that an estimate is of: their mean is 0.2 points from that of all."""
_PURPOSE = 4
"""Tells these random numbers from others of the round."""


@dataclass(frozen=True, slots=True)
class RoundTicket:
    """The right to train one head, until it runs out or another takes it over."""

    task: Task
    """As it was when the round began."""
    head_version: int
    cutoff_event_id: str
    """The head is trained on the labels as of this event."""
    fence: int
    """Higher than that of every earlier ticket of the task."""


@dataclass(frozen=True, slots=True)
class RoundInputs:
    """All that decides the result of a round, and when and how long it was read."""

    ticket: RoundTicket
    view: TaskView
    """The task at the ticket's cutoff, grown to the pool."""
    vectors: Float32Array
    """(n_clips, dim) float32, what the head is to read of the pool."""
    map_name: str
    """Of the map that made them; empty for the embeddings themselves."""
    previous_head: Head | None
    """The head before, where the stopping rule looks at the pool and there is one that reads the
    same."""
    start_time: datetime
    """Before all this was read."""
    store_s: float
    """How long it took to read all this."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A head, and how it does on labeled clips."""

    head: Head
    label_count: int
    validation: Evaluation | None
    test: Evaluation | None
    training_loss: float
    training_s: float
    evaluation_s: float


def train(inputs: RoundInputs) -> Trained:
    """Train the ticket's head and evaluate it on the labels of each split, in one thread."""
    task, view, vectors = inputs.ticket.task, inputs.view, inputs.vectors
    rows, known = known_labels(task, view, Split.TRAIN)
    embeddings = vectors[rows]
    began = time.perf_counter()
    head = trained_head(
        task, embeddings, known, version=inputs.ticket.head_version, map_name=inputs.map_name
    )
    trained = time.perf_counter()
    validation, test = evaluations(task, head, view, vectors)
    return Trained(
        head,
        len(rows),
        validation=validation,
        test=test,
        training_loss=loss_of(head, embeddings, known),
        training_s=trained - began,
        evaluation_s=time.perf_counter() - trained,
    )


def rows_of_figures(inputs: RoundInputs) -> IntArray:
    """Return the rows of the clips that a round's figures are of, ascending: (n,) int64.

    They had no answer at the cutoff. Leases do not matter, so that whoever runs the round gets the
    same. An estimate alone does without some of them, where they are very many.
    """
    task, rows = inputs.ticket.task, inputs.view.unanswered_rows()
    if looks_at_pool(task.stopping_rule):
        return rows
    if not task.estimate_accuracy:
        return rows[:0]
    if len(rows) > _MOST_ESTIMATED_ON:
        generator = np.random.Generator(
            np.random.PCG64(
                np.random.SeedSequence([task.seed, inputs.ticket.head_version, _PURPOSE])
            )
        )
        rows = np.sort(generator.choice(rows, _MOST_ESTIMATED_ON, replace=False, shuffle=False))
    return rows


def judged_by(
    heads: Sequence[Head], task: Task, scores: Float32Array, predicted: Int16Array
) -> Judged:
    """Return what a round's head, and the one before it, say of some clips.

    Args:
        heads: one or both of them.
        task: of the round; classes that were merged since the head before count as it says.
        scores: (n_heads, n) float32, 1 - p1.
        predicted: (n_heads, n) int16, columns.
    """
    shown = task.class_table.shown_indices.astype(np.int16)
    classes = [shown[head.classes_at(each)] for head, each in zip(heads, predicted, strict=True)]
    return Judged(scores[0], classes[0], classes[1] if len(classes) > 1 else None)


def holding_out(inputs: RoundInputs) -> HoldingOut | None:
    """Return what is held out for the estimate; None where none is made."""
    task, view = inputs.ticket.task, inputs.view
    if not task.estimate_accuracy:
        return None
    rows, labels = counted_labels(task, view, Split.TRAIN)
    if len(rows) < LEAST_LABELS:
        return None
    return HoldingOut(
        task.head_recipe,
        inputs.vectors[rows],
        labels,
        view.is_audit[rows],
        class_count=len(task.class_table.active),
        seed=task.seed,
        version=inputs.ticket.head_version,
    )


def round_of(
    inputs: RoundInputs, trained: Trained, judged: Judged, held_out: HeldOut | None
) -> Round:
    """Put a round together.

    Args:
        inputs: of the round.
        trained: its head.
        judged: what that says of the clips in rows_of_figures.
        held_out: for the estimate; None where none is made.
    """
    task = inputs.ticket.task
    statistics = pool_statistics(judged, len(task.classes))
    for_rule = statistics if looks_at_pool(task.stopping_rule) else None
    estimate = None
    if held_out is not None and statistics is not None:
        estimate = estimate_accuracy(
            held_out,
            judged.uncertainties,
            label_count=trained.label_count,
            unanswered_count=len(inputs.view.unanswered_rows()),
        )
    return Round(
        head_version=trained.head.version,
        head_recipe=task.head_recipe,
        label_count=trained.label_count,
        validation=trained.validation,
        test=trained.test,
        start_time=inputs.start_time,
        training_s=trained.training_s,
        evaluation_s=trained.evaluation_s,
        training_loss=trained.training_loss,
        prediction_agreement=for_rule.prediction_agreement if for_rule else None,
        mean_uncertainty=for_rule.mean_uncertainty if for_rule else None,
        store_s=inputs.store_s,
        accuracy_estimate=estimate,
        map_name=inputs.map_name,
        class_indices=trained.head.column_classes,
    )
