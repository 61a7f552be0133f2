"""Which of many tasks in Redis changed, asked in as few commands as there can be."""

import asyncio
from collections.abc import Sequence

from redis.asyncio.cluster import RedisCluster

from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.scripts import Script, guarded
from aloe.learner.adapters.redis.task_scripts import TaskKeys
from aloe.learner.ports.tasks import TaskMark
from aloe.redis.connecting import RedisClient

_TASKS_PER_CALL = 250
"""More would keep Redis from others."""


class RedisTaskChanges:
    """What a TaskStore tells of many tasks at once."""

    def __init__(self, client: RedisClient, pipelines: Pipelines) -> None:
        self._changed_tasks = Script(pipelines.read, "changed_tasks")
        # In a cluster the keys of a script lie on one node.
        self._tasks_per_call = 1 if isinstance(client, RedisCluster) else _TASKS_PER_CALL

    @guarded
    async def changed_since(self, marks: Sequence[TaskMark]) -> set[str]:
        firsts = range(0, len(marks), self._tasks_per_call)
        found = await asyncio.gather(
            *(self._changed(marks[first : first + self._tasks_per_call]) for first in firsts)
        )
        return set().union(*found)

    async def _changed(self, marks: Sequence[TaskMark]) -> set[str]:
        keys: list[str] = []
        args: list[str] = []
        for mark in marks:
            of_task = TaskKeys(mark.task_id)
            keys += of_task.meta, of_task.expiries, of_task.events
            args += mark.epoch, mark.last_event_id, str(mark.training_head_version or "")
        places = await self._changed_tasks(keys, *args)
        return {marks[place - 1].task_id for place in places}
