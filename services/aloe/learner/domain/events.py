"""A task's events, and the state of its clips that follows from them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.label_sets import UNKNOWN, ClassSet, ClassSets, Targets
from aloe.learner.domain.leases import Basis, Reason
from aloe.learner.domain.task import STATE_OF_SPLIT, Task
from aloe.values.states import ClipState, EventKind, Split
from aloe.values.strategies import QueryStrategy

RETRACTED = -2
"""In place of a class: the oracle takes its answer back."""
START_OF_LOG = "0-0"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a task's log."""

    event_id: str
    """ "milliseconds-number", ascending."""
    kind: EventKind
    rows: tuple[int, ...] = ()
    """The clips it concerns."""
    states: tuple[int, ...] = ()
    """ClipState of each row after the event."""
    class_indices: tuple[int, ...] = ()
    """Class of each row after the event, or NO_CLASS."""
    class_sets: tuple[ClassSet | None, ...] = ()
    """In tasks of several labels a clip: those of each row after the event, in place of a class;
    none where no row has any."""
    head_version: int = 0
    """HEAD_TRAINED and HEAD_PROMOTED: the head's. CLIPS_LEASED: of the head that ranked, 0 for
    none."""
    oracle_id: str = ""
    """Who leased, renewed, gave back or answered; empty for other kinds."""
    lease_ids: tuple[str, ...] = ()
    """CLIPS_LEASED, LEASES_RENEWED and CLIPS_ANSWERED: one per row."""
    scores: tuple[float | None, ...] = ()
    """CLIPS_LEASED: the score of each row; None without a head."""
    reasons: tuple[Reason | None, ...] = ()
    """CLIPS_LEASED: of each row what there is besides its score; none where there is nothing."""
    audits: tuple[bool, ...] = ()
    """CLIPS_LEASED, CLIPS_ANSWERED and LABELS_IMPORTED: whether each row was drawn at random; none
    where no row was."""
    query_strategy: QueryStrategy | None = None
    """CLIPS_LEASED: what ranked the other rows; None where nothing did."""
    basis: Basis | None = None
    """CLIPS_LEASED: of the ranking; None in events of older servers."""
    settings: Task | None = None
    """TASK_CREATED, TASK_UPDATED and CLASSES_CHANGED: from then on."""
    cutoff_event_id: str = ""
    """HEAD_TRAINED: the head has the labels as of this event; empty in events of older servers."""
    map_name: str = ""
    """HEAD_TRAINED: of the map that the head reads; empty for the embeddings."""
    promotion_id: str = ""
    """HEAD_PROMOTED and HEAD_DEMOTED: the name."""
    content_hashes: tuple[str, ...] = ()
    """CLIPS_LEASED, LEASES_RENEWED, CLIPS_ANSWERED and LABELS_IMPORTED: of the clip that each row
    was, empty where that is not known; none in events of older servers."""

    @property
    def size(self) -> int:
        """How many clips it concerns, those with several labels counted as ClassSet.weight says."""
        if not self.class_sets:
            return len(self.rows)
        return sum(each.weight if each else 1 for each in self.class_sets)


def content_key(content_hash: str) -> int:
    """Return a number for a content hash, 0 for none; it means nothing outside of this process."""
    return hash(content_hash) or 1 if content_hash else 0


