"""Tasks, and what their events hold, as JSON."""

import json
from dataclasses import astuple
from datetime import datetime, timedelta

from aloe.learner.adapters.redis.codec.basics import (
    check_row,
    check_texts,
)
from aloe.learner.adapters.redis.stored_classes import dump_class_life, load_class_details
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.label_sets import ClassSet, dump_class_set, load_class_set
from aloe.learner.domain.leases import Basis
from aloe.learner.domain.task import Task
from aloe.values.labels import LabelMode, Unmentioned
from aloe.values.representations import Representation
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule
from aloe.wire.settings import HEAD_RECIPE, STOPPING_RULE


def dump_task(task: Task) -> str:
    """Write a task."""
    return json.dumps(
        {
            "pool_id": task.pool_id,
            "classes": task.classes,
            "epoch": task.epoch,
            "create_time": task.create_time.isoformat(),
            "acquisition_function": task.query_strategy.acquisition_function.value,
            "selection_rule": task.query_strategy.selection_rule.value,
            "head_recipe": HEAD_RECIPE.dump(task.head_recipe),
            "representation": task.representation.value,
            "label_budget": task.label_budget,
            "lease_duration_s": task.lease_duration.total_seconds(),
            # As text: a JSON number holds 53 bits.
            "seed": str(task.seed),
            "max_leases_per_oracle": task.max_leases_per_oracle,
            "stopping_rule": task.stopping_rule and STOPPING_RULE.dump(task.stopping_rule),
            "estimate_accuracy": task.estimate_accuracy,
            "audit_share": task.audit_share,
            "window_spacing_s": task.window_spacing.total_seconds(),
            "revision": task.revision,
            **dump_class_life(task),
            **_dump_several(task),
        }
    )


def _dump_several(task: Task) -> dict[str, str]:
    """Write what only tasks of several labels a clip have."""
    if task.label_mode is LabelMode.SINGLE:
        return {}
    return {"label_mode": task.label_mode.value, "unmentioned": task.unmentioned.value}


def load_task(task_id: str, text: bytes | str) -> Task:
    """Read what dump_task wrote."""
    spec = json.loads(text)
    return Task(
        task_id=task_id,
        pool_id=spec["pool_id"],
        classes=tuple(spec["classes"]),
        epoch=spec["epoch"],
        create_time=datetime.fromisoformat(spec["create_time"]),
        query_strategy=QueryStrategy(
            AcquisitionFunction(spec["acquisition_function"]),
            SelectionRule(spec["selection_rule"]),
        ),
        head_recipe=HEAD_RECIPE.load(spec["head_recipe"]),
        # Tasks of older versions read the embeddings.
        representation=Representation(spec.get("representation", Representation.NONE.value)),
        label_budget=spec["label_budget"],
        lease_duration=timedelta(seconds=spec["lease_duration_s"]),
        seed=int(spec["seed"]),
        max_leases_per_oracle=spec["max_leases_per_oracle"],
        # Tasks of older versions have none.
        stopping_rule=STOPPING_RULE.load(spec["stopping_rule"])
        if spec.get("stopping_rule")
        else None,
        estimate_accuracy=spec.get("estimate_accuracy", False),
        audit_share=spec.get("audit_share", 0.0),
        window_spacing=timedelta(seconds=spec.get("window_spacing_s", 0)),
        label_mode=LabelMode(spec.get("label_mode", LabelMode.SINGLE.value)),
        unmentioned=Unmentioned(spec.get("unmentioned", Unmentioned.NEGATIVE.value)),
        revision=spec.get("revision", 0),
        class_details=load_class_details(spec),
        class_mark=spec.get("class_mark", ""),
    )


def dump_class(class_index: int, class_set: ClassSet | None) -> int | str:
    """Write a label: the class, or of several labels a clip what dump_class_set makes of them."""
    return class_index if class_set is None else dump_class_set(class_set)


def load_class(stored: int | str, task: Task) -> tuple[int, ClassSet | None]:
    """Read what dump_class wrote: NO_CLASS or the index of a class, and a set if there is one.

    Raises:
        ValueError: the task has no such class, or no such labels.
    """
    if isinstance(stored, str):
        found = load_class_set(stored)
        highest = max((*found.positive, *found.negative), default=NO_CLASS)
        if task.label_mode is LabelMode.SINGLE or highest >= len(task.classes):
            raise ValueError(f"{stored!r:.80} are no labels of {len(task.classes)} classes")
        return NO_CLASS, found
    if type(stored) is not int or not NO_CLASS <= stored < len(task.classes):
        raise ValueError(f"{stored!r:.80} is no class of {len(task.classes)}")
    return stored, None


def dump_strategy(strategy: QueryStrategy | None) -> str:
    """Write what ranked clips, for the log."""
    if strategy is None:
        return ""
    return f"{strategy.selection_rule.value} {strategy.acquisition_function.value}"


def load_strategy(text: str) -> QueryStrategy | None:
    """Read what dump_strategy wrote."""
    rule, _, function = text.partition(" ")
    # Where no head ranked, older versions wrote "cold start".
    if not text or rule == "cold":
        return None
    return QueryStrategy(AcquisitionFunction(function), SelectionRule(rule))


def dump_basis(basis: Basis) -> str:
    """Write what a ranking rests on, for the log."""
    return json.dumps(astuple(basis), separators=(",", ":"))


def load_basis(text: str) -> Basis:
    """Read what dump_basis wrote."""
    # Older versions wrote no mark, and before that no choice.
    event_id, *counts, map_name, choice, mark = [*json.loads(text), "", ""][:8]
    check_texts(event_id, map_name, choice, mark)
    row_count, retired_count, batch_size, most = map(check_row, counts)
    return Basis(event_id, row_count, retired_count, batch_size, most, map_name, choice, mark)
