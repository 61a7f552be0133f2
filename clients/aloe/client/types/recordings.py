"""Recordings of any length, and what is cut out of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aloe.client.types.calls import ClipFailure
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import DEFAULT_DECODING, NOTHING_FOUND, AudioReport, Decoding


@dataclass(frozen=True, slots=True)
class PoolRecording:
    """A recording of a pool, of which windows are clips."""

    recording_id: str
    content_hash: str
    create_time: datetime
    byte_count: int = 0
    uri: str = ""
    decoding: Decoding = DEFAULT_DECODING
    """How it was read last."""
    report: AudioReport = NOTHING_FOUND
    """What was found in it then."""
    duration: timedelta | None = None
    """None until all of it was decoded."""
    decoded: timedelta = timedelta()
    """How far it was decoded at most, as far as that was written down."""
    problem: str = ""
    """Why the last import of it ended early; empty where it did not, or was killed."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """What else is known of it, by name; its windows have these as well."""
    window_count: int = 0
    """Clips that are windows of it."""


@dataclass(frozen=True, slots=True)
class RecordingProgress:
    """How far the import of a recording is."""

    decoded: timedelta
    promised: timedelta | None
    """About how long the recording says it is."""
    window_count: int
    """Windows that were cut out so far."""
    stored_count: int
    """Those of them that are clips of the pool, whatever becomes of the import."""


@dataclass(frozen=True, slots=True)
class RecordingSummary:
    """What became of the import of a recording."""

    recording: PoolRecording
    """Where it has a problem, all that comes before was taken."""
    imported_count: int
    """Windows that are new."""
    existing_count: int
    """Windows that were there already."""
    failures: tuple[ClipFailure, ...]
    """Windows that could not be taken, the first thousand."""
    failed_count: int


@dataclass(frozen=True, slots=True)
class DeletedRecordings:
    """What a deletion did."""

    recording_count: int
    window_count: int
    """Windows that are gone."""
