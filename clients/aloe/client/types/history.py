"""What happened to a task."""

from dataclasses import dataclass
from datetime import datetime

from aloe.client.types.labeling import PickReason
from aloe.client.types.tasks import TaskClass
from aloe.values.labels import Label
from aloe.values.states import ClipState, EventKind
from aloe.values.strategies import QueryStrategy


@dataclass(frozen=True, slots=True)
class ClipChange:
    """What became of one clip in an event."""

    clip_id: str
    state: ClipState
    label: Label | None
    """Its class after the event, as it was given, by its name now; in tasks of several labels a
    clip a set."""
    lease_id: str
    score: float | None
    """CLIPS_LEASED: what it was ranked by."""
    clip_number: int = 0
    """The clip's place in the order of import; unlike its id it never passes to another clip."""
    is_audit: bool = False
    """CLIPS_LEASED, CLIPS_ANSWERED and LABELS_IMPORTED: whether the clip was drawn at random."""
    reason: PickReason | None = None
    """CLIPS_LEASED: why it was picked, besides its score."""


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
    """HEAD_TRAINED and HEAD_PROMOTED: the head's. CLIPS_LEASED: of the head that ranked, 0 for
    none."""
    query_strategy: QueryStrategy | None
    """CLIPS_LEASED: what ranked the clips; None where nothing did. Herding with a function on the
    pool's graph is herding in its place."""
    promotion_id: str = ""
    """HEAD_PROMOTED and HEAD_DEMOTED: the name."""
    cutoff_event_id: str = ""
    """HEAD_TRAINED: the head was trained on the labels as of this event; empty where the server was
    an older one."""
    map_name: str = ""
    """HEAD_TRAINED: of the pool's map that the head reads; empty for the embedding itself."""
    class_details: tuple[TaskClass, ...] = ()
    """CLASSES_CHANGED: the classes from then on."""


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """Something that came out otherwise when a task's log was done again."""

    event_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TaskReplay:
    """How far the replay of a task's log is, and what was found so far."""

    event_count: int
    """Events that were done again."""
    total_event_count: int
    head_count: int
    """Heads that were trained again and compared."""
    pick_count: int
    """Picks that were made again and compared."""
    unknown_count: int
    """Heads and picks that cannot be: the log or the store has not what they rest on."""
    unknown_text: str
    """Why, of the first of them."""
    difference_count: int
    """Heads and picks that came out otherwise."""
    differences: tuple[ReplayDifference, ...]
    """The first of them."""
