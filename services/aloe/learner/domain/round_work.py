"""The work of one round: train the head, evaluate it, judge the unanswered clips."""

import time
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.estimating import LEAST_LABELS, AccuracyEstimate, estimate_accuracy
from aloe.learner.domain.evaluation import Evaluation, evaluate
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.head import Head
from aloe.learner.domain.holding_out import hold_out
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.pool_statistics import PoolStatistics, pool_statistics
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.stopping_rules import looks_at_pool
from aloe.learner.domain.task import Task
from aloe.learner.domain.training import train_head
from aloe.values.states import Split

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


def run_round(inputs: RoundInputs) -> tuple[Head, Round]:
    """Train the ticket's head and evaluate it.

    The pool's figures are of the clips in `vectors` that had no answer at the cutoff. Leases do not
    matter, so that whoever runs the round gets the same. An estimate alone does without some of
    them, where they are very many.
    """
    task, view, vectors = inputs.ticket.task, inputs.view, inputs.vectors
    rows, labels = view.labeled_rows(Split.TRAIN)
    embeddings = vectors[rows]
    began = time.perf_counter()
    head = train_head(
        task.head_recipe,
        embeddings,
        labels,
        class_count=len(task.classes),
        seed=task.seed,
        version=inputs.ticket.head_version,
    )
    head = replace(head, map_name=inputs.map_name)
    trained = time.perf_counter()
    validation = _evaluate(head, view, vectors, Split.VALIDATION)
    test = _evaluate(head, view, vectors, Split.TEST)
    training_loss = evaluate(class_probabilities(head, embeddings), labels).loss
    evaluated = time.perf_counter()
    for_rule = looks_at_pool(task.stopping_rule)
    statistics = _statistics(inputs, head) if for_rule or task.estimate_accuracy else None
    estimate = None
    if task.estimate_accuracy and statistics:
        estimate = _estimate(inputs, rows, labels, statistics)
    return head, Round(
        head_version=head.version,
        head_recipe=task.head_recipe,
        label_count=len(rows),
        validation=validation,
        test=test,
        start_time=inputs.start_time,
        training_s=trained - began,
        evaluation_s=evaluated - trained,
        training_loss=training_loss,
        prediction_agreement=statistics.prediction_agreement if statistics and for_rule else None,
        mean_uncertainty=statistics.mean_uncertainty if statistics and for_rule else None,
        statistics_s=time.perf_counter() - evaluated if statistics else None,
        store_s=inputs.store_s,
        accuracy_estimate=estimate,
        map_name=inputs.map_name,
    )


def _statistics(inputs: RoundInputs, head: Head) -> PoolStatistics | None:
    task, rows = inputs.ticket.task, inputs.view.unanswered_rows()
    if len(rows) > _MOST_ESTIMATED_ON and not looks_at_pool(task.stopping_rule):
        generator = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([task.seed, head.version, _PURPOSE]))
        )
        rows = np.sort(generator.choice(rows, _MOST_ESTIMATED_ON, replace=False, shuffle=False))
    return pool_statistics(head, inputs.previous_head, inputs.vectors, rows)


def _estimate(
    inputs: RoundInputs, rows: IntArray, labels: IntArray, statistics: PoolStatistics
) -> AccuracyEstimate | None:
    if len(rows) < LEAST_LABELS:
        return None
    task = inputs.ticket.task
    held_out = hold_out(
        task.head_recipe,
        inputs.vectors[rows],
        labels,
        inputs.view.is_audit[rows],
        class_count=len(task.classes),
        seed=task.seed,
        version=inputs.ticket.head_version,
    )
    return estimate_accuracy(
        held_out,
        statistics.uncertainties,
        label_count=len(rows),
        unanswered_count=len(inputs.view.unanswered_rows()),
    )


def _evaluate(head: Head, view: TaskView, vectors: Float32Array, split: Split) -> Evaluation | None:
    rows, labels = view.labeled_rows(split)
    if not len(rows):
        return None
    return evaluate(class_probabilities(head, vectors, rows), labels)