def event_order(event_id: str) -> tuple[int, int]:
    """Return a key that sorts event ids."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number)


_MAX_STEPS = 4_096
"""More events than come between two heads in practice; older steps are forgotten."""
_MAX_STEP_ROWS = 1_000_000
"""Clips in all steps together, 22 bytes each."""
_LEARNED = (
    EventKind.CLIPS_ANSWERED,
    EventKind.LABELS_IMPORTED,
    EventKind.CLIPS_RETIRED,
    EventKind.LABELS_DROPPED,
    EventKind.CLASSES_CHANGED,
)


OF_CLIPS = (
    EventKind.CLIPS_LEASED,
    EventKind.LEASES_RENEWED,
    EventKind.CLIPS_ANSWERED,
    EventKind.LABELS_IMPORTED,
)
"""Those that say which clip each of their rows was."""


_UNANSWERED = ClipState.UNLABELED, ClipState.LEASED
_OF_TRAIN = *_UNANSWERED, ClipState.LABELED, ClipState.ABSTAINED


def are(states: NDArray[np.int8], kinds: Sequence[ClipState]) -> BoolArray:
    """Return which of some states, (n,) int8, are of these kinds: (n,) bool."""
    found: BoolArray = states == kinds[0]
    for kind in kinds[1:]:  # many times as fast as a table by state
        found |= states == kind
    return found


_LABELING = (EventKind.CLIPS_ANSWERED, EventKind.LABELS_IMPORTED)
_RETIRING = (EventKind.CLIPS_RETIRED, EventKind.LABELS_DROPPED)


@dataclass(frozen=True, slots=True)
class _Step:
    """The clips that an event changed, as they were before."""

    event_id: str
    rows: IntArray
    states: NDArray[np.int8]
    class_indices: NDArray[np.int32]
    content_keys: IntArray
    is_audit: BoolArray


class TaskView:
    """The state of a task's clips, folded from its event log. Not thread-safe.

    It can go back as far as the newest head. That is enough to train: a round is trained on the
    task as it was at its cutoff event, and the next round's cutoff is not before the newest head.
    """

    def __init__(self, clip_count: int) -> None:
        self.last_event_id = START_OF_LOG
        self.head_version = 0
        self.promoted: dict[str, int] = {}
        """The version of the head that has a name, by name."""
        self.states = np.zeros(clip_count, dtype=np.int8)
        """(n_clips,) int8, ClipState."""
        self.class_indices = np.full(clip_count, NO_CLASS, dtype=np.int32)
        """(n_clips,) int32, NO_CLASS where there is no label; in tasks of several labels a clip the
        number of its set in class_sets."""
        self.class_sets = ClassSets()
        self.content_keys = np.zeros(clip_count, dtype=np.int64)
        """(n_clips,) int64, content_key of the clip that a label or lease was given for, 0 where
        that is not known: where the store went back, the row may be another's by now."""
        self.is_audit = np.zeros(clip_count, dtype=np.bool_)
        """(n_clips,) bool, whether a label is that of a clip that was drawn at random"""
        self.last_lesson_id = START_OF_LOG
        """The newest event that gave, corrected or took off labels, or changed classes."""
        self.retired_count = 0
        """Rows in the state RETIRED."""
        self._steps: deque[_Step] = deque()
        self._step_row_count = 0
        self._steps_begin = START_OF_LOG
        """Every step after this event is remembered."""

    def grow(self, clip_count: int) -> None:
        """Add the clips that the pool gained, as unlabeled ones."""
        more = clip_count - len(self.states)
        if more > 0:
            self.states = np.r_[self.states, np.zeros(more, np.int8)]
            self.class_indices = np.r_[self.class_indices, np.full(more, NO_CLASS, np.int32)]
            self.content_keys = np.r_[self.content_keys, np.zeros(more, np.int64)]
            self.is_audit = np.r_[self.is_audit, np.zeros(more, np.bool_)]

    def apply(self, event: Event) -> None:
        """Apply the next event of the log."""
        if event.rows:
            rows = np.asarray(event.rows)
            self.grow(int(rows.max()) + 1)
            before = self.states[rows]
            self._remember(
                _Step(
                    event.event_id,
                    rows,
                    before,
                    self.class_indices[rows],
                    self.content_keys[rows],
                    self.is_audit[rows],
                )
            )
            self.states[rows] = event.states
            self.class_indices[rows] = self._indices_of(event)
            if event.kind in OF_CLIPS:
                self.content_keys[rows] = list(map(content_key, event.content_hashes)) or 0
            if event.kind in _LABELING:
                self.is_audit[rows] = event.audits or False
            if event.kind in _RETIRING:  # They name no row twice.
                is_retired = np.count_nonzero(self.states[rows] == ClipState.RETIRED)
                was_retired = np.count_nonzero(before == ClipState.RETIRED)
                self.retired_count += int(is_retired) - int(was_retired)
        if event.kind is EventKind.HEAD_TRAINED:
            self.head_version = event.head_version
            self._steps.clear()
            self._step_row_count = 0
            self._steps_begin = event.event_id
        elif event.kind in _LEARNED:
            self.last_lesson_id = event.event_id
        elif event.kind is EventKind.HEAD_PROMOTED:
            self.promoted[event.promotion_id] = event.head_version
        elif event.kind is EventKind.HEAD_DEMOTED:
            self.promoted.pop(event.promotion_id, None)
        self.last_event_id = event.event_id

    def cut(self, clip_count: int) -> None:
        """Leave the first clips only. It cannot go back from then on."""
        self.states, self.class_indices = self.states[:clip_count], self.class_indices[:clip_count]
        self.content_keys = self.content_keys[:clip_count]
        self.is_audit = self.is_audit[:clip_count]
        self._steps.clear()
        self._steps_begin = self.last_event_id

    def is_changed_after(self, event_id: str) -> bool:
        """Whether labels were given or lost, or classes changed, after an event."""
        return event_order(self.last_lesson_id) > event_order(event_id)

    def at(self, event_id: str) -> "TaskView | None":
        """Return the clips as of an event, or None if that is further back than it remembers.

        It is a copy, which the caller may use in any thread.
        """
        cutoff = event_order(event_id)
        if cutoff < event_order(self._steps_begin):
            return None
        copy = TaskView(0)
        copy.head_version, copy.last_event_id = self.head_version, event_id
        copy.states, copy.class_indices = self.states.copy(), self.class_indices.copy()
        copy.class_sets = self.class_sets  # What is there of it never changes.
        copy.content_keys, copy.is_audit = self.content_keys.copy(), self.is_audit.copy()
        for step in reversed(self._steps):
            if event_order(step.event_id) <= cutoff:
                break
            copy.states[step.rows] = step.states
            copy.class_indices[step.rows] = step.class_indices
            copy.content_keys[step.rows] = step.content_keys
            copy.is_audit[step.rows] = step.is_audit
        return copy

    def _indices_of(self, event: Event) -> Sequence[int]:
        """Return what stands for the labels of an event's rows."""
        if not event.class_sets:
            return event.class_indices
        return [
            index if classes is None else self.class_sets.number(classes)
            for index, classes in zip(event.class_indices, event.class_sets, strict=True)
        ]

    def _remember(self, step: _Step) -> None:
        self._steps.append(step)
        self._step_row_count += len(step.rows)
        while len(self._steps) > _MAX_STEPS or self._step_row_count > _MAX_STEP_ROWS:
            oldest = self._steps.popleft()
            self._step_row_count -= len(oldest.rows)
            self._steps_begin = oldest.event_id

    def unanswered_at_head(self) -> BoolArray:
        """Return which train clips had no answer when the newest head came, (n_clips,) bool.

        Those that have been retired, or become of another split since, are none.
        """
        unanswered = self.unanswered()
        for step in self._steps:
            unanswered[step.rows[are(step.states, _UNANSWERED)]] = True
        return unanswered & are(self.states, _OF_TRAIN)

    def rows_in(self, state: ClipState) -> IntArray:
        """Return the rows in a state, ascending: (n,) int64."""
        return np.flatnonzero(self.states == state)

    def unanswered_rows(self) -> IntArray:
        """Return the rows of train clips without an answer, leased ones included: (n,) int64."""
        return np.flatnonzero(self.unanswered())

    def unanswered(self) -> BoolArray:
        """Return which clips are train clips without an answer, (n_clips,) bool."""
        return are(self.states, _UNANSWERED)

    def asked_count(self) -> int:
        """Return how many train clips are leased, labeled or abstained."""
        is_asked = (self.states > ClipState.UNLABELED) & (self.states <= ClipState.ABSTAINED)
        return int(np.count_nonzero(is_asked))

    def labeled_rows(self, split: Split) -> tuple[IntArray, IntArray]:
        """Return rows and class indices of a split's labels, (n,) int64 each."""
        rows = self.rows_in(STATE_OF_SPLIT[split])
        return rows, self.class_indices[rows].astype(np.int64)

    def labeled_targets(self, split: Split, columns: IntArray) -> tuple[IntArray, Targets]:
        """Return rows of a split's labels, (n,) int64, and what these say, (n, n_columns) int8.

        In tasks of several labels a clip. Labels that say nothing are none of them.

        Args:
            split: which.
            columns: (n_classes,) int64, where each class counts; NO_CLASS for nowhere.
        """
        rows, numbers = self.labeled_rows(split)
        targets = self.class_sets.targets(numbers, columns)
        says_any: BoolArray = (targets != UNKNOWN).any(axis=1)
        return rows[says_any], targets[says_any]
