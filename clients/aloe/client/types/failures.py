"""What was wrong with a part of what was sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class ClipFailure:
    """Why one clip of an import could not be taken."""

    clip_id: str
    reason: str
    """An ErrorReason, such as "INVALID_INPUT"."""
    message: str
    violations: tuple[FieldViolation, ...] = ()
