"""What the service raises, as statuses of gRPC."""

from collections.abc import Sequence

import grpc

from aloe.admission.errors import ShuttingDown
from aloe.embedding.domain import errors
from aloe.serving.status import FieldViolation, Status

_CODES = {
    errors.EncoderNotFound: (grpc.StatusCode.NOT_FOUND, "ENCODER_NOT_FOUND"),
    # Not UNAVAILABLE: clients would retry at once, and every retry would load it again.
    errors.EncoderNotLoaded: (grpc.StatusCode.FAILED_PRECONDITION, "ENCODER_UNAVAILABLE"),
    errors.EncoderMismatch: (grpc.StatusCode.FAILED_PRECONDITION, "ENCODER_MISMATCH"),
    errors.DeadlineExpired: (grpc.StatusCode.DEADLINE_EXCEEDED, "OVERLOADED"),
    ShuttingDown: (grpc.StatusCode.UNAVAILABLE, "ENCODER_UNAVAILABLE"),
    errors.DecoderNotStarted: (grpc.StatusCode.UNAVAILABLE, "ENCODER_UNAVAILABLE"),
}


def status_of(error: Exception) -> Status | None:
    """Translate what the embedding service raises; None for a defect."""
    if violations := _violations(error):
        return _invalid(violations)
    if type(error) not in _CODES:
        return None
    code, reason = _CODES[type(error)]
    return Status(code, reason, str(error))


def _violations(error: Exception) -> list[FieldViolation]:
    if isinstance(error, errors.InvalidClips):
        return [
            FieldViolation(_join(f"clips[{index}]", fault.field), str(fault))
            for index, fault in error.faults
        ]
    if isinstance(error, errors.InvalidAudio):
        return [FieldViolation(_join("audio", error.field), str(error))]
    if isinstance(error, errors.InvalidRequest):
        return [FieldViolation(error.field, str(error))]
    return []


def _invalid(violations: Sequence[FieldViolation]) -> Status:
    message = "; ".join(f"{item.field}: {item.description}" for item in violations[:3])
    if len(violations) > 3:  # the status's details list all of them
        message += f"; and {len(violations) - 3} more"
    return Status(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT", message, violations=tuple(violations)
    )


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if field else path
