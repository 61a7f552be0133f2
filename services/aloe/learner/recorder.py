"""The port to metrics: who hears where the time goes."""

from enum import Enum
from typing import Protocol


class Phase(Enum):
    """What a head takes time for."""

    READING = "reading"
    """From the store: the round's ticket, the log, the pool, the head before."""
    TRAINING = "training"
    EVALUATION = "evaluation"
    STATISTICS = "statistics"
    """The pass over the unlabeled clips that a stopping rule needs."""
    PUBLISHING = "publishing"
    """Writing the head and its round to the store."""
    SCORING = "scoring"
    """A query's pass over the unlabeled clips."""
    SELECTION = "selection"
    """Picking among them."""


class Recorder(Protocol):
    """Hears what happens, on the event loop: it must return at once."""

    def spent(self, phase: Phase, duration_s: float) -> None:
        """Hear how long something took for one head."""

    def queried(self, duration_s: float) -> None:
        """Hear how long a query took, waiting for a head not included."""


class NoRecorder(Recorder):
    """Forgets what it hears."""

    def spent(self, phase: Phase, duration_s: float) -> None:
        del phase, duration_s

    def queried(self, duration_s: float) -> None:
        del duration_s


class HeadTimes:
    """What this process spent on the last heads of a task, by phase."""

    def __init__(self, recorder: Recorder, kept_count: int = 1_000) -> None:
        self._recorder, self._kept_count = recorder, kept_count
        self._spent_s: dict[int, dict[Phase, float]] = {}

    def spent(self, head_version: int, phase: Phase, duration_s: float) -> None:
        """Note how long something took for a head."""
        self._recorder.spent(phase, duration_s)
        by_phase = self._spent_s.setdefault(head_version, {})
        by_phase[phase] = by_phase.get(phase, 0.0) + duration_s
        self._spent_s.pop(head_version - self._kept_count, None)

    def of(self, head_version: int) -> dict[Phase, float]:
        """Return the seconds by phase; phases that this process had no part in are missing."""
        return dict(self._spent_s.get(head_version, {}))
