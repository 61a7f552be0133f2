"""A round after classes were changed is bit for bit that of a task that always had these."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.domain.class_changes import changed_classes
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.events import TaskView
from aloe.learner.domain.head import Head
from aloe.learner.domain.round_work import (
    RoundInputs,
    RoundTicket,
    holding_out,
    judged_by,
    train,
)
from aloe.learner.domain.task import Task
from aloe.values.classes import AddClass, MergeClass, RenameClass, RetireClass
from aloe.values.recipes import (
    AdamRecipe,
    HeadRecipe,
    LbfgsRecipe,
    LogisticRecipe,
    RidgeRecipe,
)
from aloe.values.states import ClipState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLIP_COUNT, LABEL_COUNT, HELD_BACK = 120, 60, 20
GIVEN = np.random.default_rng(5).integers(0, 5, CLIP_COUNT)
"""Of cat, dog, fox, owl and the later elk."""
AS_IF = {0: 1, 1: 1, 2: NO_CLASS, 3: 0, 4: 2}
"""Of bird (the owl), dog with cats, and elk; none of the retired fox."""
VECTORS = np.random.default_rng(6).normal(size=(CLIP_COUNT, 6)) + 0.6 * GIVEN[:, np.newaxis]


def changed_task(recipe: HeadRecipe) -> Task:
    task = Task(
        *("t", "p", ("owl", "dog", "cat", "fox"), "epoch", NOW),
        head_recipe=recipe,
        estimate_accuracy=True,
    )
    for change in (
        AddClass("elk"),
        RenameClass("owl", "bird"),
        MergeClass("cat", "dog"),
        RetireClass("fox"),
    ):
        task = task.reclassed(changed_classes(task.class_table, change, NOW), "mark")
    return task


def inputs_of(task: Task, class_indices: np.ndarray) -> RoundInputs:
    """The first clips labeled, some more for validation, none where there is no class."""
    view = TaskView(CLIP_COUNT)
    view.class_indices[:] = NO_CLASS
    for begin, end, state in (
        (0, LABEL_COUNT, ClipState.LABELED),
        (LABEL_COUNT, LABEL_COUNT + HELD_BACK, ClipState.VALIDATION),
    ):
        rows = np.arange(begin, end)[class_indices[begin:end] != NO_CLASS]
        view.states[rows], view.class_indices[rows] = state, class_indices[rows]
    ticket = RoundTicket(task, 3, "1-1", 1)
    return RoundInputs(ticket, view, VECTORS.astype(np.float32), "", None, NOW, 0.0)


def held_out_logits(inputs: RoundInputs) -> bytes:
    held_out = holding_out(inputs)
    assert held_out is not None
    for number in range(held_out.share_count):
        held_out.share(number)
    return held_out.outcome().logits.tobytes()


@pytest.mark.parametrize(
    "recipe", [AdamRecipe(epoch_count=3), LbfgsRecipe(), LogisticRecipe(), RidgeRecipe()]
)
def test_a_head_is_that_of_a_task_that_always_had_these_classes(recipe: HeadRecipe):
    given_of = {"cat": 2, "dog": 1, "fox": 3, "owl": 0, "elk": 4}
    given = np.array([list(given_of.values())[each] for each in GIVEN])
    always = replace(changed_task(recipe), classes=("bird", "dog", "elk"), class_details=())
    mapped = np.array([AS_IF[each] for each in GIVEN])
    changed, plain = inputs_of(changed_task(recipe), given), inputs_of(always, mapped)
    found, wanted = train(changed), train(plain)
    assert found.head.column_classes == (0, 1, 4)
    assert found.head.weights.tobytes() == wanted.head.weights.tobytes()
    assert found.head.biases.tobytes() == wanted.head.biases.tobytes()
    assert found.label_count == wanted.label_count == np.count_nonzero(mapped[:LABEL_COUNT] >= 0)
    assert (found.validation, found.training_loss) == (wanted.validation, wanted.training_loss)
    assert held_out_logits(changed) == held_out_logits(plain)


def test_heads_of_other_classes_are_compared_by_what_these_count_as_now():
    task = changed_task(LbfgsRecipe())
    new = Head(2, np.zeros((2, 3), np.float32), np.zeros(3, np.float32), class_indices=(0, 1, 4))
    before = Head(1, np.zeros((2, 4), np.float32), np.zeros(4, np.float32))
    columns = np.array([[0, 1, 2], [0, 2, 3]], np.int16)
    judged = judged_by([new, before], task, np.zeros((2, 3), np.float32), columns)
    assert judged.predicted.tolist() == [0, 1, 4]
    assert judged.predicted_before is not None
    assert judged.predicted_before.tolist() == [0, 1, 3]
