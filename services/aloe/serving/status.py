"""The status of a failed call."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from aloe.admission.errors import Overloaded, TooMuch
from aloe.wire.errors import ERROR_DOMAIN, MalformedValue

# A status travels in HTTP/2 headers, of which gRPC takes 8 KiB by default: a longer one would be
# lost. The message is in there twice, once of them percent-encoded.
_MAX_MESSAGE_BYTES = 800
_MAX_DESCRIPTION_BYTES = 400
_MAX_VIOLATIONS_BYTES = 2_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request."""

    field: str
    """Its path, such as "task.classes" or "clips[3].audio"."""
    description: str
    """What was wrong, with the value, and what would be right."""


@dataclass(frozen=True, slots=True)
class Status:
    """A failure in the terms of google.rpc."""

    code: grpc.StatusCode
    reason: str
    """An ErrorReason without its prefix."""
    message: str
    violations: tuple[FieldViolation, ...] = ()
    retry_after_s: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_proto(self) -> status_pb2.Status:
        """Write it with its ErrorInfo, BadRequest and RetryInfo, cut to what headers can carry."""
        details = [
            error_details_pb2.ErrorInfo(
                reason=self.reason, domain=ERROR_DOMAIN, metadata=dict(self.metadata)
            )
        ]
        packed = [_pack(detail) for detail in details]
        if self.violations:
            packed.append(_pack(_bad_request(self.violations)))
        if self.retry_after_s is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(max(1, round(self.retry_after_s * 1000)))
            packed.append(_pack(error_details_pb2.RetryInfo(retry_delay=delay)))
        return status_pb2.Status(
            code=code_pb2.Code.Value(self.code.name),
            message=_shortened(self.message, _MAX_MESSAGE_BYTES),
            details=packed,
        )


StatusOf = Callable[[Exception], Status | None]
"""Makes a status of an exception that a service foresees; None for any other, a defect."""


def status_of_anything(error: Exception, status_of: StatusOf) -> Status:
    """Make a status of any exception; one that the service does not foresee is logged: INTERNAL."""
    match error:
        case DecodeError():  # Of a request: services read no other messages themselves.
            return _invalid(f"unreadable: {error}")
        case MalformedValue():  # Of a request, before the service has seen it.
            return _invalid(str(error), FieldViolation(error.field, error.description))
        case TooMuch():
            return _invalid(str(error), FieldViolation(error.field, str(error)))
        case Overloaded():
            return Status(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "OVERLOADED",
                str(error),
                retry_after_s=error.retry_after_s,
            )
    status = status_of(error)
    if status is None:
        _log.error("unexpected %s", type(error).__name__, exc_info=error)
        status = Status(
            grpc.StatusCode.INTERNAL, "INTERNAL", "a defect of the server; its log has the trace"
        )
    return status


def _invalid(message: str, *violations: FieldViolation) -> Status:
    """Blame fields of a request; a violation without one is of the request, and in the message."""
    blamed = tuple(violation for violation in violations if violation.field)
    return Status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT", message, blamed)


def _pack(detail: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _bad_request(violations: tuple[FieldViolation, ...]) -> error_details_pb2.BadRequest:
    message = error_details_pb2.BadRequest()
    for violation in violations:
        message.field_violations.add(
            field=_shortened(violation.field, _MAX_DESCRIPTION_BYTES),
            description=_shortened(violation.description, _MAX_DESCRIPTION_BYTES),
        )
        if message.ByteSize() > _MAX_VIOLATIONS_BYTES:
            del message.field_violations[-1]
            break
    return message


def _shortened(text: str, max_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    return encoded[: max_bytes - 3].decode(errors="ignore") + "..."
