"""Wrong tasks and wrong known labels are refused by field, and nothing of them is stored."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from tests.rpc.learner.scenes import CLASSES, Scene, check_refused, new_id

from aloe.client import LearnerClient
from aloe.v1 import head_pb2, labeling_pb2, task_pb2


def unknown(number: int) -> Any:
    """Make an enum value that no version knows; the types allow none."""
    return number


def task_on(scene: Scene, **fields: Any) -> task_pb2.Task:
    return task_pb2.Task(**({"pool": f"pools/{scene.pool_id}", "classes": CLASSES} | fields))


BAD_TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "no class": ({"classes": []}, "task.classes"),
    "one class": ({"classes": ["a"]}, "task.classes"),
    "duplicate classes": ({"classes": ["a", "b", "a"]}, "task.classes[2]"),
    "an empty class": ({"classes": ["a", ""]}, "task.classes[1]"),
    "a class with a line break": ({"classes": ["a", "b\nc"]}, "task.classes[1]"),
    "a class of 129 letters": ({"classes": ["a", "b" * 129]}, "task.classes[1]"),
    "a class of a million letters": ({"classes": ["a", "b" * 10**6]}, "task.classes[1]"),
    "too many classes": ({"classes": list(map(str, range(1_001)))}, "task.classes"),
    "no pool": ({"pool": ""}, "task.pool"),
    "a pool without its prefix": ({"pool": "p"}, "task.pool"),
    "a task for a pool": ({"pool": "tasks/p"}, "task.pool"),
    "no budget": ({"label_budget": 0}, "task.label_budget"),
    "a lease of no time": ({"lease_duration": Duration()}, "task.lease_duration"),
    "a negative lease": ({"lease_duration": Duration(seconds=-5)}, "task.lease_duration"),
    "a lease of two days": ({"lease_duration": Duration(seconds=172_800)}, "task.lease_duration"),
    "a lease of ages": ({"lease_duration": Duration(seconds=2**62)}, "task.lease_duration"),
    "an unknown acquisition function": (
        {"query_strategy": task_pb2.QueryStrategy(acquisition_function=unknown(99))},
        "task.query_strategy.acquisition_function",
    ),
    "an unknown selection rule": (
        {"query_strategy": task_pb2.QueryStrategy(selection_rule=unknown(-1))},
        "task.query_strategy.selection_rule",
    ),
    "a function on the graph beside a rule that picks by itself": (
        {
            "query_strategy": task_pb2.QueryStrategy(
                acquisition_function=task_pb2.ACQUISITION_FUNCTION_V_OPT,
                selection_rule=task_pb2.SELECTION_RULE_BADGE,
            )
        },
        "task.query_strategy.selection_rule",
    ),
    "a learning rate of NaN": (
        {"head_recipe": head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe(learning_rate=math.nan))},
        "task.head_recipe.adam.learning_rate",
    ),
    "no epochs": (
        {"head_recipe": head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe(epoch_count=0))},
        "task.head_recipe.adam.epoch_count",
    ),
    "epochs for years": (
        {"head_recipe": head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe(epoch_count=2**32 - 1))},
        "task.head_recipe.adam.epoch_count",
    ),
    "batches of nothing": (
        {"head_recipe": head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe(batch_size=0))},
        "task.head_recipe.adam.batch_size",
    ),
    "a negative penalty": (
        {"head_recipe": head_pb2.HeadRecipe(lbfgs=head_pb2.LbfgsRecipe(l2_penalty=-1))},
        "task.head_recipe.lbfgs.l2_penalty",
    ),
    "an infinite penalty": (
        {"head_recipe": head_pb2.HeadRecipe(lbfgs=head_pb2.LbfgsRecipe(l2_penalty=math.inf))},
        "task.head_recipe.lbfgs.l2_penalty",
    ),
    "iterations of nothing": (
        {"head_recipe": head_pb2.HeadRecipe(logistic=head_pb2.LogisticRecipe(iteration_count=0))},
        "task.head_recipe.logistic.iteration_count",
    ),
    "a penalty of NaN": (
        {"head_recipe": head_pb2.HeadRecipe(logistic=head_pb2.LogisticRecipe(l2_penalty=math.nan))},
        "task.head_recipe.logistic.l2_penalty",
    ),
    "more than balanced classes": (
        {"head_recipe": head_pb2.HeadRecipe(logistic=head_pb2.LogisticRecipe(class_balance=1.5))},
        "task.head_recipe.logistic.class_balance",
    ),
    "no penalty": (
        {"head_recipe": head_pb2.HeadRecipe(ridge=head_pb2.RidgeRecipe(l2_penalty=0))},
        "task.head_recipe.ridge.l2_penalty",
    ),
}


@pytest.mark.parametrize("case", BAD_TASKS)
def test_a_bad_task_is_not_created(raw, client: LearnerClient, scene: Scene, case):
    fields, wrong = BAD_TASKS[case]
    task_id = new_id()
    request = task_pb2.CreateTaskRequest(task_id=task_id, task=task_on(scene, **fields))
    check_refused(raw, scene, "CreateTask", request, (wrong,))
    assert [task.task_id for task in client.list_tasks(scene.pool_id)] == [scene.task_id]


def known(scene: Scene, **fields: Any) -> labeling_pb2.KnownLabel:
    clip = f"pools/{scene.pool_id}/clips/clip-0000"
    given: dict[str, Any] = {"clip": clip, "label": "low", "split": labeling_pb2.SPLIT_TRAIN}
    return labeling_pb2.KnownLabel(**(given | fields))


def labels(scene: Scene, *each: labeling_pb2.KnownLabel) -> labeling_pb2.ImportLabelsRequest:
    return labeling_pb2.ImportLabelsRequest(
        task=f"tasks/{scene.task_id}", labels=[known(scene), *each]
    )


BAD_LABELS: dict[str, tuple[Callable[[Scene], Any], str]] = {
    "an unknown class": (lambda s: labels(s, known(s, label="lowest")), "labels[1].label"),
    "an empty class": (lambda s: labels(s, known(s, label="")), "labels[1].label"),
    "a long class": (lambda s: labels(s, known(s, label="ф" * 10**5)), "labels[1].label"),
    "no split": (lambda s: labels(s, known(s, split=0)), "labels[1].split"),
    "an unknown split": (lambda s: labels(s, known(s, split=9)), "labels[1].split"),
    "a malformed clip": (lambda s: labels(s, known(s, clip="clip-0000")), "labels[1].clip"),
    "an unknown clip": (
        lambda s: labels(s, known(s, clip=f"pools/{s.pool_id}/clips/x")),
        "labels[1].clip",
    ),
    "a clip of another pool": (
        lambda s: labels(s, known(s, clip="pools/other/clips/clip-0000")),
        "labels[1].clip",
    ),
    "no labels": (lambda s: labeling_pb2.ImportLabelsRequest(task=f"tasks/{s.task_id}"), "labels"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_one_bad_label_keeps_all_of_them_out(raw, scene: Scene, case):
    make, wrong = BAD_LABELS[case]
    check_refused(raw, scene, "ImportLabels", make(scene), (wrong,))
