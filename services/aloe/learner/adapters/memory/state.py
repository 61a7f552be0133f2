"""What a process keeps of one task, and what follows from it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aloe.learner.domain.events import NO_CLASS, RETRACTED, Event
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import LabelChange, LabelsOutcome, LeaseOutcome
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import MIN_LABELED_CLASSES, Task, TaskProgress
from aloe.values import ClipState, EventKind

STATE_OF_ANSWER = {
    NO_CLASS: (ClipState.ABSTAINED, NO_CLASS),
    RETRACTED: (ClipState.UNLABELED, NO_CLASS),
}


@dataclass(slots=True)
class HeldLease:
    row: int
    oracle_id: str
    expire_time: datetime
    is_open: bool = True


@dataclass(slots=True)
class StoredAnswer:
    state: ClipState
    class_index: int
    oracle_id: str
    lease_id: str
    label_time: datetime


@dataclass(slots=True)
class Training:
    task: Task
    version: int
    cutoff_event_id: str
    revision: int
    trainer_id: str
    until: datetime


@dataclass(slots=True)
class StoredTask:
    task: Task
    labels: dict[int, StoredAnswer] = field(default_factory=dict)
    holds: dict[int, str] = field(default_factory=dict)
    leases: dict[str, HeldLease] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    heads: dict[int, Head] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    answers: dict[str, LeaseOutcome | LabelsOutcome] = field(default_factory=dict)
    training: Training | None = None
    revision: int = 0
    head_revision: int = 0
    fence: int = 0

    @property
    def head_version(self) -> int:
        return max(self.rounds, default=0)

    @property
    def labeled_class_count(self) -> int:
        train = (each for each in self.labels.values() if each.state is ClipState.LABELED)
        return len({each.class_index for each in train})

    @property
    def budget_spent(self) -> int:
        return sum(
            1 for each in self.labels.values() if each.state is ClipState.LABELED and each.oracle_id
        )

    def room(self, budget: int) -> int:
        """How many more clips a label budget lets be held or labeled."""
        return max(0, budget - self.budget_spent - len(self.holds))

    def log(self, kind: EventKind, changes: Sequence[LabelChange] = (), **details: Any) -> None:
        self.events.append(
            Event(
                event_id=f"0-{len(self.events) + 1}",
                kind=kind,
                rows=tuple(change.row for change in changes),
                states=tuple(change.state for change in changes),
                class_indices=tuple(change.class_index for change in changes),
                **details,
            )
        )

    def progress(self) -> TaskProgress:
        counts = Counter(each.state for each in self.labels.values())
        contained = self.training.revision if self.training else self.head_revision
        promised = self.training.version if self.training else self.head_version
        if self.revision > contained and self.labeled_class_count >= MIN_LABELED_CLASSES:
            promised += 1
        return TaskProgress(
            leased=len(self.holds),
            labeled=counts[ClipState.LABELED],
            abstained=counts[ClipState.ABSTAINED],
            validation=counts[ClipState.VALIDATION],
            test=counts[ClipState.TEST],
            budget_spent=self.budget_spent,
            head_version=self.head_version,
            training_head_version=self.training.version if self.training else None,
            promised_head_version=promised,
        )

    def outcome(self, changes: Sequence[LabelChange], *, trained: bool) -> LabelsOutcome:
        progress = self.progress()
        promised = trained and self.labeled_class_count >= MIN_LABELED_CLASSES
        return LabelsOutcome(
            len(changes), progress.promised_head_version if promised else None, progress.labeled
        )
