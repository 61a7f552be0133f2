"""The port to metrics: where the time of a head and of a query goes."""

from collections.abc import Collection
from enum import Enum
from typing import Protocol


class Phase(Enum):
    """A part of the work on one head."""

    READING = "reading"
    """Reading what a round needs from the store: its ticket, the log, the pool, the head before."""
    TRAINING = "training"
    EVALUATION = "evaluation"
    STATISTICS = "statistics"
    """Judging the unlabeled clips and estimating accuracy, in a round; what ranks the clips is made
    ready meanwhile, if this process does that."""
    PUBLISHING = "publishing"
    """Writing the head and its round to the store."""
    SCORING = "scoring"
    """A query's pass over the unlabeled clips that the round has not scored."""
    SELECTION = "selection"
    """Picking among them."""


class Recorder(Protocol):
    """Is told what happened, on the event loop: its methods must return at once."""

    def spent(self, phase: Phase, duration_s: float) -> None:
        """Record how long a phase took for one head."""

    def queried(self, duration_s: float) -> None:
        """Record how long a query took, without the time it waited for a head."""

    def store_warned(self, kinds: Collection[str]) -> None:
        """Record what about the store may cost labels now; no kinds: nothing any more."""

    def store_went_back(self) -> None:
        """Record that a pool or task was found in an earlier state than was seen of it."""

    def labels_dropped(self, count: int) -> None:
        """Record that labels or leases were taken off clips which they had not been given for."""


class NoRecorder(Recorder):
    """Records nothing."""

    def spent(self, phase: Phase, duration_s: float) -> None:
        del phase, duration_s

    def queried(self, duration_s: float) -> None:
        del duration_s

    def store_warned(self, kinds: Collection[str]) -> None:
        del kinds

    def store_went_back(self) -> None:
        """Record nothing."""

    def labels_dropped(self, count: int) -> None:
        del count


class HeadTimes:
    """What this process spent on the last heads of a task, by phase."""

    def __init__(self, recorder: Recorder, kept_count: int = 1_000) -> None:
        self._recorder, self._kept_count = recorder, kept_count
        self._spent_s: dict[int, dict[Phase, float]] = {}

    def spent(self, head_version: int, phase: Phase, duration_s: float) -> None:
        """Record how long a phase took for a head; phases in parts add up."""
        self._recorder.spent(phase, duration_s)
        by_phase = self._spent_s.setdefault(head_version, {})
        by_phase[phase] = by_phase.get(phase, 0.0) + duration_s
        self._spent_s.pop(head_version - self._kept_count, None)

    def of(self, head_version: int) -> dict[Phase, float]:
        """Return the seconds by phase; phases that ran elsewhere or not at all are missing."""
        return dict(self._spent_s.get(head_version, {}))
