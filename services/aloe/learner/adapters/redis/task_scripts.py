"""Scripts on a task: its keys, how they are run, and what they refuse.

The keys are listed in store.py; the scripts lie in lua/.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from redis.exceptions import ResponseError

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.scripts import Script, is_damage, read_script
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.label_sets import load_class_set
from aloe.learner.domain.leases import Conflict, LabelsDiffer, RankingTooShort
from aloe.learner.domain.promotions import (
    head_exists,
    head_not_kept,
    head_promised,
    promotion_not_found,
)
from aloe.learner.domain.task import MIN_LABELED_CLASSES, Task
from aloe.learner.ports.tasks import CLOCK_SLACK, ENDED_LEASE_LIFE
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import TASK_KINDS
from aloe.values.states import ClipState

_WRITING = (
    "create_task", "update_task", "change_classes", "import_labels", "lease", "submit", "release",
    "renew", "begin_round", "publish_head", "restore_head", "promote", "demote",
    "retire_rows", "drop_strays",
)  # fmt: skip
_READING = (
    "check_task", "read_task", "read_events", "read_labels", "read_head", "read_rounds",
    "read_promotions", "read_request",
)  # fmt: skip


def milliseconds(duration: timedelta) -> int:
    """Return a duration as the scripts take it."""
    return round(duration.total_seconds() * 1000)


def task_script(run: Callable[..., Awaitable[Any]], name: str) -> Script:
    """Read a script on a task, with what all of them share in front."""
    constants = (
        f"local MIN_LABELED_CLASSES = {MIN_LABELED_CLASSES}\n"
        f"local CLOCK_SLACK_MS = {milliseconds(CLOCK_SLACK)}\n"
        f"local ENDED_LEASE_LIFE_MS = {milliseconds(ENDED_LEASE_LIFE)}\n"
    )
    return Script(run, name, front=constants + read_script("task"))


class TaskKeys:
    """The keys of one task."""

    def __init__(self, task_id: str) -> None:
        self._prefix = f"aloe:{{task:{task_id}}}:"
        self.lasting = [self._prefix + name for name in TASK_KINDS]
        self.meta, self.labels, *_, self.expiries, self.events = self.lasting[:6]
        self.heads, self.rounds, self.promotions = self.lasting[6:]

    def for_script(self, request: str = "none") -> list[str]:
        """Return the keys as task.lua takes them, the last one for a request's answer."""
        return [*self.lasting, f"{self._prefix}request:{request}"]


class TaskScripts:
    """Runs scripts on tasks; whatever concerns tasks in Redis is built on it."""

    def __init__(self, client: RedisClient, pipelines: Pipelines) -> None:
        self._redis = client
        self._kinds = Script(pipelines.read, "check_kinds")
        self._scripts = {name: task_script(pipelines.write, name) for name in _WRITING} | {
            name: task_script(pipelines.read, name) for name in _READING
        }

    async def _run(self, script: str, keys: list[str], *args: str | bytes | float) -> Any:
        """Run a script; where a key is of another kind, say which."""
        try:
            return await self._scripts[script](keys, *args)
        except ResponseError as error:
            if is_damage(error):
                await self._kinds(keys, *TASK_KINDS.values(), "string")
            raise

    async def _change(
        self,
        task: Task,
        script: str,
        *args: str | bytes | float,
        request_key: str = "none",
        fields: str = "",
    ) -> dict[str, Any]:
        """Run a script that is fenced by the task's epoch, and raise what it refuses."""
        # With the epoch: a task made anew must not replay what its namesake answered.
        keys = TaskKeys(task.task_id).for_script(f"{task.epoch}:{request_key}")
        reply: dict[str, Any] = json.loads(await self._run(script, keys, task.epoch, *args))
        if "error" in reply:
            raise _refusal(task.task_id, reply, fields)
        return reply

    async def _fetch(
        self, task: Task, script: str, *args: str | float, request_key: str = "none"
    ) -> list[Any]:
        """Run a fenced script that answers with a list, and raise what it refuses."""
        keys = TaskKeys(task.task_id).for_script(f"{task.epoch}:{request_key}")
        reply: list[Any] | bytes = await self._run(script, keys, task.epoch, *args)
        if isinstance(reply, bytes):
            raise _refusal(task.task_id, json.loads(reply), "")
        return reply


_REFUSED_TASKS: Mapping[str, Callable[[str], Exception]] = {
    "TASK_NOT_FOUND": refusals.task_not_found,
    "TASK_MADE_ANEW": refusals.task_made_anew,
    "TASK_UPDATED": refusals.task_updated,
    "CLASSES_CHANGED": refusals.classes_changed,
    "ROWS_RETIRED": refusals.rows_retired,
    "WENT_BACK": refusals.log_went_back,
    "TOO_MANY_PROMOTIONS": refusals.too_many_promotions,
}
_REFUSED_HEADS: Mapping[str, Callable[[str, Any], Exception]] = {
    "HEAD_NOT_KEPT": head_not_kept,
    "HEAD_EXISTS": head_exists,
    "HEAD_PROMISED": head_promised,
    "PROMOTION_NOT_FOUND": promotion_not_found,
}


def _refusal(task_id: str, reply: dict[str, Any], fields: str) -> Exception:
    error = reply["error"]
    if error in _REFUSED_HEADS:
        return _REFUSED_HEADS[error](task_id, reply["head"])
    if error in _REFUSED_TASKS:
        return _REFUSED_TASKS[error](task_id)
    match error:
        case "RANKING_TOO_SHORT":
            return RankingTooShort()
        case "LABELS_DIFFER":
            conflicts = [
                _conflict(place, ClipState(state), stored, oracle_id)
                for place, state, stored, oracle_id in reply["conflicts"]
            ]
            return LabelsDiffer(conflicts, reply["count"])
        case "LEASES_LOST":
            return refusals.leases_lost(reply["lost"], fields, reply["retired"])
        case _:
            return refusals.wrong_leases(reply["unknown"], reply["foreign"], fields)


def _conflict(place: int, state: ClipState, stored: int | str, oracle_id: str) -> Conflict:
    if isinstance(stored, str):
        return Conflict(place, state, NO_CLASS, oracle_id, load_class_set(stored))
    return Conflict(place, state, stored, oracle_id)
