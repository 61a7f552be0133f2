"""What a process keeps in Redis's place, and what follows from it."""

import heapq
import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.clip_index import ClipIndex
from aloe.learner.domain.events import Event
from aloe.learner.domain.head import Head
from aloe.learner.domain.label_sets import ClassSet, counted
from aloe.learner.domain.leases import LabelChange, LabelsOutcome, LeaseOutcome
from aloe.learner.domain.pool import ChangedClip, Pool
from aloe.learner.domain.promotions import Promotion
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import MIN_LABELED_CLASSES, Task, TaskProgress
from aloe.learner.domain.windows import Recording
from aloe.learner.ports.tasks import ENDED_LEASE_LIFE, REQUEST_LIFE
from aloe.values.labels import LabelMode
from aloe.values.representations import Representation
from aloe.values.states import ClipState, EventKind

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StoredPool:
    """A pool with its clips."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.index = ClipIndex(pool.pool_id, 0)
        self.changes: list[ChangedClip] = []
        self.marks = [pool.epoch]
        """Of all changes, in order."""
        self.vectors: Float32Array = np.empty((0, pool.encoder.embedding_dim), np.float32)
        self.maps: dict[str, PoolMap] = {}
        self.mapped: dict[tuple[str, int], Float32Array] = {}
        """What maps made of CHUNK_ROWS rows, by name and by which of such pieces."""
        self.recordings: dict[str, Recording] = {}
        self.fitters: dict[Representation, tuple[str, datetime]] = {}
        """Who fits a map, and until when nobody else does."""


@dataclass(slots=True)
class HeldLease:
    """An oracle's hold on a clip, now or before."""

    row: int
    oracle_id: str
    end_time: datetime
    """When it runs out; of one that has ended, when it is forgotten."""
    content_hash: str = ""
    is_audit: bool = False
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """A label or an abstention."""

    state: ClipState
    class_index: int
    oracle_id: str
    lease_id: str
    """Empty for imported ones."""
    label_time: datetime
    content_hash: str = ""
    is_audit: bool = False
    class_set: ClassSet | None = None

    def is_for_other(self, content_hash: str) -> bool:
        """Whether it was given for another clip than one of this content."""
        return "" not in (self.content_hash, content_hash) and self.content_hash != content_hash


@dataclass(slots=True)
class Training:
    """The round in progress."""

    task: Task
    version: int
    cutoff_event_id: str
    label_revision: int
    trainer_id: str | None
    until: datetime


class Replies(Generic[T]):
    """What requests were answered, for as long as they may be repeated."""

    def __init__(self) -> None:
        self._kept: dict[str, T] = {}
        self._ends: deque[tuple[datetime, str]] = deque()

    def find(self, request_id: str, now: datetime) -> T | None:
        while self._ends and self._ends[0][0] <= now:
            del self._kept[self._ends.popleft()[1]]
        return self._kept.get(request_id)

    def keep(self, request_id: str, reply: T, now: datetime) -> None:
        self._kept[request_id] = reply
        self._ends.append((now + REQUEST_LIFE, request_id))


