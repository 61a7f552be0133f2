"""Tasks, to and from their messages."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from google.api import field_behavior_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.task import (
    DEFAULT_LEASE_DURATION,
    Task,
    TaskProgress,
    estimates_by_default,
)
from aloe.learner.rpc import fields
from aloe.learner.rpc.classes import write_classes
from aloe.learner.usecases.watching import TaskState
from aloe.v1 import task_pb2
from aloe.values.labels import LabelMode, Unmentioned
from aloe.values.named_recipes import Recipe, RecipeName, recipe_named
from aloe.wire import names, times
from aloe.wire.enums import LABEL_MODES, POOL_STATES, RECIPES, REPRESENTATIONS, UNMENTIONED
from aloe.wire.settings import (
    HEAD_RECIPE,
    STOPPING_RULE,
    decode_representation,
    decode_strategy,
    encode_advice,
    encode_strategy,
)

_FIXED = {
    field_behavior_pb2.IDENTIFIER,
    field_behavior_pb2.IMMUTABLE,
    field_behavior_pb2.OUTPUT_ONLY,
}
SETTINGS = tuple(
    field.name
    for field in task_pb2.Task.DESCRIPTOR.fields
    if _FIXED.isdisjoint(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])
)
"""The fields of a task that can be changed; they have the same names in the domain."""


_BEST = recipe_named(RecipeName.BEST)


def read_recipe(number: int, task: task_pb2.Task) -> Recipe:
    """Read what fills in a task to create. Raises InvalidInput where there is no such recipe."""
    name = fields.valid(RECIPES.member, number, "recipe", default=RecipeName.BEST)
    return recipe_named(name, _read_mode(task))


def _read_mode(message: task_pb2.Task) -> LabelMode:
    return fields.valid(
        LABEL_MODES.member, message.label_mode, "task.label_mode", default=LabelMode.SINGLE
    )


def read_task(
    message: task_pb2.Task,
    id_: str,
    *,
    pool_id: str,
    epoch: str,
    create_time: datetime,
    recipe: Recipe = _BEST,
) -> Task:
    """Read a task to create; what is unset is the recipe's, or has its default.

    Raises:
        InvalidInput: a field holds an unknown kind of thing. check_task checks the rest.
    """
    label_mode = _read_mode(message)
    lease_duration = fields.read_duration(message, "lease_duration", "task.")
    head_recipe = fields.valid(
        HEAD_RECIPE.decode, message.head_recipe, "task.head_recipe", default=recipe.head_recipe
    )
    return Task(
        task_id=id_,
        pool_id=pool_id,
        classes=tuple(message.classes),
        epoch=epoch,
        create_time=create_time,
        query_strategy=fields.valid(
            decode_strategy,
            message.query_strategy,
            "task.query_strategy",
            default=recipe.query_strategy,
        ),
        head_recipe=head_recipe,
        representation=fields.valid(
            decode_representation,
            message.representation,
            "task.representation",
            default=recipe.representation,
        ),
        label_budget=message.label_budget if message.HasField("label_budget") else None,
        lease_duration=DEFAULT_LEASE_DURATION if lease_duration is None else lease_duration,
        seed=message.seed,
        max_leases_per_oracle=(
            message.max_leases_per_oracle if message.HasField("max_leases_per_oracle") else None
        ),
        stopping_rule=(
            fields.valid(STOPPING_RULE.decode, message.stopping_rule, "task.stopping_rule")
            if message.HasField("stopping_rule")
            else None
        ),
        estimate_accuracy=(
            message.estimate_accuracy
            if message.HasField("estimate_accuracy")
            else estimates_by_default(head_recipe, label_mode)
        ),
        audit_share=message.audit_share,
        window_spacing=fields.read_duration(message, "window_spacing", "task.") or timedelta(),
        label_mode=label_mode,
        unmentioned=_read_unmentioned(message, label_mode),
    )


def _read_unmentioned(message: task_pb2.Task, label_mode: LabelMode) -> Unmentioned:
    if message.unmentioned and label_mode is LabelMode.SINGLE:
        raise InvalidInput.of(
            "task.unmentioned", "it goes with the label_mode MULTIPLE; leave it unset"
        )
    return fields.valid(
        UNMENTIONED.member,
        message.unmentioned,
        "task.unmentioned",
        default=Unmentioned.NEGATIVE,
    )


def read_change(message: task_pb2.Task, mask: FieldMask) -> Callable[[Task], Task]:
    """Read an update: what `mask` names gets its value in `message`, or its default if unset.

    A path leads to a setting, or into one: "query_strategy.selection_rule".

    Raises:
        InvalidInput: a path leads to nothing that can be changed.
    """
    _check_mask(mask)
    # Without the paths that lie inside others of the mask.
    canonical = FieldMask()
    canonical.CanonicalFormFromMask(mask)
    given = task_pb2.Task()
    given.CopyFrom(message)
    for path in canonical.paths:
        # So that a path into an unset message resets its target; merging would leave it as it is.
        inside: task_pb2.Task = given
        for name in path.split(".")[:-1]:
            inside = getattr(inside, name)
            inside.SetInParent()

    def change(task: Task) -> Task:
        changed = _write_spec(task)
        canonical.MergeMessage(
            given, changed, replace_message_field=True, replace_repeated_field=True
        )
        wanted = read_task(
            changed,
            task.task_id,
            pool_id=task.pool_id,
            epoch=task.epoch,
            create_time=task.create_time,
            recipe=recipe_named(RecipeName.BEST, task.label_mode),
        )
        return replace(task, **{name: getattr(wanted, name) for name in SETTINGS})

    return change


def write_task(state: TaskState) -> task_pb2.Task:
    task, progress = state.task, state.progress
    message = _write_spec(task)
    table = task.class_table
    # The specification has all that there were, as the domain does.
    message.classes[:] = table.active_names
    message.class_details.extend(write_classes(table))
    message.head_version = progress.head_version
    if progress.training_head_version is not None:
        message.training_head_version = progress.training_head_version
    message.clip_counts.CopyFrom(_write_counts(progress, state.clip_count))
    message.pool_state = POOL_STATES.number(
        progress.pool_state(state.clip_count, task.label_budget)
    )
    if state.advice is not None:
        message.stop_advice.CopyFrom(encode_advice(state.advice))
    return message


def _check_mask(mask: FieldMask) -> None:
    can = ", ".join(SETTINGS)
    if not mask.paths:
        raise InvalidInput.of("update_mask", f"empty; name any of {can}")
    for path in mask.paths:
        one = FieldMask(paths=[path])
        if path.split(".")[0] not in SETTINGS or not one.IsValidForDescriptor(
            task_pb2.Task.DESCRIPTOR
        ):
            raise InvalidInput.of("update_mask", f"{path!r} cannot be changed; any of {can} can")


def _write_spec(task: Task) -> task_pb2.Task:
    """Write a task's name and settings, without its progress."""
    return task_pb2.Task(
        name=names.task_name(task.task_id),
        pool=names.pool_name(task.pool_id),
        classes=task.classes,
        query_strategy=encode_strategy(task.query_strategy),
        head_recipe=HEAD_RECIPE.encode(task.head_recipe, "head_recipe"),
        representation=REPRESENTATIONS.number(task.representation),
        label_budget=task.label_budget,
        lease_duration=times.write_duration(task.lease_duration),
        seed=task.seed,
        max_leases_per_oracle=task.max_leases_per_oracle,
        stopping_rule=(
            STOPPING_RULE.encode(task.stopping_rule, "stopping_rule")
            if task.stopping_rule
            else None
        ),
        estimate_accuracy=task.estimate_accuracy,
        audit_share=task.audit_share,
        window_spacing=times.write_duration(task.window_spacing),
        label_mode=LABEL_MODES.number(task.label_mode),
        unmentioned=(
            UNMENTIONED.number(task.unmentioned)
            if task.label_mode is LabelMode.MULTIPLE
            else task_pb2.UNMENTIONED_UNSPECIFIED
        ),
        create_time=times.write_time(task.create_time),
    )


def _write_counts(progress: TaskProgress, clip_count: int) -> task_pb2.ClipCounts:
    return task_pb2.ClipCounts(
        unlabeled=max(0, clip_count - progress.taken),
        leased=progress.leased,
        labeled=progress.labeled,
        abstained=progress.abstained,
        validation=progress.validation,
        test=progress.test,
        budget_spent=progress.budget_spent,
    )
