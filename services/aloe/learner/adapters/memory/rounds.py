"""Rounds, heads and their names in memory."""

from datetime import datetime, timedelta

from aloe.learner.adapters import refusals
from aloe.learner.adapters.memory.state import Training, milliseconds, to_millisecond
from aloe.learner.adapters.memory.task_table import TaskTable
from aloe.learner.domain.head import Head, is_same_head
from aloe.learner.domain.promotions import (
    MOST_EARLIER,
    MOST_PROMOTIONS,
    PromotedHead,
    Promotion,
    head_exists,
    head_not_kept,
    head_promised,
    promotion_not_found,
)
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.learner.ports.tasks import CLOCK_SLACK
from aloe.values.kept_heads import KEPT_HEADS
from aloe.values.states import EventKind


class MemoryRounds(TaskTable):
    """What a TaskStore does with rounds and heads."""

    async def begin_round(self, task: Task, trainer_id: str, hold: timedelta) -> RoundTicket | None:
        stored, now = self._fenced(task), self._now()
        training = stored.training
        if training is None:
            if stored.label_revision <= stored.head_revision or not stored.is_trainable:
                return None
            training = stored.training = Training(
                stored.task,
                stored.head_version + 1,
                stored.events[-1].event_id,
                stored.label_revision,
                None,
                now,
            )
        elif training.trainer_id != trainer_id and now < training.until <= now + hold + CLOCK_SLACK:
            return None
        stored.fence += training.trainer_id != trainer_id
        training.trainer_id, training.until = trainer_id, now + milliseconds(hold)
        return RoundTicket(training.task, training.version, training.cutoff_event_id, stored.fence)

    async def publish_head(self, ticket: RoundTicket, head: Head, round_: Round) -> bool:
        stored = self._fenced(ticket.task)
        training = stored.training
        if training is None or (training.version, stored.fence, training.cutoff_event_id) != (
            head.version,
            ticket.fence,
            ticket.cutoff_event_id,
        ):
            return False
        stored.heads[head.version], stored.rounds[head.version] = head, round_
        oldest = head.version - KEPT_HEADS
        if oldest not in stored.promoted_versions:
            stored.heads.pop(oldest, None)
        stored.head_revision, stored.training = training.label_revision, None
        stored.log(
            EventKind.HEAD_TRAINED,
            head_version=head.version,
            cutoff_event_id=ticket.cutoff_event_id,
            map_name=head.map_name,
        )
        return True

    async def read_head(self, task: Task, version: int) -> Head | None:
        return self._fenced(task).heads.get(version)

    async def restore_head(self, task: Task, head: Head, round_: Round) -> None:
        stored = self._fenced(task)
        is_same = is_same_head(stored.heads.get(head.version), head)
        if not is_same and head.version in stored.rounds:
            raise head_exists(task.task_id, head.version)
        if not is_same and stored.is_trainable:
            raise head_promised(task.task_id, head.version)
        stored.promoted_versions.add(head.version)
        if is_same:
            return
        is_newest = head.version > stored.head_version
        stored.heads[head.version], stored.rounds[head.version] = head, round_
        if is_newest:
            stored.training = None
            stored.log(EventKind.HEAD_TRAINED, head_version=head.version, map_name=head.map_name)

    async def promote_head(
        self, task: Task, promotion_id: str, version: int, promote_time: datetime | None = None
    ) -> Promotion:
        stored = self._fenced(task)
        if version not in stored.heads:
            raise head_not_kept(task.task_id, version)
        before = stored.promotions.get(promotion_id)
        if before and before.head.version == version:
            return before
        if not before and len(stored.promotions) >= MOST_PROMOTIONS:
            raise refusals.too_many_promotions(task.task_id)
        now = self._now()
        promotion = stored.promotions[promotion_id] = Promotion(
            promotion_id,
            PromotedHead(version, to_millisecond(min(promote_time or now, now))),
            (before.head, *before.earlier)[:MOST_EARLIER] if before else (),
        )
        stored.promoted_versions.add(version)
        stored.log(EventKind.HEAD_PROMOTED, promotion_id=promotion_id, head_version=version)
        return promotion

    async def demote_head(self, task: Task, promotion_id: str) -> None:
        stored = self._fenced(task)
        if stored.promotions.pop(promotion_id, None) is None:
            raise promotion_not_found(task.task_id, promotion_id)
        stored.log(EventKind.HEAD_DEMOTED, promotion_id=promotion_id)

    async def read_promotions(self, task: Task) -> list[Promotion]:
        promotions = self._fenced(task).promotions
        return [promotions[each] for each in sorted(promotions)]

    async def read_rounds(self, task: Task, first_version: int, count: int) -> list[Round]:
        rounds = self._fenced(task).rounds
        versions = range(first_version, first_version + count)
        return [rounds[version] for version in versions if version in rounds]
