"""Tasks in Redis. The keys are listed in redis_store.py, the changes are scripts in lua/."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.client import RedisClient
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pools import PoolKeys
from aloe.learner.adapters.redis.scripts import Script, guarded
from aloe.learner.domain.errors import (
    AlreadyExists,
    InvalidInput,
    LeaseLost,
    PoolNotFound,
    TaskChanged,
    TaskNotFound,
    Violation,
)
from aloe.learner.domain.events import Event
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import (
    LabelChange,
    LabelsOutcome,
    Lease,
    LeaseOutcome,
    LeaseRequest,
    Pick,
    RankingTooShort,
    StoredLabel,
)
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import MIN_LABELED_CLASSES, Task, TaskProgress
from aloe.values import ClipState, EventKind, PoolState

KEPT_HEADS = 5
REQUEST_LIFE_MS = 24 * 3600 * 1000
_ID_INDEX = "aloe:tasks"
_SCRIPTS = (
    "create_task", "update_task", "read_task", "import_labels", "lease", "submit", "release",
    "renew", "begin_round", "publish_head", "read_events",
)  # fmt: skip
_READING_SCRIPTS = ("read_task", "read_events")


_EVENT_KINDS = {
    b"created": EventKind.TASK_CREATED,
    b"updated": EventKind.TASK_UPDATED,
    b"leased": EventKind.CLIPS_LEASED,
    b"renewed": EventKind.LEASES_RENEWED,
    b"released": EventKind.LEASES_RELEASED,
    b"expired": EventKind.LEASES_EXPIRED,
    b"answered": EventKind.CLIPS_ANSWERED,
    b"imported": EventKind.LABELS_IMPORTED,
    b"head": EventKind.HEAD_TRAINED,
}
"""As the scripts write them."""


class TaskKeys:
    """The keys of one task."""

    def __init__(self, task_id: str) -> None:
        self._prefix = f"aloe:{{task:{task_id}}}:"
        names = ["meta", "labels", "holds", "leases", "expiries", "events", "heads", "rounds"]
        self.lasting = [self._prefix + name for name in names]
        self.meta, self.labels, _, _, _, self.events, self.heads, self.rounds = self.lasting

    def for_script(self, request: str = "none") -> list[str]:
        """Return the keys as task.lua takes them, the last one for a request's answer."""
        return [*self.lasting, f"{self._prefix}request:{request}"]