@dataclass(slots=True)
class StoredTask:
    """A task with all that belongs to it."""

    task: Task
    labels: dict[int, Answer] = field(default_factory=dict)
    """By row."""
    holds: dict[int, str] = field(default_factory=dict)
    """The lease that holds a row."""
    leases: dict[str, HeldLease] = field(default_factory=dict)
    ends: list[tuple[datetime, str]] = field(default_factory=list)
    """A heap of end times that leases have or had."""
    events: list[Event] = field(default_factory=list)
    heads: dict[int, Head] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    promotions: dict[str, Promotion] = field(default_factory=dict)
    promoted_versions: set[int] = field(default_factory=set)
    """Of heads that were ever promoted."""
    leased: Replies[LeaseOutcome] = field(default_factory=Replies)
    submitted: Replies[LabelsOutcome] = field(default_factory=Replies)
    training: Training | None = None
    label_revision: int = 0
    """How often training labels changed."""
    head_revision: int = 0
    """The label_revision that the newest head contains."""
    fence: int = 0

    @property
    def head_version(self) -> int:
        return max(self.rounds, default=0)

    @property
    def is_trainable(self) -> bool:
        """Whether enough classes have training labels."""
        train = (each for each in self.labels.values() if each.state is ClipState.LABELED)
        table = self.task.class_table
        if self.task.label_mode is LabelMode.MULTIPLE:
            return len({label.class_set for label in train}) >= MIN_LABELED_CLASSES
        targets = {table.target(each) for each in {label.class_index for label in train}}
        return len(targets - {NO_CLASS}) >= MIN_LABELED_CLASSES

    def counts_same(self, label: Answer, change: LabelChange) -> bool:
        """Whether labels of two classes, or sets of them, or abstentions, count as the same."""
        table = self.task.class_table
        if label.class_set is not None and change.class_set is not None:
            targets = table.targets
            return counted(label.class_set, targets) == counted(change.class_set, targets)
        class_index, other = label.class_index, change.class_index
        if NO_CLASS in (class_index, other):
            return class_index == other and label.class_set == change.class_set
        target = table.target(class_index)
        return class_index == other or (target != NO_CLASS and target == table.target(other))

    @property
    def budget_spent(self) -> int:
        train = (each for each in self.labels.values() if each.state is ClipState.LABELED)
        return sum(each.oracle_id != "" for each in train)

    @property
    def budget_left(self) -> float:
        """Clips that the label budget has room for besides those that are held."""
        budget = self.task.label_budget
        if budget is None:
            return math.inf
        return max(0, budget - self.budget_spent - len(self.holds))

    def log(self, kind: EventKind, changes: Sequence[LabelChange] = (), **details: Any) -> None:
        audits = tuple(change.is_audit for change in changes)
        class_sets = tuple(change.class_set for change in changes)
        self.events.append(
            Event(
                event_id=f"0-{len(self.events) + 1}",
                kind=kind,
                rows=tuple(change.row for change in changes),
                states=tuple(change.state for change in changes),
                class_indices=tuple(change.class_index for change in changes),
                audits=audits if any(audits) else (),
                class_sets=class_sets if any(each is not None for each in class_sets) else (),
                **details,
            )
        )

    def open_lease(self, lease_id: str, lease: HeldLease) -> None:
        """Let a lease, a new one or an old one, hold its clip until a time."""
        self.leases[lease_id] = lease
        self.holds[lease.row] = lease_id
        heapq.heappush(self.ends, (lease.end_time, lease_id))

    def close_lease(self, lease_id: str, now: datetime) -> None:
        """End a hold, and remember the lease for a while."""
        lease = self.leases[lease_id]
        lease.is_open, lease.end_time = False, now + ENDED_LEASE_LIFE
        del self.holds[lease.row]
        heapq.heappush(self.ends, (lease.end_time, lease_id))

    def pop_overdue(self, now: datetime) -> list[str]:
        """Forget leases that ended long ago; return the open ones that are overdue."""
        overdue: dict[str, None] = {}
        while self.ends and self.ends[0][0] <= now:
            end_time, lease_id = heapq.heappop(self.ends)
            lease = self.leases.get(lease_id)
            if lease is None or lease.end_time != end_time:
                continue  # It ended earlier, or was renewed.
            if lease.is_open:
                overdue[lease_id] = None  # Once, if it was renewed to the same time.
            else:
                del self.leases[lease_id]
        return list(overdue)

    def progress(self) -> TaskProgress:
        counts = Counter(each.state for each in self.labels.values())
        contained = self.training.label_revision if self.training else self.head_revision
        promised = self.training.version if self.training else self.head_version
        if self.label_revision > contained and self.is_trainable:
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
            retired=counts[ClipState.RETIRED],
        )


@dataclass(slots=True)
class Tables:
    """All that a process keeps."""

    pools: dict[str, StoredPool] = field(default_factory=dict)
    tasks: dict[str, StoredTask] = field(default_factory=dict)


def to_millisecond(time: datetime) -> datetime:
    """Return a time as Redis is told it: none becomes a later one."""
    millisecond = timedelta(milliseconds=1)
    return _EPOCH + (time - _EPOCH) // millisecond * millisecond


def milliseconds(duration: timedelta) -> timedelta:
    """Round a duration as Redis is told it."""
    return timedelta(milliseconds=round(duration.total_seconds() * 1000))
