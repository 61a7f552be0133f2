"""Tasks."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, Final, Literal

from google.protobuf.field_mask_pb2 import FieldMask

from aloe.client import types
from aloe.client.calls.translate import error_of_status, invalid_field
from aloe.client.operations.classes import parse_classes
from aloe.client.operations.fields import (
    duration,
    encoded,
    parse_time,
    pool_name,
    task_name,
    uint32,
    uint64,
)
from aloe.client.operations.operation import ListOperation, Operation, Page
from aloe.v1 import head_pb2, stopping_pb2, task_pb2
from aloe.wire import names
from aloe.wire.enums import (
    ACQUISITION_FUNCTIONS,
    LABEL_MODES,
    POOL_STATES,
    RECIPES,
    REPRESENTATIONS,
    SELECTION_RULES,
    UNMENTIONED,
)
from aloe.wire.settings import (
    HEAD_RECIPE,
    STOPPING_RULE,
    decode_advice,
    decode_representation,
    decode_strategy,
    encode_strategy,
)


class Unchanged(Enum):
    """The type of UNCHANGED."""

    UNCHANGED = "unchanged"


UNCHANGED: Final[Literal[Unchanged.UNCHANGED]] = Unchanged.UNCHANGED
"""Leaves a field of update_task as it is, where None has a meaning of its own."""


def create_task(
    task_id: str,
    pool_id: str,
    classes: Sequence[str],
    *,
    recipe: types.RecipeName,
    query_strategy: types.QueryStrategy | None,
    head_recipe: types.HeadRecipe | None,
    representation: types.Representation | None,
    label_budget: int | None,
    lease_duration: timedelta | None,
    seed: int,
    max_leases_per_oracle: int | None,
    stopping_rule: types.StoppingRule | None,
    estimate_accuracy: bool | None,
    audit_share: float | None,
    window_spacing: timedelta | None,
    label_mode: types.LabelMode,
    unmentioned: types.Unmentioned | None,
) -> Operation[types.Task]:
    task = task_pb2.Task(
        pool=pool_name(pool_id),
        classes=classes,
        query_strategy=None if query_strategy is None else encode_strategy(query_strategy),
        head_recipe=None if head_recipe is None else _recipe(head_recipe),
        representation=_representation(representation),
        label_budget=_budget(label_budget),
        lease_duration=duration("lease_duration", lease_duration),
        seed=uint64("seed", seed),
        max_leases_per_oracle=_limit(max_leases_per_oracle),
        stopping_rule=_rule(stopping_rule),
        estimate_accuracy=estimate_accuracy,
        audit_share=audit_share,
        window_spacing=duration("window_spacing", window_spacing),
        label_mode=LABEL_MODES.number(label_mode),
        unmentioned=_unmentioned(unmentioned),
    )
    return Operation(
        "CreateTask",
        task_pb2.CreateTaskRequest(task_id=task_id, task=task, recipe=RECIPES.number(recipe)),
        lambda response: parse_task(response.task),
    )


def get_task(task_id: str) -> Operation[types.Task]:
    return Operation(
        "GetTask",
        task_pb2.GetTaskRequest(name=task_name(task_id)),
        lambda response: parse_task(response.task),
    )


def list_tasks(pool_id: str | None) -> ListOperation[types.Task]:
    pool = "" if pool_id is None else pool_name(pool_id)
    return lambda page_token: Operation(
        "ListTasks",
        task_pb2.ListTasksRequest(pool=pool, page_token=page_token),
        lambda response: Page(
            tuple(map(parse_task, response.tasks)),
            response.next_page_token,
            tuple(map(error_of_status, response.unreadable)),
        ),
    )


def update_task(
    task_id: str,
    *,
    query_strategy: types.QueryStrategy | Unchanged,
    acquisition_function: types.AcquisitionFunction | Unchanged,
    selection_rule: types.SelectionRule | Unchanged,
    head_recipe: types.HeadRecipe | Unchanged,
    representation: types.Representation | Unchanged,
    label_budget: int | Unchanged | None,
    lease_duration: timedelta | Unchanged | None,
    max_leases_per_oracle: int | Unchanged | None,
    stopping_rule: types.StoppingRule | Unchanged | None,
    estimate_accuracy: bool | Unchanged | None,
    audit_share: float | Unchanged | None,
    window_spacing: timedelta | Unchanged | None,
) -> Operation[types.Task]:
    changed, paths = _strategy_change(query_strategy, acquisition_function, selection_rule)
    if not isinstance(head_recipe, Unchanged):
        changed["head_recipe"] = _recipe(head_recipe)
    if not isinstance(representation, Unchanged):
        changed["representation"] = REPRESENTATIONS.number(representation)
    if not isinstance(label_budget, Unchanged):
        changed["label_budget"] = _budget(label_budget)
    times = {"lease_duration": lease_duration, "window_spacing": window_spacing}
    changed |= {
        name: duration(name, time)
        for name, time in times.items()
        if not isinstance(time, Unchanged)
    }
    if not isinstance(max_leases_per_oracle, Unchanged):
        changed["max_leases_per_oracle"] = _limit(max_leases_per_oracle)
    if not isinstance(stopping_rule, Unchanged):
        changed["stopping_rule"] = _rule(stopping_rule)
    plain = {"estimate_accuracy": estimate_accuracy, "audit_share": audit_share}
    changed |= {name: value for name, value in plain.items() if not isinstance(value, Unchanged)}
    if not changed:
        raise invalid_field("update_task", "names no field to change; give at least one")
    paths += [name for name in changed if name != "query_strategy"]
    return Operation(
        "UpdateTask",
        task_pb2.UpdateTaskRequest(
            task=task_pb2.Task(name=task_name(task_id), **changed),
            update_mask=FieldMask(paths=paths),
        ),
        lambda response: parse_task(response.task),
    )


def delete_task(task_id: str) -> Operation[None]:
    return Operation(
        "DeleteTask", task_pb2.DeleteTaskRequest(name=task_name(task_id)), lambda _: None
    )


def parse_task(message: task_pb2.Task) -> types.Task:
    """Raises ValueError where a part is unknown here."""
    training = message.HasField("training_head_version")
    return types.Task(
        task_id=names.parse_task_name(message.name),
        pool_id=names.parse_pool_name(message.pool),
        classes=tuple(message.classes),
        query_strategy=decode_strategy(message.query_strategy, "query_strategy"),
        head_recipe=HEAD_RECIPE.decode(message.head_recipe, "head_recipe"),
        representation=decode_representation(message.representation, "representation"),
        label_budget=message.label_budget if message.HasField("label_budget") else None,
        lease_duration=message.lease_duration.ToTimedelta(),
        seed=message.seed,
        head_version=message.head_version,
        training_head_version=message.training_head_version if training else None,
        clip_counts=_parse_counts(message.clip_counts),
        pool_state=POOL_STATES.member(message.pool_state, "pool_state"),
        create_time=parse_time(message.create_time),
        max_leases_per_oracle=(
            message.max_leases_per_oracle if message.HasField("max_leases_per_oracle") else None
        ),
        stopping_rule=(
            STOPPING_RULE.decode(message.stopping_rule, "stopping_rule")
            if message.HasField("stopping_rule")
            else None
        ),
        stop_advice=(
            decode_advice(message.stop_advice, "stop_advice")
            if message.HasField("stop_advice")
            else None
        ),
        estimate_accuracy=message.estimate_accuracy,
        audit_share=message.audit_share,
        window_spacing=message.window_spacing.ToTimedelta(),
        class_details=parse_classes(message.class_details),
        # Older servers do not tell, since they have but one.
        label_mode=LABEL_MODES.member(
            message.label_mode, "label_mode", default=types.LabelMode.SINGLE
        ),
        unmentioned=UNMENTIONED.member(
            message.unmentioned, "unmentioned", default=types.Unmentioned.NEGATIVE
        ),
    )


def _strategy_change(
    whole: types.QueryStrategy | Unchanged,
    acquisition_function: types.AcquisitionFunction | Unchanged,
    selection_rule: types.SelectionRule | Unchanged,
) -> tuple[dict[str, Any], list[str]]:
    """Return the new query strategy as a field of Task, if it changes, and the mask's paths."""
    parts: dict[str, Any] = {}
    if not isinstance(acquisition_function, Unchanged):
        parts["acquisition_function"] = ACQUISITION_FUNCTIONS.number(acquisition_function)
    if not isinstance(selection_rule, Unchanged):
        parts["selection_rule"] = SELECTION_RULES.number(selection_rule)
    if not isinstance(whole, Unchanged):
        if parts:
            raise invalid_field("query_strategy", f"is given whole; leave out {', '.join(parts)}")
        return {"query_strategy": encode_strategy(whole)}, ["query_strategy"]
    if not parts:
        return {}, []
    return (
        {"query_strategy": task_pb2.QueryStrategy(**parts)},
        [f"query_strategy.{name}" for name in parts],
    )


