"""What a task's labels teach, one a clip or several: heads, their losses and evaluations."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.evaluation import Evaluation, evaluate, evaluate_several
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.head import Head, shortened
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.several import train_several
from aloe.learner.domain.several_evaluation import (
    DEFAULT_THRESHOLD,
    chosen_thresholds,
    known_loss,
)
from aloe.learner.domain.task import Task
from aloe.learner.domain.training import train_head
from aloe.values.labels import LabelMode
from aloe.values.states import Split

Known = NDArray[Any]
"""Of clips their classes, (n,) int64, or of several labels a clip (n, n_classes) int8."""


def counted_labels(task: Task, view: TaskView, split: Split) -> tuple[IntArray, IntArray]:
    """Return what the labels of a split count as for heads that have the classes of the task.

    Returns:
        Rows, ascending, and columns, (n,) int64 each. Labels of retired classes are none of them.
    """
    rows, labels = view.labeled_rows(split)
    columns = task.class_table.columns[labels]
    counts = columns != NO_CLASS
    return rows[counts], columns[counts]


def known_labels(task: Task, view: TaskView, split: Split) -> tuple[IntArray, Known]:
    """Return the rows of a split's labels, (n,) int64, and what these say for heads of the task."""
    if task.label_mode is LabelMode.MULTIPLE:
        return view.labeled_targets(split, task.class_table.columns)
    return counted_labels(task, view, split)


def trained_head(
    task: Task, embeddings: Float32Array, known: Known, *, version: int, map_name: str
) -> Head:
    """Train a head from scratch. The same arguments give the same bits on one machine.

    Args:
        task: its settings.
        embeddings: (n, dim) float32, what the head reads of clips.
        known: what their labels say.
        version: of the head.
        map_name: of the map that it reads.
    """
    recipe, active = task.head_recipe, task.class_table.active
    if task.label_mode is LabelMode.MULTIPLE:
        head = train_several(recipe, embeddings, known, seed=task.seed, version=version)
    else:
        head = train_head(
            recipe,
            embeddings,
            known,
            class_count=len(active),
            seed=task.seed,
            version=version,
        )
        head = replace(head, unseen=tuple(sorted({*range(len(active))} - {*known.tolist()})))
    return replace(head, map_name=map_name, class_indices=shortened(active))


def loss_of(head: Head, embeddings: Float32Array, known: Known) -> float:
    """Return the mean cross-entropy of labels, in nats; of several a clip, of all that is known."""
    probabilities = class_probabilities(head, embeddings)
    if head.label_mode is LabelMode.MULTIPLE:
        return known_loss(probabilities, known)
    return evaluate(probabilities, known).loss


def evaluations(
    task: Task, head: Head, view: TaskView, vectors: Float32Array
) -> tuple[Evaluation | None, Evaluation | None]:
    """Evaluate a head on validation and test labels; None where there are none.

    Of several labels a clip, the thresholds that are chosen on the validation labels are those of
    both.
    """
    thresholds = np.full(len(head.biases), DEFAULT_THRESHOLD)
    found: list[Evaluation | None] = []
    for split in (Split.VALIDATION, Split.TEST):
        rows, known = known_labels(task, view, split)
        if not len(rows):
            found.append(None)
            continue
        probabilities = class_probabilities(head, vectors, rows)
        if head.label_mode is LabelMode.SINGLE:
            found.append(evaluate(probabilities, known))
            continue
        if split is Split.VALIDATION:
            thresholds = chosen_thresholds(probabilities, known)
        found.append(evaluate_several(probabilities, known, thresholds))
    validation, test = found
    return validation, test
