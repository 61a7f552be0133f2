"""Clips to be labeled, and their labels."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.labels import Label
from aloe.values.states import PoolState, Split


@dataclass(frozen=True, slots=True)
class KnownLabel:
    """A label that is known already: a seed label, or that of a validation or test clip."""

    clip_id: str
    label: Label | None
    """A class, or in tasks of several labels a clip a set; None for an abstention."""
    split: Split = Split.TRAIN
    oracle_id: str = ""
    """Who gave it, where that is known."""
    label_time: datetime | None = None
    """When it was given, where that is known."""
    is_audit: bool = False
    """Whether the clip was drawn at random, and not because a head was unsure of it."""


@dataclass(frozen=True, slots=True)
class ImportLabelsResult:
    """What became of imported labels."""

    changed_count: int
    head_version: int | None
    """The head that will contain the seed labels, if one will."""
    replaced_count: int = 0
    """Of the changed ones, those that replaced another answer."""
    divided_recordings: tuple[str, ...] = ()
    """Recordings with windows both of split TRAIN and of another, where the labels made that so;
    scores are then better than on other recordings. The first thousand of each call."""


@dataclass(frozen=True, slots=True)
class PickReason:
    """Why a query strategy that looks at how clips lie to each other picked a clip."""

    gain: float | None
    """What it was best in, by the rule, None where nothing bounds it; of herding, the part of the
    pool that it newly covers; on the pool's graph, the part that a label of it takes off what is
    unknown there."""
    nearest_clip_id: str | None
    """The labeled clip that is nearest; None without any, or of very many."""
    nearest_distance: float | None
    """To that, Euclidean, of what the head reads."""
    text: str
    """The same in words, in English."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One oracle's exclusive, expiring hold on a clip."""

    lease_id: str
    clip_id: str
    uri: str
    expire_time: datetime
    predicted_class: str
    """Of several labels a clip the likeliest one; empty without a head."""
    score: float | None
    """What it was ranked by; None without a head, and for audits where that is on a graph."""
    duration: timedelta | None = None
    """How long the recording is, where that is known."""
    is_audit: bool = False
    """Whether the clip was drawn at random; see create_task's audit_share."""
    reason: PickReason | None = None
    """Why it was picked, besides its score."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """What is known of the clip, by name."""
    recording_id: str = ""
    """Of the recording that the clip is a window of; empty where it is a file of its own."""
    start: timedelta | None = None
    """Where it begins in its recording."""
    end: timedelta | None = None
    """Where it ends there."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The clips to label, the most informative one first."""

    leases: tuple[Lease, ...]
    pool_state: PoolState
    head_version: int
    """The head that ranked them; 0 for none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An oracle's answer for one clip."""

    lease_id: str
    label: Label | None
    """One of the task's classes, or one that was merged, or in tasks of several labels a clip a
    set; None abstains."""
    retracted: bool = False
    """Instead of a label: what was answered under this lease is taken back."""


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """What became of submitted answers."""

    head_version: int | None
    """The head that will contain them, if one will."""
    label_count: int


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label as the task keeps it."""

    clip_id: str
    uri: str
    label: Label | None
    """One of the task's classes, or one that is retired, or in tasks of several labels a clip a
    set, which leaves out the classes of which holds what the task says of them; None for an
    abstention."""
    split: Split
    oracle_id: str
    """Who answered; empty where an import did not say."""
    label_time: datetime
    is_audit: bool = False
    """Whether the clip was drawn at random; see create_task's audit_share."""
    given_label: str | None = None
    """The class that was given, where that was merged into `label` since."""
    is_retired: bool = False
    """Whether the class is retired: the label trains no head."""
