"""Splits and states of clips, the state of a pool, and kinds of events, in a task."""

from enum import Enum, IntEnum


class Split(Enum):
    """A clip's part in a task."""

    TRAIN = "train"
    """Open to queries; its label trains the head."""
    VALIDATION = "validation"
    """Watched each round; never queried."""
    TEST = "test"
    """Measures the result; never queried."""


class ClipState(IntEnum):
    """The state of a clip in a task; the first four are of split TRAIN.

    The numbers are those of the learner's arrays and of its store, not those of the wire.
    """

    UNLABELED = 0
    LEASED = 1
    LABELED = 2
    ABSTAINED = 3
    VALIDATION = 4
    TEST = 5
    RETIRED = 6
    """Deleted, or replaced by other content; of no split, and in no count."""


class PoolState(Enum):
    """Whether a task has clips to ask for."""

    OPEN = "open"
    ALL_LEASED = "all_leased"
    """Every clip left is held by an oracle; ask again later."""
    EXHAUSTED = "exhausted"
    """Every clip is answered."""
    BUDGET_SPENT = "budget_spent"
    """The label budget is spent, or reserved by leases."""
    ORACLE_LIMIT = "oracle_limit"
    """The oracle that asks holds as many clips as it may."""


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
    CLIPS_RETIRED = "clips_retired"
    LABELS_DROPPED = "labels_dropped"
    HEAD_PROMOTED = "head_promoted"
    HEAD_DEMOTED = "head_demoted"
    CLASSES_CHANGED = "classes_changed"