def _recipe(head_recipe: types.HeadRecipe) -> head_pb2.HeadRecipe:
    return encoded(HEAD_RECIPE.encode, head_recipe, "head_recipe")


def _representation(representation: types.Representation | None) -> Any:
    """Return the number of a representation; Any, since each generated enum is a type."""
    return None if representation is None else REPRESENTATIONS.number(representation)


def _unmentioned(unmentioned: types.Unmentioned | None) -> Any:
    """Return the number, that of unset for None; Any, since each generated enum is a type."""
    return 0 if unmentioned is None else UNMENTIONED.number(unmentioned)


def _budget(label_budget: int | None) -> int | None:
    return None if label_budget is None else uint64("label_budget", label_budget)


def _rule(stopping_rule: types.StoppingRule | None) -> stopping_pb2.StoppingRule | None:
    if stopping_rule is None:
        return None
    return encoded(STOPPING_RULE.encode, stopping_rule, "stopping_rule")


def _limit(max_leases_per_oracle: int | None) -> int | None:
    if max_leases_per_oracle is None:
        return None
    return uint32("max_leases_per_oracle", max_leases_per_oracle)


def _parse_counts(message: task_pb2.ClipCounts) -> types.ClipCounts:
    return types.ClipCounts(
        unlabeled=message.unlabeled,
        leased=message.leased,
        labeled=message.labeled,
        abstained=message.abstained,
        validation=message.validation,
        test=message.test,
        budget_spent=message.budget_spent,
    )
