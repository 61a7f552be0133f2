"""What happened to a task."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class EventKind(Enum):
    """What happened to a task."""

    TASK_CREATED = "task_created"
    TASK_UPDATED = "task_updated"
    CLIPS_LEASED = "clips_leased"
    LEASES_RENEWED = "leases_renewed"
    LEASES_RELEASED = "leases_released"
    LEASES_EXPIRED = "leases_expired"
    CLIPS_ANSWERED = "clips_answered"
    LABELS_IMPORTED = "labels_imported"
    HEAD_TRAINED = "head_trained"


class ClipState(Enum):
    """What a clip is to a task at a moment."""

    UNLABELED = "unlabeled"
    LEASED = "leased"
    LABELED = "labeled"
    ABSTAINED = "abstained"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class ClipChange:
    """What became of one clip in an event."""

    clip_id: str
    state: ClipState
    label: str | None
    """Its class after the event."""
    lease_id: str
    score: float | None
    """CLIPS_LEASED: what it was ranked by."""


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Something that happened to a task; its state follows from all of them."""

    event_id: str
    event_time: datetime
    kind: EventKind
    oracle_id: str
    """Empty where it was nobody's doing."""
    changes: tuple[ClipChange, ...]
    head_version: int
    """HEAD_TRAINED: the head's. CLIPS_LEASED: of the head that ranked, 0 for none."""
    query_strategy: str
    """CLIPS_LEASED: by which strategy."""
