"""Rounds and heads in memory."""

from datetime import timedelta

from aloe.learner.adapters.memory.state import Training, milliseconds
from aloe.learner.adapters.memory.task_table import TaskTable
from aloe.learner.domain.head import Head
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.learner.ports.tasks import CLOCK_SLACK, KEPT_HEADS
from aloe.values.states import EventKind


class MemoryRounds(TaskTable):
    """What a TaskStore does with rounds."""

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
        stored.heads.pop(head.version - KEPT_HEADS, None)
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

    async def read_rounds(self, task: Task, first_version: int, count: int) -> list[Round]:
        rounds = self._fenced(task).rounds
        versions = range(first_version, first_version + count)
        return [rounds[version] for version in versions if version in rounds]
