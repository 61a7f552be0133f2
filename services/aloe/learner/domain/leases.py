"""Leases and labels: what is asked of a store, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aloe.values.states import ClipState, PoolState
from aloe.values.strategies import QueryStrategy


@dataclass(frozen=True, slots=True)
class Pick:
    """A clip that a ranking proposes for a lease."""

    row: int
    score: float | None
    predicted_class: int
    """Class index, or NO_CLASS without a head."""


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A ranking to lease the first free clips of."""

    oracle_id: str
    ranking: Sequence[Pick]
    clip_count: int
    """Clips of the pool that the ranking was made on."""
    max_count: int
    duration: timedelta
    request_id: str
    head_version: int
    query_strategy: QueryStrategy | None
    """What made the ranking, for the log; None without a head."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A hold on a clip."""

    lease_id: str
    pick: Pick
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class LeaseOutcome:
    """What a lease request came to."""

    leases: tuple[Lease, ...]
    pool_state: PoolState
    head_version: int


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A label to be set by import."""

    row: int
    state: ClipState
    """LABELED, ABSTAINED, VALIDATION or TEST."""
    class_index: int
    """NO_CLASS for ABSTAINED."""
    oracle_id: str = ""
    """Who gave it, where that is known."""
    label_time: datetime | None = None
    """When it was given, where that is known; else it is the time of the import."""


@dataclass(frozen=True, slots=True)
class LabelsOutcome:
    """What set labels came to."""

    changed_count: int
    head_version: int | None
    """The head that will contain them, if one will."""
    label_count: int
    """Training labels of the task now."""


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label, or an abstention, as it is kept."""

    row: int
    state: ClipState
    class_index: int
    oracle_id: str
    label_time: datetime


class RankingTooShort(Exception):
    """Too few clips of a ranking were free, and others are; nothing was leased."""
