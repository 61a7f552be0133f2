"""What happened to a task, and the state that follows from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.task import STATE_OF_SPLIT
from aloe.values import ClipState, EventKind, QueryStrategy, Split

NO_CLASS = -1
RETRACTED = -2
"""In place of a class: the oracle takes its answer back."""
START_OF_LOG = "0-0"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log: clips that changed their state, or a new head."""

    event_id: str
    """ "milliseconds-number", ascending."""
    kind: EventKind
    rows: tuple[int, ...] = ()
    states: tuple[int, ...] = ()
    """ClipState of each row after the event."""
    class_indices: tuple[int, ...] = ()
    """Class of each row after the event, or NO_CLASS."""
    head_version: int = 0
    """HEAD: the head's. LEASED: of the head that ranked, 0 for none."""
    oracle_id: str = ""
    lease_ids: tuple[str, ...] = ()
    """One per row, where oracles are concerned."""
    scores: tuple[float | None, ...] = ()
    """LEASED: what each row was ranked by."""
    query_strategy: QueryStrategy | None = None
    """LEASED: what ranked the rows; None where no head did."""


def event_order(event_id: str) -> tuple[int, int]:
    """Return what sorts event ids."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number)


class TaskView:
    """The state of a task's clips, folded from its event log. Not for several threads."""

    def __init__(self, clip_count: int) -> None:
        self.last_event_id = START_OF_LOG
        self.head_version = 0
        self.states = np.zeros(clip_count, dtype=np.int8)
        """(n_clips,) int8, ClipState."""
        self.class_indices = np.full(clip_count, NO_CLASS, dtype=np.int32)
        """(n_clips,) int32, NO_CLASS where there is no label."""

    def grow(self, clip_count: int) -> None:
        """Take up clips that were added to the pool, as unlabeled ones."""
        more = clip_count - len(self.states)
        if more > 0:
            self.states = np.r_[self.states, np.zeros(more, np.int8)]
            self.class_indices = np.r_[self.class_indices, np.full(more, NO_CLASS, np.int32)]

    def apply(self, event: Event) -> None:
        """Take the next event of the log."""
        if event.rows:
            rows = np.asarray(event.rows)
            self.grow(int(rows.max()) + 1)
            self.states[rows] = event.states
            self.class_indices[rows] = event.class_indices
        if event.kind is EventKind.HEAD_TRAINED:
            self.head_version = event.head_version
        self.last_event_id = event.event_id

    def rows_in(self, state: ClipState) -> NDArray[np.int64]:
        """Return the rows in a state, ascending: (n,) int64."""
        return np.flatnonzero(self.states == state)

    def unanswered_rows(self) -> NDArray[np.int64]:
        """Return the rows of train clips without an answer, leased ones included: (n,) int64."""
        is_open = (self.states == ClipState.UNLABELED) | (self.states == ClipState.LEASED)
        return np.flatnonzero(is_open)

    def labeled_rows(self, split: Split) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows and class indices of a split's labels, (n,) int64 each."""
        rows = self.rows_in(STATE_OF_SPLIT[split])
        return rows, self.class_indices[rows].astype(np.int64)
