"""Tasks."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, Final, Literal

from google.protobuf.field_mask_pb2 import FieldMask

from aloe.client import types
from aloe.client._fields import (
    duration,
    parse_enum,
    parse_time,
    pool_name,
    task_name,
    uint32,
    uint64,
)
from aloe.client._operations.operation import ListOperation, Operation, Page
from aloe.client._operations.recipes import (
    encode_recipe,
    encode_strategy,
    parse_recipe,
    parse_strategy,
)
from aloe.client._operations.stopping import encode_rule, parse_advice, parse_rule
from aloe.client._translate import invalid_field
from aloe.v1 import stopping_pb2, task_pb2
from aloe.wire import names


class Unchanged(Enum):
    """The type of UNCHANGED."""

    UNCHANGED = "unchanged"


UNCHANGED: Final[Literal[Unchanged.UNCHANGED]] = Unchanged.UNCHANGED
"""Leaves a field of update_task as it is, where None has a meaning of its own."""

DEFAULT_STRATEGY = types.QueryStrategy()
DEFAULT_RECIPE = types.AdamRecipe()


def create_task(
    task_id: str,
    pool_id: str,
    classes: Sequence[str],
    *,
    query_strategy: types.QueryStrategy,
    head_recipe: types.HeadRecipe,
    label_budget: int | None,
    lease_duration: timedelta | None,
    seed: int,
    max_leases_per_oracle: int | None,
    stopping_rule: types.StoppingRule | None,
) -> Operation[types.Task]:
    task = task_pb2.Task(
        pool=pool_name(pool_id),
        classes=classes,
        query_strategy=encode_strategy(query_strategy),
        head_recipe=encode_recipe(head_recipe),
        label_budget=_budget(label_budget),
        lease_duration=duration("lease_duration", lease_duration),
        seed=uint64("seed", seed),
        max_leases_per_oracle=_limit(max_leases_per_oracle),
        stopping_rule=_rule(stopping_rule),
    )
    return Operation(
        "CreateTask",
        task_pb2.CreateTaskRequest(task_id=task_id, task=task),
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
        lambda response: Page(tuple(map(parse_task, response.tasks)), response.next_page_token),
    )


def update_task(
    task_id: str,
    *,
    query_strategy: types.QueryStrategy | Unchanged,
    head_recipe: types.HeadRecipe | Unchanged,
    label_budget: int | Unchanged | None,
    lease_duration: timedelta | Unchanged | None,
    max_leases_per_oracle: int | Unchanged | None,
    stopping_rule: types.StoppingRule | Unchanged | None,
) -> Operation[types.Task]:
    given: dict[str, Any] = {}
    if not isinstance(query_strategy, Unchanged):
        given["query_strategy"] = encode_strategy(query_strategy)
    if not isinstance(head_recipe, Unchanged):
        given["head_recipe"] = encode_recipe(head_recipe)
    if not isinstance(label_budget, Unchanged):
        given["label_budget"] = _budget(label_budget)
    if not isinstance(lease_duration, Unchanged):
        given["lease_duration"] = duration("lease_duration", lease_duration)
    if not isinstance(max_leases_per_oracle, Unchanged):
        given["max_leases_per_oracle"] = _limit(max_leases_per_oracle)
    if not isinstance(stopping_rule, Unchanged):
        given["stopping_rule"] = _rule(stopping_rule)
    if not given:
        raise invalid_field("update_task", "names no field to change; give at least one")
    return Operation(
        "UpdateTask",
        task_pb2.UpdateTaskRequest(
            task=task_pb2.Task(name=task_name(task_id), **given), update_mask=FieldMask(paths=given)
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
        query_strategy=parse_strategy(message.query_strategy),
        head_recipe=parse_recipe(message.head_recipe),
        label_budget=message.label_budget if message.HasField("label_budget") else None,
        lease_duration=message.lease_duration.ToTimedelta(),
        seed=message.seed,
        head_version=message.head_version,
        training_head_version=message.training_head_version if training else None,
        clip_counts=_parse_counts(message.clip_counts),
        pool_state=parse_pool_state(message.pool_state),
        create_time=parse_time(message.create_time),
        max_leases_per_oracle=(
            message.max_leases_per_oracle if message.HasField("max_leases_per_oracle") else None
        ),
        stopping_rule=(
            parse_rule(message.stopping_rule) if message.HasField("stopping_rule") else None
        ),
        stop_advice=parse_advice(message.stop_advice) if message.HasField("stop_advice") else None,
    )


def parse_pool_state(number: int) -> types.PoolState:
    """Raises ValueError where the state is unknown here."""
    return parse_enum(types.PoolState, task_pb2.PoolState, "POOL_STATE", number)


def _budget(label_budget: int | None) -> int | None:
    return None if label_budget is None else uint64("label_budget", label_budget)


def _rule(stopping_rule: types.StoppingRule | None) -> stopping_pb2.StoppingRule | None:
    return None if stopping_rule is None else encode_rule(stopping_rule)


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
