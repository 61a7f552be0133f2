"""Tasks in memory: the same changes as the scripts in lua/, in Python."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from aloe.learner.adapters.memory.state import (
    STATE_OF_ANSWER,
    HeldLease,
    StoredAnswer,
    StoredTask,
    Training,
)
from aloe.learner.domain.errors import (
    AlreadyExists,
    InvalidInput,
    LeaseLost,
    PoolNotFound,
    TaskChanged,
    TaskNotFound,
    Violation,
)
from aloe.learner.domain.events import NO_CLASS, START_OF_LOG, Event, event_order
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import (
    LabelChange,
    LabelsOutcome,
    Lease,
    LeaseOutcome,
    LeaseRequest,
    RankingTooShort,
    StoredLabel,
)
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import MIN_LABELED_CLASSES, Task, TaskProgress
from aloe.values import ClipState, EventKind, PoolState


class MemoryTasks:
    """The TaskStore of a process."""

    def __init__(self, now: Callable[[], datetime], has_pool: Callable[[str], bool]) -> None:
        self._now, self._has_pool = now, has_pool
        self._tasks: dict[str, StoredTask] = {}

    async def create_task(self, task: Task) -> Task:
        if not self._has_pool(task.pool_id):
            raise PoolNotFound(f"there is no pools/{task.pool_id}")
        if task.task_id not in self._tasks:
            self._tasks[task.task_id] = StoredTask(task)
            self._tasks[task.task_id].log(EventKind.TASK_CREATED)
        stored = self._tasks[task.task_id].task
        if not stored.same_content(task):
            raise AlreadyExists(f"tasks/{task.task_id} exists with other settings")
        return stored

    async def read_task(self, task_id: str) -> tuple[Task, TaskProgress]:
        stored = self._stored(task_id)
        self._expire(stored)
        return stored.task, stored.progress()

    async def list_task_ids(self, pool_id: str | None) -> list[str]:
        return sorted(
            task_id
            for task_id, stored in self._tasks.items()
            if pool_id in (None, stored.task.pool_id)
        )

    async def update_task(self, task: Task) -> None:
        stored = self._fenced(task)
        stored.task = task
        stored.log(EventKind.TASK_UPDATED)

    async def delete_task(self, task_id: str) -> None:
        self._stored(task_id)
        del self._tasks[task_id]

    async def import_labels(self, task: Task, labels: Sequence[LabelChange]) -> LabelsOutcome:
        stored = self._fenced(task)
        self._expire(stored)
        changes, trained = [], False
        for change in labels:
            label = stored.labels.get(change.row)
            if label and (label.state, label.class_index) == (change.state, change.class_index):
                continue
            if change.row in stored.holds:
                self._close(stored, stored.holds[change.row])
            was_trained = label is not None and label.state is ClipState.LABELED
            trained |= was_trained or change.state is ClipState.LABELED
            stored.labels[change.row] = StoredAnswer(
                change.state,
                change.class_index,
                change.oracle_id,
                "",
                change.label_time or self._now(),
            )
            changes.append(change)
        if changes:
            stored.revision += trained
            stored.log(EventKind.LABELS_IMPORTED, changes)
        return stored.outcome(changes, trained=trained)

    async def lease(self, task: Task, request: LeaseRequest) -> LeaseOutcome:
        stored = self._fenced(task)
        replay = stored.answers.get("query:" + request.request_id)
        if isinstance(replay, LeaseOutcome):
            return replay
        self._expire(stored)
        most, budget = request.max_count, stored.task.label_budget
        if budget is not None:
            most = min(most, stored.room(budget))
        limit, held = stored.task.max_leases_per_oracle, 0
        if limit is not None:
            held = sum(
                stored.leases[lease_id].oracle_id == request.oracle_id
                for lease_id in stored.holds.values()
            )
        within_budget = most > 0
        if limit is not None:
            most = min(most, max(0, limit - held))
        taken = [
            pick
            for pick in request.ranking
            if pick.row not in stored.labels and pick.row not in stored.holds
        ][:most]
        free = request.clip_count - stored.progress().taken
        if len(taken) < min(most, free):
            raise RankingTooShort
        expire_time = self._now() + request.duration
        leases = []
        for pick in taken:
            lease_id = uuid.uuid4().hex
            stored.holds[pick.row] = lease_id
            stored.leases[lease_id] = HeldLease(pick.row, request.oracle_id, expire_time)
            leases.append(Lease(lease_id, pick, expire_time))
        if leases:
            stored.log(
                EventKind.CLIPS_LEASED,
                [LabelChange(pick.row, ClipState.LEASED, NO_CLASS) for pick in taken],
                oracle_id=request.oracle_id,
                lease_ids=tuple(lease.lease_id for lease in leases),
                scores=tuple(pick.score for pick in taken),
                head_version=request.head_version,
                query_strategy=request.query_strategy,
            )
            state = PoolState.OPEN
        elif not within_budget:
            state = PoolState.BUDGET_SPENT
        elif most == 0:
            state = PoolState.ORACLE_LIMIT
        else:
            state = PoolState.ALL_LEASED if stored.holds else PoolState.EXHAUSTED
        outcome = LeaseOutcome(tuple(leases), state, request.head_version)
        stored.answers["query:" + request.request_id] = outcome
        return outcome

    async def submit(
        self, task: Task, oracle_id: str, answers: Sequence[tuple[str, int]], request_id: str
    ) -> LabelsOutcome:
        stored = self._fenced(task)
        replay = stored.answers.get("submit:" + request_id)
        if isinstance(replay, LabelsOutcome):
            return replay
        self._expire(stored)
        self._check_leases(stored, oracle_id, [each[0] for each in answers], "answers[{}].lease_id")
        self._check_not_lost(stored, [each[0] for each in answers])
        self._check_budget(
            stored,
            [
                lease_id
                for lease_id, answer in answers
                if answer > NO_CLASS and not self._is_labeled(stored, lease_id)
            ],
        )
        changes, lease_ids, trained = [], [], False
        for lease_id, answer in answers:
            row = stored.leases[lease_id].row
            state, class_index = STATE_OF_ANSWER.get(answer, (ClipState.LABELED, answer))
            label, held = stored.labels.get(row), stored.holds.get(row) == lease_id
            before = ClipState.LEASED if held else ClipState.UNLABELED
            if label is not None:
                before = label.state
            if before is state and (label is None or label.class_index == class_index):
                continue
            if held:
                self._close(stored, lease_id)
            trained |= ClipState.LABELED in (before, state)
            if state is ClipState.UNLABELED:
                stored.labels.pop(row, None)
            else:
                stored.labels[row] = StoredAnswer(
                    state, class_index, oracle_id, lease_id, self._now()
                )
            changes.append(LabelChange(row, state, class_index))
            lease_ids.append(lease_id)
        if changes:
            stored.revision += trained
            stored.log(
                EventKind.CLIPS_ANSWERED, changes, oracle_id=oracle_id, lease_ids=tuple(lease_ids)
            )
        outcome = stored.outcome(changes, trained=trained)
        stored.answers["submit:" + request_id] = outcome
        return outcome

    async def release(self, task: Task, oracle_id: str, lease_ids: Sequence[str]) -> int:
        stored = self._fenced(task)
        self._expire(stored)
        self._check_leases(stored, oracle_id, lease_ids, "lease_ids[{}]")
        wanted = dict.fromkeys(lease_ids or stored.holds.values())
        held = [
            lease_id
            for lease_id in wanted
            if stored.leases[lease_id].is_open and stored.leases[lease_id].oracle_id == oracle_id
        ]
        self._end(stored, held, EventKind.LEASES_RELEASED, oracle_id)
        return len(held)

    async def renew(
        self, task: Task, oracle_id: str, lease_ids: Sequence[str], duration: timedelta
    ) -> datetime:
        stored = self._fenced(task)
        self._expire(stored)
        self._check_leases(stored, oracle_id, lease_ids, "lease_ids[{}]")
        for index, lease_id in enumerate(lease_ids):
            row = stored.leases[lease_id].row
            if row in stored.labels or stored.holds.get(row, lease_id) != lease_id:
                raise LeaseLost(f"lease_ids[{index}]: the clip is answered or another's by now")
        self._check_budget(stored, lease_ids)
        expire_time = self._now() + duration
        for lease_id in lease_ids:
            lease = stored.leases[lease_id]
            lease.expire_time, lease.is_open = expire_time, True
            stored.holds[lease.row] = lease_id
        stored.log(
            EventKind.LEASES_RENEWED,
            [
                LabelChange(stored.leases[lease_id].row, ClipState.LEASED, NO_CLASS)
                for lease_id in lease_ids
            ],
            oracle_id=oracle_id,
            lease_ids=tuple(lease_ids),
        )
        return expire_time

    async def read_events(self, task: Task, after: str, at_most: int | None = None) -> list[Event]:
        _, place = event_order(after)
        end = None if at_most is None else place + at_most
        return self._fenced(task).events[place:end]

    async def read_labels(self, task: Task) -> list[StoredLabel]:
        return [
            StoredLabel(row, label.state, label.class_index, label.oracle_id, label.label_time)
            for row, label in sorted(self._fenced(task).labels.items())
        ]

    async def begin_round(self, task: Task, trainer_id: str, hold: timedelta) -> RoundTicket | None:
        stored, now = self._fenced(task), self._now()
        training = stored.training
        if training is None:
            due = stored.revision > stored.head_revision
            if not due or stored.labeled_class_count < MIN_LABELED_CLASSES:
                return None
            cutoff = stored.events[-1].event_id if stored.events else START_OF_LOG
            training = stored.training = Training(
                stored.task, stored.head_version + 1, cutoff, stored.revision, "", now
            )
        elif training.trainer_id != trainer_id and training.until > now:
            return None
        stored.fence += training.trainer_id != trainer_id
        training.trainer_id, training.until = trainer_id, now + hold
        return RoundTicket(training.task, training.version, training.cutoff_event_id, stored.fence)

    async def publish_head(self, ticket: RoundTicket, head: Head, round_: Round) -> bool:
        stored = self._fenced(ticket.task)
        training = stored.training
        if training is None or (training.version, stored.fence) != (head.version, ticket.fence):
            return False
        stored.heads[head.version], stored.rounds[head.version] = head, round_
        stored.head_revision, stored.training = training.revision, None
        stored.log(EventKind.HEAD_TRAINED, head_version=head.version)
        return True

    async def read_head(self, task: Task, version: int) -> Head | None:
        return self._fenced(task).heads.get(version)

    async def read_rounds(self, task: Task, first_version: int, count: int) -> list[Round]:
        rounds = self._fenced(task).rounds
        versions = range(first_version, first_version + count)
        return [rounds[version] for version in versions if version in rounds]

    def _stored(self, task_id: str) -> StoredTask:
        if task_id not in self._tasks:
            raise TaskNotFound(f"there is no tasks/{task_id}")
        return self._tasks[task_id]

    def _fenced(self, task: Task) -> StoredTask:
        stored = self._stored(task.task_id)
        if stored.task.epoch != task.epoch:
            raise TaskChanged(f"tasks/{task.task_id} was deleted and made anew meanwhile")
        return stored

    def _expire(self, stored: StoredTask) -> None:
        now = self._now()
        overdue = [
            lease_id
            for lease_id in stored.holds.values()
            if stored.leases[lease_id].expire_time <= now
        ]
        self._end(stored, overdue, EventKind.LEASES_EXPIRED)

    def _end(
        self,
        stored: StoredTask,
        lease_ids: Sequence[str],
        kind: EventKind,
        oracle_id: str = "",
    ) -> None:
        rows = [stored.leases[lease_id].row for lease_id in lease_ids]
        for lease_id in lease_ids:
            self._close(stored, lease_id)
        if rows:
            stored.log(
                kind,
                [LabelChange(row, ClipState.UNLABELED, NO_CLASS) for row in rows],
                oracle_id=oracle_id,
            )

    @staticmethod
    def _close(stored: StoredTask, lease_id: str) -> None:
        lease = stored.leases[lease_id]
        lease.is_open = False
        del stored.holds[lease.row]

    @staticmethod
    def _check_leases(
        stored: StoredTask, oracle_id: str, lease_ids: Sequence[str], fields: str
    ) -> None:
        violations = []
        for index, lease_id in enumerate(lease_ids):
            lease = stored.leases.get(lease_id)
            if lease is None:
                violations.append(
                    Violation(fields.format(index), "no lease of this task has that id")
                )
            elif lease.oracle_id != oracle_id:
                violations.append(Violation(fields.format(index), "this lease is another oracle's"))
        if violations:
            raise InvalidInput(*violations)

    @staticmethod
    def _is_labeled(stored: StoredTask, lease_id: str) -> bool:
        label = stored.labels.get(stored.leases[lease_id].row)
        return label is not None and label.state is ClipState.LABELED

    @staticmethod
    def _check_budget(stored: StoredTask, lease_ids: Sequence[str]) -> None:
        """Refuse what takes more of the budget than is left; holds have their place in it."""
        budget = stored.task.label_budget
        unheld_count = sum(not stored.leases[lease_id].is_open for lease_id in lease_ids)
        if budget is not None and unheld_count > stored.room(budget):
            raise LeaseLost("its place in the label budget has gone to another clip")

    @staticmethod
    def _check_not_lost(stored: StoredTask, lease_ids: Sequence[str]) -> None:
        for index, lease_id in enumerate(lease_ids):
            row = stored.leases[lease_id].row
            label, holder = stored.labels.get(row), stored.holds.get(row)
            if (label and label.lease_id != lease_id) or (holder and holder != lease_id):
                raise LeaseLost(f"answers[{index}].lease_id: the clip has gone to another oracle")