class RedisTasks:
    """The TaskStore of a Redis server."""

    def __init__(self, client: RedisClient, pipelines: Pipelines) -> None:
        self._redis = client
        self._scripts = {
            name: Script(
                pipelines.read if name in _READING_SCRIPTS else pipelines.write, name, shared="task"
            )
            for name in _SCRIPTS
        }
        self._link = Script(pipelines.write, "link_task")

    @guarded
    async def create_task(self, task: Task) -> Task:
        pool_keys = PoolKeys(task.pool_id)
        if not await self._link([pool_keys.meta, pool_keys.tasks], task.task_id):
            raise PoolNotFound(f"there is no pools/{task.pool_id}")
        await self._redis.sadd(_ID_INDEX, task.task_id)
        spec = await self._scripts["create_task"](
            TaskKeys(task.task_id).for_script(), task.epoch, codec.dump_task(task), _budget(task)
        )
        stored = codec.load_task(task.task_id, spec)
        if not stored.same_content(task):
            raise AlreadyExists(
                f"tasks/{task.task_id} exists with other settings; choose another id, update it or"
                " delete it"
            )
        return stored

    @guarded
    async def read_task(self, task_id: str) -> tuple[Task, TaskProgress]:
        flat = await self._scripts["read_task"](TaskKeys(task_id).for_script())
        if not flat:
            raise TaskNotFound(f"there is no tasks/{task_id}")
        meta = dict(zip(flat[::2], flat[1::2], strict=True))
        return codec.load_task(task_id, meta[b"spec"]), _progress(meta)

    @guarded
    async def list_task_ids(self, pool_id: str | None) -> list[str]:
        index = _ID_INDEX if pool_id is None else PoolKeys(pool_id).tasks
        return sorted(member.decode() for member in await self._redis.smembers(index))

    @guarded
    async def update_task(self, task: Task) -> None:
        await self._change(task, "update_task", codec.dump_task(task), _budget(task))

    @guarded
    async def delete_task(self, task_id: str) -> None:
        task, _ = await self.read_task(task_id)
        await self._redis.delete(*TaskKeys(task_id).lasting)
        await self._redis.srem(_ID_INDEX, task_id)
        await self._redis.srem(PoolKeys(task.pool_id).tasks, task_id)

    @guarded
    async def import_labels(self, task: Task, labels: Sequence[LabelChange]) -> LabelsOutcome:
        changes = json.dumps(
            [
                [
                    label.row,
                    label.state,
                    label.class_index,
                    label.oracle_id,
                    codec.ms_of_time(label.label_time) if label.label_time else 0,
                ]
                for label in labels
            ]
        )
        return _labels_outcome(await self._change(task, "import_labels", changes))

    @guarded
    async def lease(self, task: Task, request: LeaseRequest) -> LeaseOutcome:
        reply = await self._change(
            task,
            "lease",
            request.oracle_id,
            json.dumps([[p.row, p.score, p.predicted_class] for p in request.ranking]),
            request.clip_count,
            request.max_count,
            round(request.duration.total_seconds() * 1000),
            uuid.uuid4().hex,
            REQUEST_LIFE_MS,
            request.head_version,
            codec.dump_strategy(request.query_strategy),
            "" if task.max_leases_per_oracle is None else task.max_leases_per_oracle,
            request_key=f"query:{request.request_id}",
        )
        expire_time = codec.time_of_ms(reply["expires"])
        return LeaseOutcome(
            leases=tuple(
                Lease(lease_id, Pick(row, score, predicted), expire_time)
                for lease_id, row, score, predicted in reply["leases"]
            ),
            pool_state=PoolState(reply["state"]),
            head_version=reply["head_version"],
        )

    @guarded
    async def submit(
        self, task: Task, oracle_id: str, answers: Sequence[tuple[str, int]], request_id: str
    ) -> LabelsOutcome:
        reply = await self._change(
            task,
            "submit",
            oracle_id,
            json.dumps(answers),
            REQUEST_LIFE_MS,
            request_key=f"submit:{request_id}",
            fields="answers[{}].lease_id",
        )
        return _labels_outcome(reply)

    @guarded
    async def release(self, task: Task, oracle_id: str, lease_ids: Sequence[str]) -> int:
        reply = await self._change(
            task, "release", oracle_id, json.dumps(list(lease_ids)), fields="lease_ids[{}]"
        )
        return int(reply["released"])

    @guarded
    async def renew(
        self, task: Task, oracle_id: str, lease_ids: Sequence[str], duration: timedelta
    ) -> datetime:
        reply = await self._change(
            task,
            "renew",
            oracle_id,
            json.dumps(list(lease_ids)),
            round(duration.total_seconds() * 1000),
            fields="lease_ids[{}]",
        )
        return codec.time_of_ms(reply["expires"])

    @guarded
    async def read_events(self, task: Task, after: str, at_most: int | None = None) -> list[Event]:
        keys = TaskKeys(task.task_id).for_script()
        entries = await self._scripts["read_events"](
            keys, task.epoch, after, "" if at_most is None else at_most
        )
        if isinstance(entries, bytes):
            _refuse(task.task_id, json.loads(entries), "")
        return [_event(entry_id, fields) for entry_id, fields in entries]

    @guarded
    async def read_labels(self, task: Task) -> list[StoredLabel]:
        stored = await self._redis.hgetall(TaskKeys(task.task_id).labels)
        labels = []
        for row, text in stored.items():
            state, class_index, time_ms, oracle_id, _ = json.loads(text)
            labels.append(
                StoredLabel(
                    int(row), ClipState(state), class_index, oracle_id, codec.time_of_ms(time_ms)
                )
            )
        return sorted(labels, key=lambda label: label.row)

    @guarded
    async def begin_round(self, task: Task, trainer_id: str, hold: timedelta) -> RoundTicket | None:
        hold_ms = round(hold.total_seconds() * 1000)
        reply = await self._change(task, "begin_round", trainer_id, hold_ms)
        if not reply:
            return None
        begun = codec.load_task(task.task_id, reply["spec"])
        return RoundTicket(begun, reply["version"], reply["cutoff"], reply["fence"])

    @guarded
    async def publish_head(self, ticket: RoundTicket, head: Head, round_: Round) -> bool:
        reply = await self._change(
            ticket.task,
            "publish_head",
            ticket.fence,
            head.version,
            codec.dump_head(head),
            codec.dump_round(round_),
            KEPT_HEADS,
        )
        return bool(reply["stored"])

    @guarded
    async def read_head(self, task: Task, version: int) -> Head | None:
        data = await self._redis.hget(TaskKeys(task.task_id).heads, str(version))
        return None if data is None else codec.load_head(version, data, len(task.classes))

    @guarded
    async def read_rounds(self, task: Task, first_version: int, count: int) -> list[Round]:
        versions = [str(version) for version in range(first_version, first_version + count)]
        texts = await self._redis.hmget(TaskKeys(task.task_id).rounds, versions)
        return [codec.load_round(text) for text in texts if text is not None]

    async def _change(
        self,
        task: Task,
        script: str,
        *args: str | bytes | float,
        request_key: str = "none",
        fields: str = "",
    ) -> dict[str, Any]:
        """Run a fenced script and raise what it refuses."""
        # With the epoch: a task made anew must not replay what its namesake answered.
        keys = TaskKeys(task.task_id).for_script(f"{task.epoch}:{request_key}")
        reply: dict[str, Any] = json.loads(await self._scripts[script](keys, task.epoch, *args))
        if "error" in reply:
            _refuse(task.task_id, reply, fields)
        return reply


