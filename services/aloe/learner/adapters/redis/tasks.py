"""Tasks in Redis. The keys are listed in store.py, the changes are scripts in lua/."""

import json

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.answers import RedisAnswers
from aloe.learner.adapters.redis.events import load_event
from aloe.learner.adapters.redis.leases import RedisLeases
from aloe.learner.adapters.redis.members import read_members
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.rounds import RedisRounds
from aloe.learner.adapters.redis.scripts import Script, guarded, reading
from aloe.learner.adapters.redis.task_changes import RedisTaskChanges
from aloe.learner.adapters.redis.task_scripts import TaskKeys
from aloe.learner.domain.events import Event
from aloe.learner.domain.task import MIN_LABELED_CLASSES, Task, TaskProgress
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import TASK_IDS


class RedisTasks(RedisLeases, RedisAnswers, RedisRounds, RedisTaskChanges):
    """The TaskStore of a Redis server."""

    def __init__(self, client: RedisClient, pipelines: Pipelines) -> None:
        super().__init__(client, pipelines)
        RedisTaskChanges.__init__(self, client, pipelines)
        self._link = Script(pipelines.write, "link_task")
        self._check_free = Script(pipelines.read, "check_free")

    @guarded
    async def create_task(self, task: Task) -> Task:
        keys, pool_keys = TaskKeys(task.task_id), PoolKeys(task.pool_id)
        await self._check_task_keys(task, pool_keys)
        if not await self._link([pool_keys.meta, pool_keys.tasks], task.task_id):
            raise refusals.pool_not_found(task.pool_id)
        await self._redis.sadd(TASK_IDS, task.task_id)
        spec = await self._run(
            "create_task", keys.for_script(), task.epoch, codec.dump_task(task), _budget(task)
        )
        with reading(keys.meta):
            stored = codec.load_task(task.task_id, spec)
        if not stored.same_content(task):
            raise refusals.task_id_taken(task.task_id)
        return stored

    @guarded
    async def read_task(self, task_id: str) -> tuple[Task, TaskProgress]:
        keys = TaskKeys(task_id)
        flat = await self._run("read_task", keys.for_script())
        if not flat:
            raise refusals.task_not_found(task_id)
        with reading(keys.meta):
            meta = dict(zip(flat[::2], flat[1::2], strict=True))
            return codec.load_task(task_id, meta[b"spec"]), _progress(meta)

    @guarded
    async def list_task_ids(self, pool_id: str | None) -> list[str]:
        index = TASK_IDS if pool_id is None else PoolKeys(pool_id).tasks
        return await read_members(self._redis, index)

    @guarded
    async def update_task(self, task: Task) -> None:
        spec = codec.dump_task(task.updated())
        await self._change(task, "update_task", spec, _budget(task), task.revision)

    @guarded
    async def change_classes(self, task: Task, *, teaches: bool) -> int | None:
        reply = await self._change(
            task,
            "change_classes",
            codec.dump_task(task.updated()),
            task.revision,
            json.dumps(task.class_table.targets.tolist(), separators=(",", ":")),
            task.class_mark,
            int(teaches),
        )
        version: int | None = reply.get("version")
        return version

    @guarded
    async def delete_task(self, task_id: str) -> None:
        task, _ = await self.read_task(task_id)
        await self._check_task_keys(task, PoolKeys(task.pool_id))
        await self._redis.delete(*TaskKeys(task_id).lasting)
        await self._redis.srem(TASK_IDS, task_id)
        await self._redis.srem(PoolKeys(task.pool_id).tasks, task_id)

    @guarded
    async def read_events(self, task: Task, after: str, at_most: int | None = None) -> list[Event]:
        most = "" if at_most is None else at_most
        entries = await self._fetch(task, "read_events", after, most)
        events: list[Event] = []
        with reading(TaskKeys(task.task_id).events):
            for entry_id, fields in entries:
                events.append(load_event(task, entry_id, fields))
                task = events[-1].settings or task  # It may have more classes from here on.
        return events

    async def _check_task_keys(self, task: Task, pool_keys: PoolKeys) -> None:
        """Raise StoreDamaged before several changes that only together are one."""
        for index in (TASK_IDS, pool_keys.tasks):
            with reading(index):
                await self._redis.sismember(index, task.task_id)
        keys = TaskKeys(task.task_id)
        await self._run("check_task", keys.for_script())
        await self._check_free(keys.lasting)


def _budget(task: Task) -> str:
    return "" if task.label_budget is None else str(task.label_budget)


def _progress(meta: dict[bytes, bytes]) -> TaskProgress:
    def number(field: bytes) -> int:
        return codec.load_count(meta.get(field))

    head_version = number(b"head_version")
    training = number(b"round_version") if b"round_version" in meta else None
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
        retired=number(b"retired"),
    )
