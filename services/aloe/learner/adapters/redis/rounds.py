"""Rounds, heads and their names in Redis."""

import json
from datetime import datetime, timedelta

from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.scripts import guarded, reading
from aloe.learner.adapters.redis.task_scripts import TaskKeys, TaskScripts, milliseconds
from aloe.learner.domain.head import Head
from aloe.learner.domain.promotions import MOST_EARLIER, MOST_PROMOTIONS, Promotion
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.values.kept_heads import KEPT_HEADS


class RedisRounds(TaskScripts):
    """What a TaskStore does with rounds and heads."""

    @guarded
    async def begin_round(self, task: Task, trainer_id: str, hold: timedelta) -> RoundTicket | None:
        reply = await self._change(task, "begin_round", trainer_id, milliseconds(hold))
        if not reply:
            return None
        with reading(TaskKeys(task.task_id).meta):
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
            ticket.cutoff_event_id,
            head.map_name,
            codec.dump_head_classes(head),
        )
        return bool(reply["stored"])

    @guarded
    async def read_head(self, task: Task, version: int) -> Head | None:
        data, map_name, classes = await self._fetch(task, "read_head", version)
        if data is None:
            return None
        with reading(TaskKeys(task.task_id).heads):
            return codec.load_head(task, version, data, map_name, classes)

    @guarded
    async def restore_head(self, task: Task, head: Head, round_: Round) -> None:
        await self._change(
            task,
            "restore_head",
            head.version,
            codec.dump_head(head),
            codec.dump_round(round_),
            head.map_name,
            codec.dump_head_classes(head),
        )

    @guarded
    async def promote_head(
        self, task: Task, promotion_id: str, version: int, promote_time: datetime | None = None
    ) -> Promotion:
        since = "" if promote_time is None else round(promote_time.timestamp() * 1000)
        reply = await self._change(
            task, "promote", promotion_id, version, MOST_PROMOTIONS, MOST_EARLIER, since
        )
        with reading(TaskKeys(task.task_id).promotions):
            return codec.load_promotion(promotion_id, reply["heads"])

    @guarded
    async def demote_head(self, task: Task, promotion_id: str) -> None:
        await self._change(task, "demote", promotion_id)

    @guarded
    async def read_promotions(self, task: Task) -> list[Promotion]:
        flat = await self._fetch(task, "read_promotions")
        with reading(TaskKeys(task.task_id).promotions):
            found = dict(zip(flat[::2], flat[1::2], strict=True))
            return [
                codec.load_promotion(name.decode(), json.loads(found[name]))
                for name in sorted(found)
            ]

    @guarded
    async def read_rounds(self, task: Task, first_version: int, count: int) -> list[Round]:
        texts = await self._fetch(task, "read_rounds", first_version, count)
        with reading(TaskKeys(task.task_id).rounds):
            return [codec.load_round(text) for text in texts if text is not None]
