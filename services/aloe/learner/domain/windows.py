"""Recordings of any length, and the windows of them that are clips."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from aloe.learner.domain.errors import RecordingNotFound
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import DEFAULT_DECODING, NOTHING_FOUND, AudioReport, Decoding

MAX_RECORDING_ID_LENGTH = 96
"""Shorter than other ids: times go behind it in those of its windows."""
_MICROSECONDS = 1_000_000
_HASH_LENGTH = 32
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a recording that a clip is."""

    recording_id: str
    start_s: float
    """A whole number of microseconds, as is the end."""
    end_s: float

    def is_near(self, other: "Window", spacing_s: float) -> bool:
        """Whether both are of one recording, and overlap or lie closer together than so much."""
        if self.recording_id != other.recording_id:
            return False
        gap_s = max(self.start_s, other.start_s) - min(self.end_s, other.end_s)
        return round(gap_s, 6) < spacing_s or round(gap_s, 6) < 0


@dataclass(frozen=True, slots=True)
class Recording:
    """A file as it was made, of any length; kept once, whatever is cut out of it."""

    recording_id: str
    content_hash: str
    """Of the file, without the choice of a channel: that of a clip of the whole file."""
    create_time: datetime
    byte_count: int = 0
    uri: str = ""
    """Where it lies, as given at import; may be empty."""
    decoding: Decoding = DEFAULT_DECODING
    """How it was read last."""
    report: AudioReport = NOTHING_FOUND
    """What was found in it then."""
    duration_s: float | None = None
    """Known once all of it was decoded."""
    decoded_s: float = 0.0
    """How far it was decoded at most, as far as that was written down."""
    problem: str = ""
    """Why the last import of it ended early; empty where it did not, or was killed."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """What else is known of it; its windows have these as well."""


def window_of(recording_id: str, first: int, end: int, sample_rate_hz: int) -> Window:
    """Return the window from one frame to another, of which the last one is behind it."""
    times = (round(frame * _MICROSECONDS / sample_rate_hz) for frame in (first, end))
    start_s, end_s = (time / _MICROSECONDS for time in times)
    return Window(recording_id, start_s, end_s)


def frames_of(window: Window, sample_rate_hz: int) -> tuple[int, int]:
    """Return the frames of a window: what window_of was given, up to a rate of 1 MHz."""
    return round(window.start_s * sample_rate_hz), round(window.end_s * sample_rate_hz)


def window_id(window: Window) -> str:
    """Return the id of a window's clip: "night~5000-10000", in ms, with their parts if any."""
    return f"{window.recording_id}~{_milliseconds(window.start_s)}-{_milliseconds(window.end_s)}"


def window_hash(
    recording: Recording, decoding: Decoding, first: int, end: int, padding: int
) -> str:
    """Return the content hash of a window by what it is cut out of: 32 hexadecimal digits.

    The same part of the same file under another id is another window: each recording has its own.

    Args:
        recording: the recording.
        decoding: which channel of it is heard is part of the hash.
        first: the first frame.
        end: the first one behind it.
        padding: how many zeros follow.
    """
    source = f"{recording.recording_id} {recording.content_hash} {decoding.channel_text}"
    text = f"window\0{source} {first} {end} {padding}"
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def no_recordings(pool_id: str, recording_ids: list[str]) -> RecordingNotFound:
    """Say that a pool does not hold some recordings."""
    shown = ", ".join(map(repr, recording_ids[:_MOST_SHOWN]))
    more = len(recording_ids) - _MOST_SHOWN
    return RecordingNotFound(
        f"pools/{pool_id} holds no recording {shown}{f' and {more:,} more' if more > 0 else ''}"
    )


def _milliseconds(seconds: float) -> str:
    microseconds = round(seconds * _MICROSECONDS)
    whole, rest = divmod(microseconds, 1_000)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)
