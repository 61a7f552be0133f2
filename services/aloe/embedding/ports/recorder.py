"""The port to metrics: a recorder is told what the service does."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BatchReport:
    """The size of a batch and the time it took, for estimates and metrics."""

    encoder_id: str
    clip_count: int
    row_count: int
    sample_count: int
    """Canonical length of its clips."""
    heard_sample_count: int
    """Samples that came from clips; the rest of rows times samples is padding."""
    queue_s: Sequence[float]
    """How long each clip waited."""
    duration_s: float


class Lookup(Enum):
    """Where the embedding of a clip was found, if anywhere."""

    MEMORY = "memory"
    SHARED = "shared"
    """Found in the cache that servers share."""
    JOINED = "joined"
    """The clip was running already, for another caller."""
    MISS = "miss"


class Recorder(Protocol):
    """Is told what happens. Called on the event loop, so it must return at once."""

    def batch(self, report: BatchReport) -> None:
        """Hear of a batch that ran."""

    def decoded(self, encoder_id: str, duration_s: float) -> None:
        """Hear how long the clips of a call, or of a part of a stream, took to decode."""

    def looked_up(self, encoder_id: str, lookup: Lookup) -> None:
        """Hear whether the embedding of a clip was known."""


class NoRecorder(Recorder):
    """Keeps nothing."""

    def batch(self, report: BatchReport) -> None:
        del report

    def decoded(self, encoder_id: str, duration_s: float) -> None:
        del encoder_id, duration_s

    def looked_up(self, encoder_id: str, lookup: Lookup) -> None:
        del encoder_id, lookup
