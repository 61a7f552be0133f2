"""Leases and labels: requests to a store, and their outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.pool import Clip
from aloe.values.states import ClipState, PoolState
from aloe.values.strategies import QueryStrategy


class Reason(NamedTuple):
    """Why a rule that looks at how clips lie to each other picked a clip."""

    gain: float | None
    """What it was best in when it was picked, None where nothing bounds it; of HERDING, the part of
    the pool that it covers and nothing labeled or leased does, weighted by how unsure the head is
    there; of functions on the pool's graph, the score as a part of what is unknown there, see
    graphs.acquisition.unknown, and None for a clip that is not on it yet."""
    nearest_row: int
    """Of the labeled clip that is nearest; -1 for none."""
    nearest_distance: float | None
    """To that, Euclidean, of what the head reads."""


class Pick(NamedTuple):
    """A clip that a ranking proposes for a lease; a tuple, since each query makes some dozens."""

    row: int
    score: float | None
    predicted_class: int
    """Class index, or NO_CLASS without a head."""
    content_hash: str = ""
    """Of the clip; empty in leases of older servers."""
    is_audit: bool = False
    """Whether it was drawn at random, and not by the query strategy."""
    reason: Reason | None = None
    """None where it is the score alone."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a ranking rests on besides head and query strategy, so that it can be made again."""

    event_id: str
    """The last event of the task that it knew."""
    row_count: int
    """Rows that the pool had, retired ones too."""
    retired_count: int
    """Those that had been retired: the first ones, in the order in which they were."""
    batch_size: int
    """How many clips were asked for."""
    most: int
    """How many were ranked, if there were so many."""
    map_name: str
    """Of the map that was read; empty for the embeddings, and where nothing was read."""
    choice: str = ""
    """What the query left to choose from, where that is not all: it cannot be made again, since it
    rests on more than the log tells."""
    mark: str = ""
    """Of the pool's last change that it knew: a store that goes back may lose it. Empty in older
    logs."""


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A ranking to lease the first free clips of."""

    oracle_id: str
    ranking: Sequence[Pick]
    basis: Basis
    max_count: int
    duration: timedelta
    request_id: str
    head_version: int
    query_strategy: QueryStrategy | None
    """What made the ranking, for the log; None where nothing did, as before a head."""
    is_complete: bool = False
    """Whether the ranking has every clip that the query leaves to choose from."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A hold on a clip."""

    lease_id: str
    pick: Pick
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class LeaseOutcome:
    """The outcome of a lease request."""

    leases: tuple[Lease, ...]
    pool_state: PoolState
    head_version: int
    query_strategy: QueryStrategy | None = None
    """What made the ranking; None without one, and of requests that older servers answered."""


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
    content_hash: str = ""
    """Of the clip that it is for."""
    is_audit: bool = False
    """Whether that was drawn at random."""
    class_set: ClassSet | None = None
    """In tasks of several labels a clip, in place of a class."""


@dataclass(frozen=True, slots=True)
class LabelsOutcome:
    """The outcome of setting labels."""

    changed_count: int
    head_version: int | None
    """The head that will contain them; None where training labels are unchanged or of one class."""
    label_count: int
    """Training labels of the task now."""
    replaced_count: int = 0
    """Of an import: labels that replaced another answer."""
    divided_recordings: tuple[str, ...] = ()
    """Of an import: recordings of whose windows some are to learn from and others to judge by."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A label to import that differs from what is stored."""

    place: int
    """Of the label among those to import."""
    state: ClipState
    class_index: int
    oracle_id: str
    class_set: ClassSet | None = None
    """What is stored."""


class LabelsDiffer(Exception):
    """Labels to import differ from what is stored; nothing was stored."""

    def __init__(self, conflicts: Sequence[Conflict], count: int) -> None:
        """Take the first conflicts, by place, and how many there are."""
        super().__init__(f"{count} labels differ from what is stored: {conflicts}")
        self.conflicts, self.count = tuple(conflicts), count


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label or an abstention, as the store keeps it."""

    row: int
    state: ClipState
    """LABELED, ABSTAINED, VALIDATION or TEST."""
    class_index: int
    """NO_CLASS for ABSTAINED."""
    oracle_id: str
    """Empty where an import did not say."""
    label_time: datetime
    content_hash: str = ""
    """Of the clip that it was given for; empty in labels of older servers."""
    is_audit: bool = False
    """Whether that was drawn at random."""
    class_set: ClassSet | None = None
    """In tasks of several labels a clip, in place of a class."""

    def is_for(self, clip: Clip) -> bool:
        """Whether it may have been given for a clip, which has its row now."""
        return self.content_hash in ("", clip.content_hash)


class RankingTooShort(Exception):
    """A ranking that is not complete had too few free clips, while others outside it are free.

    Nothing was leased.
    """
