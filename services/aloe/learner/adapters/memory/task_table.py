"""Access to tasks in memory: fenced, and with overdue leases ended."""

from collections.abc import Callable, Sequence
from datetime import datetime

from aloe.learner.adapters import refusals
from aloe.learner.adapters.memory.state import StoredTask, Tables
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.task import Task
from aloe.values.states import ClipState, EventKind


class TaskTable:
    """Finds tasks; whatever concerns tasks in memory is built on it."""

    def __init__(self, tables: Tables, now: Callable[[], datetime]) -> None:
        self._tables, self._now = tables, now

    def _stored(self, task_id: str) -> StoredTask:
        if task_id not in self._tables.tasks:
            raise refusals.task_not_found(task_id)
        return self._tables.tasks[task_id]

    def _fenced(self, task: Task) -> StoredTask:
        """Return a task unless it is another one by now."""
        stored = self._stored(task.task_id)
        if stored.task.epoch != task.epoch:
            raise refusals.task_made_anew(task.task_id)
        return stored

    def _fenced_classes(self, task: Task) -> StoredTask:
        """Return a task unless it is another one, or has other classes, by now."""
        stored = self._fenced(task)
        check_classes_same(stored, task)
        return stored


def check_classes_same(stored: StoredTask, task: Task) -> None:
    """Refuse what was read by other classes than the task has now."""
    if stored.task.class_mark != task.class_mark:
        raise refusals.classes_changed(task.task_id)


def expire_leases(stored: StoredTask, now: datetime) -> None:
    """End the leases that are overdue, and forget those that ended long ago."""
    end_leases(stored, stored.pop_overdue(now), now, EventKind.LEASES_EXPIRED)


def end_leases(
    stored: StoredTask,
    lease_ids: Sequence[str],
    now: datetime,
    kind: EventKind,
    oracle_id: str = "",
) -> None:
    """End open leases, and log it if there are any."""
    rows = [stored.leases[lease_id].row for lease_id in lease_ids]
    for lease_id in lease_ids:
        stored.close_lease(lease_id, now)
    if rows:
        changes = [LabelChange(row, ClipState.UNLABELED, NO_CLASS) for row in rows]
        stored.log(kind, changes, oracle_id=oracle_id)


def check_leases(
    stored: StoredTask,
    oracle_id: str,
    lease_ids: Sequence[str],
    fields: str,
) -> None:
    """Refuse leases that are unknown or another oracle's."""
    unknown, foreign = [], []
    for place, lease_id in enumerate(lease_ids):
        lease = stored.leases.get(lease_id)
        if lease is None:
            unknown.append(place)
        elif lease.oracle_id != oracle_id:
            foreign.append(place)
    if unknown or foreign:
        raise refusals.wrong_leases(unknown, foreign, fields)


def check_not_lost(
    stored: StoredTask, lease_ids: Sequence[str], fields: str, *, answered_is_lost: bool
) -> None:
    """Refuse leases whose clip another holds or answered; where wanted, anybody; or is retired.

    Of several leases on one clip, the first one may have it.
    """
    lost, retired = [], []
    taken: dict[int, str] = {}
    for place, lease_id in enumerate(lease_ids):
        row = stored.leases[lease_id].row
        label = stored.labels.get(row)
        is_answered = label is not None and (answered_is_lost or label.lease_id != lease_id)
        if label is not None and label.state is ClipState.RETIRED:
            retired.append(place)
        elif (
            is_answered
            or stored.holds.get(row, lease_id) != lease_id
            or taken.get(row, lease_id) != lease_id
        ):
            lost.append(place)
        else:
            taken[row] = lease_id
    if lost or retired:
        raise refusals.leases_lost(lost, fields, retired)


def check_budget(stored: StoredTask, places: Sequence[int], fields: str) -> None:
    """Refuse what needs room in the label budget and has none kept by a hold."""
    left = stored.budget_left
    lost = [place for count, place in enumerate(places, 1) if count > left]
    if lost:
        raise refusals.leases_lost(lost, fields)
