"""Labels in memory: what oracles answer and what is imported."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime

from aloe.learner.adapters import refusals
from aloe.learner.adapters.memory.state import Answer, HeldLease, StoredTask, to_millisecond
from aloe.learner.adapters.memory.task_table import (
    TaskTable,
    check_budget,
    check_classes_same,
    check_leases,
    check_not_lost,
    expire_leases,
)
from aloe.learner.adapters.refusals import ANSWERS, MOST_CONFLICTS_SHOWN
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.events import RETRACTED
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import (
    Conflict,
    LabelChange,
    LabelsDiffer,
    LabelsOutcome,
    StoredLabel,
)
from aloe.learner.domain.task import Task
from aloe.values.states import ClipState, EventKind

_STATE_OF_ANSWER = {NO_CLASS: ClipState.ABSTAINED, RETRACTED: ClipState.UNLABELED}


class MemoryAnswers(TaskTable):
    """What a TaskStore does with labels."""

    async def submit(
        self,
        task: Task,
        oracle_id: str,
        answers: Sequence[tuple[str, int | ClassSet]],
        request_id: str,
    ) -> LabelsOutcome:
        stored, now = self._fenced(task), self._now()
        replay = stored.submitted.find(request_id, now)
        if replay is not None:
            return replay
        check_classes_same(stored, task)
        expire_leases(stored, now)
        _check_answers(stored, oracle_id, answers)
        changes, lease_ids, trained = [], [], False
        for lease_id, answer in answers:
            lease = stored.leases[lease_id]
            change = _change(lease, answer)
            row, before = lease.row, _state_of(stored, lease.row)
            label = stored.labels.get(row)
            if before is change.state and (label is None or _is_same(label, change)):
                continue
            if before is ClipState.LEASED:
                stored.close_lease(lease_id, now)
            trained |= ClipState.LABELED in (before, change.state)
            stored.labels.pop(row, None)
            if change.state is not ClipState.UNLABELED:
                stored.labels[row] = _answer(change, oracle_id, lease_id, now)
            changes.append(change)
            lease_ids.append(lease_id)
        if changes:
            stored.label_revision += trained
            stored.log(
                EventKind.CLIPS_ANSWERED,
                changes,
                oracle_id=oracle_id,
                lease_ids=tuple(lease_ids),
                content_hashes=tuple(change.content_hash for change in changes),
            )
        outcome = _outcome(stored, changes, trained=trained)
        stored.submitted.keep(request_id, outcome, now)
        return outcome

    async def submitted(self, task: Task, request_id: str) -> LabelsOutcome | None:
        return self._fenced(task).submitted.find(request_id, self._now())

    async def import_labels(
        self,
        task: Task,
        labels: Sequence[LabelChange],
        *,
        replace: bool = False,
        validate_only: bool = False,
    ) -> LabelsOutcome:
        stored, now = self._fenced_classes(task), self._now()
        if any(_state_of(stored, change.row) is ClipState.RETIRED for change in labels):
            raise refusals.rows_retired(task.task_id)
        conflicts = _conflicts(stored, labels)
        if conflicts and not replace:
            raise LabelsDiffer(conflicts[:MOST_CONFLICTS_SHOWN], len(conflicts))
        if validate_only:
            new_count = sum(_counted(stored, change) is None for change in labels)
            changed_count, label_count = new_count + len(conflicts), stored.progress().labeled
            return LabelsOutcome(changed_count, None, label_count, len(conflicts))
        expire_leases(stored, now)
        changes, trained = [], False
        for change in labels:
            before = _state_of(stored, change.row)
            if _agrees(stored, _counted(stored, change), change):
                continue
            if before is ClipState.LEASED:
                stored.close_lease(stored.holds[change.row], now)
            trained |= ClipState.LABELED in (before, change.state)
            time = to_millisecond(change.label_time or now)
            stored.labels[change.row] = _answer(change, change.oracle_id, "", time)
            changes.append(change)
        if changes:
            stored.label_revision += trained
            stored.log(
                EventKind.LABELS_IMPORTED,
                changes,
                content_hashes=tuple(change.content_hash for change in changes),
            )
        outcome = _outcome(stored, changes, trained=trained)
        return dataclasses.replace(outcome, replaced_count=len(conflicts))

    async def retire_rows(self, task: Task, rows: Sequence[int]) -> None:
        stored, now = self._fenced(task), self._now()
        expire_leases(stored, now)
        changes = []
        for row in rows:
            before = _state_of(stored, row)
            if before is ClipState.RETIRED:
                continue
            if before is ClipState.LEASED:
                stored.close_lease(stored.holds[row], now)
            stored.label_revision += before is ClipState.LABELED
            stored.labels[row] = Answer(ClipState.RETIRED, NO_CLASS, "", "", now)
            changes.append(LabelChange(row, ClipState.RETIRED, NO_CLASS))
        if changes:
            stored.log(EventKind.CLIPS_RETIRED, changes)

    async def drop_strays(self, task: Task, contents: Mapping[int, str | None]) -> int:
        stored, now = self._fenced(task), self._now()
        expire_leases(stored, now)
        changes = []
        for row, content_hash in contents.items():
            label, lease_id = stored.labels.get(row), stored.holds.get(row, "")
            told = label or stored.leases.get(lease_id)
            is_retired = label is not None and label.state is ClipState.RETIRED
            if told is None:
                continue
            is_other = content_hash is None or told.content_hash not in ("", content_hash)
            if not (is_retired or is_other):
                continue
            if lease_id:
                stored.close_lease(lease_id, now)
            stored.labels.pop(row, None)
            stored.leases.pop(label.lease_id if label else lease_id, None)
            stored.label_revision += label is not None and label.state is ClipState.LABELED
            changes.append(LabelChange(row, ClipState.UNLABELED, NO_CLASS))
        if changes:
            stored.training = None
            stored.log(EventKind.LABELS_DROPPED, changes)
        return len(changes)

    async def read_labels(self, task: Task) -> list[StoredLabel]:
        return [
            StoredLabel(
                row,
                label.state,
                label.class_index,
                label.oracle_id,
                label.label_time,
                label.content_hash,
                label.is_audit,
                label.class_set,
            )
            for row, label in sorted(self._fenced_classes(task).labels.items())
            if label.state is not ClipState.RETIRED
        ]


def _change(lease: HeldLease, answer: int | ClassSet) -> LabelChange:
    """Return what an answer makes of the clip of its lease."""
    state, class_index, class_set = ClipState.LABELED, NO_CLASS, None
    if not isinstance(answer, int):
        class_set = answer
    elif answer in _STATE_OF_ANSWER:
        state = _STATE_OF_ANSWER[answer]
    else:
        class_index = answer
    return LabelChange(
        lease.row,
        state,
        class_index,
        content_hash=lease.content_hash,
        is_audit=lease.is_audit,
        class_set=class_set,
    )


def _answer(change: LabelChange, oracle_id: str, lease_id: str, time: datetime) -> Answer:
    return Answer(
        change.state,
        change.class_index,
        oracle_id,
        lease_id,
        time,
        change.content_hash,
        change.is_audit,
        change.class_set,
    )


def _check_answers(
    stored: StoredTask, oracle_id: str, answers: Sequence[tuple[str, int | ClassSet]]
) -> None:
    """Refuse answers under leases that do not allow them."""
    lease_ids = [lease_id for lease_id, _ in answers]
    check_leases(stored, oracle_id, lease_ids, ANSWERS)
    check_not_lost(stored, lease_ids, ANSWERS, answered_is_lost=False)
    late = [
        place
        for place, (lease_id, answer) in enumerate(answers)
        if not (isinstance(answer, int) and answer in _STATE_OF_ANSWER)
        and _state_of(stored, stored.leases[lease_id].row)
        not in (ClipState.LABELED, ClipState.LEASED)
    ]
    check_budget(stored, late, ANSWERS)


def _conflicts(stored: StoredTask, labels: Sequence[LabelChange]) -> list[Conflict]:
    found = []
    for place, change in enumerate(labels):
        label = _counted(stored, change)
        if label is not None and not _agrees(stored, label, change):
            found.append(
                Conflict(place, label.state, label.class_index, label.oracle_id, label.class_set)
            )
    return found


def _counted(stored: StoredTask, change: LabelChange) -> Answer | None:
    """Return the label that a change may differ from: one that was given for the same clip."""
    label = stored.labels.get(change.row)
    return None if label is None or label.is_for_other(change.content_hash) else label


def _agrees(stored: StoredTask, label: Answer | None, change: LabelChange) -> bool:
    if label is None or label.state is not change.state:
        return False
    return stored.counts_same(label, change)


def _is_same(label: Answer, change: LabelChange) -> bool:
    return (label.class_index, label.class_set) == (change.class_index, change.class_set)


def _state_of(stored: StoredTask, row: int) -> ClipState:
    label = stored.labels.get(row)
    if label is not None:
        return label.state
    return ClipState.LEASED if row in stored.holds else ClipState.UNLABELED


def _outcome(stored: StoredTask, changes: Sequence[LabelChange], *, trained: bool) -> LabelsOutcome:
    progress = stored.progress()
    is_promised = trained and stored.is_trainable
    return LabelsOutcome(
        len(changes), progress.promised_head_version if is_promised else None, progress.labeled
    )