def _refuse(task_id: str, reply: dict[str, Any], fields: str) -> NoReturn:
    match reply["error"]:
        case "TASK_NOT_FOUND":
            raise TaskNotFound(f"there is no tasks/{task_id}")
        case "TASK_CHANGED":
            raise TaskChanged(f"tasks/{task_id} was deleted and made anew meanwhile; read it again")
        case "RANKING_TOO_SHORT":
            raise RankingTooShort
        case "LEASE_LOST":
            places = ", ".join(fields.format(index) for index in reply["lost"])
            raise LeaseLost(
                f"{places}: the clip has gone to another oracle or is labeled already, or its"
                " place in the label budget has; leave it out and submit the rest"
            )
        case _:
            raise InvalidInput(
                *(
                    Violation(fields.format(index), "no lease of this task has that id")
                    for index in reply["unknown"]
                ),
                *(
                    Violation(fields.format(index), "this lease is another oracle's")
                    for index in reply["foreign"]
                ),
            )


def _budget(task: Task) -> str:
    return "" if task.label_budget is None else str(task.label_budget)


def _labels_outcome(reply: dict[str, Any]) -> LabelsOutcome:
    return LabelsOutcome(reply["changed"], reply.get("version"), reply["labels"])


def _progress(meta: dict[bytes, bytes]) -> TaskProgress:
    def number(field: bytes) -> int:
        return int(meta.get(field, 0))

    head_version = number(b"head_version")
    training = int(meta[b"round_version"]) if b"round_version" in meta else None
    contained = number(b"head_revision") if training is None else number(b"round_revision")
    promised = head_version if training is None else training
    due = number(b"revision") > contained
    if due and number(b"classes_labeled") >= MIN_LABELED_CLASSES:
        promised += 1
    return TaskProgress(
        leased=number(b"leased"),
        labeled=number(b"labeled"),
        abstained=number(b"abstained"),
        validation=number(b"validation"),
        test=number(b"test"),
        budget_spent=number(b"spent"),
        head_version=head_version,
        training_head_version=training,
        promised_head_version=promised,
    )


def _event(entry_id: bytes, flat: Sequence[bytes]) -> Event:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    kind = _EVENT_KINDS[fields[b"kind"]]
    leases = json.loads(fields.get(b"leases", b"[]"))
    return Event(
        event_id=entry_id.decode(),
        kind=kind,
        rows=tuple(json.loads(fields[b"rows"])),
        states=tuple(json.loads(fields[b"states"])),
        class_indices=tuple(json.loads(fields[b"classes"])),
        head_version=int(fields.get(b"head_version", 0)),
        oracle_id=fields.get(b"oracle", b"").decode(),
        lease_ids=tuple(each[0] if kind is EventKind.CLIPS_LEASED else each for each in leases),
        scores=tuple(each[1] for each in leases) if kind is EventKind.CLIPS_LEASED else (),
        query_strategy=codec.load_strategy(fields.get(b"strategy", b"").decode()),
    )
