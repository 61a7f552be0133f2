"""How calls are made, and what was wrong with a part of what was sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from aloe.values.audio import AudioWarning


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How calls are made."""

    timeout: timedelta = timedelta(seconds=30)
    """Deadline of a call, its retries included."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Sent with every call."""
    max_message_bytes: int = 64 * 1024 * 1024
    on_repeat: Callable[[Exception], None] | None = None
    """Told of each failure, an AloeError, after which a call is repeated; may be called by any
    thread."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class InputFailure:
    """Why nothing was predicted for one input."""

    index: int
    """Its place among the inputs."""
    name: str
    """The path, the clip's id, or the place, as in "audio[3]"."""
    reason: str
    """An ErrorReason, such as "INVALID_INPUT"."""
    message: str
    violations: tuple[FieldViolation, ...] = ()


@dataclass(frozen=True, slots=True)
class InputWarnings:
    """What was found in a recording that was predicted for all the same."""

    index: int
    """Its place among the inputs."""
    name: str
    """The path, or the place, as in "audio[3]"."""
    warnings: tuple[AudioWarning, ...]


@dataclass(frozen=True, slots=True)
class ClipFailure:
    """Why one clip of an import or a stream could not be taken."""

    clip_id: str
    reason: str
    """An ErrorReason, such as "INVALID_INPUT"."""
    message: str
    violations: tuple[FieldViolation, ...] = ()
