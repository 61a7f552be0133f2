"""From google.rpc statuses and gRPC failures to the errors of this library."""

from datetime import timedelta
from typing import Any

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from aloe.client import errors
from aloe.client.calls.core_status import is_stream_gone
from aloe.client.types import ClipFailure, FieldViolation
from aloe.wire.errors import ERROR_DOMAIN

_BY_CODE: dict[str, type[errors.AloeError]] = {
    "INVALID_ARGUMENT": errors.InvalidArgument,
    "NOT_FOUND": errors.NotFound,
    "ALREADY_EXISTS": errors.AlreadyExists,
    "FAILED_PRECONDITION": errors.FailedPrecondition,
    "ABORTED": errors.Aborted,
    "RESOURCE_EXHAUSTED": errors.ResourceExhausted,
    "DATA_LOSS": errors.DataLoss,
    "UNAVAILABLE": errors.Unavailable,
    "DEADLINE_EXCEEDED": errors.DeadlineExceeded,
    "INTERNAL": errors.Internal,
    "UNKNOWN": errors.Internal,
}
_BY_REASON: dict[str, type[errors.AloeError]] = {
    "ENCODER_MISMATCH": errors.EncoderMismatch,
    "LEASE_LOST": errors.LeaseLost,
    "HEAD_NOT_TRAINED": errors.HeadNotTrained,
}


def invalid_field(field: str, description: str) -> errors.InvalidArgument:
    """An argument that is refused before it is sent."""
    return errors.InvalidArgument(
        f"{field}: {description}",
        code="INVALID_ARGUMENT",
        reason="INVALID_INPUT",
        violations=(FieldViolation(field, description),),
    )


def error_of_call(error: grpc.RpcError, *, rpc: str, target: str) -> errors.AloeError:
    """Translate what a stub raised."""
    # Every error that a stub raises is a Call too, which its type does not say.
    call: Any = error
    status = _servers_word(call)
    if status is not None:
        translated = error_of_status(status)
    else:
        translated = _error_of_core(call.code(), call.details() or "", rpc=rpc, target=target)
    translated.__cause__ = error
    return translated


def _servers_word(call: Any) -> status_pb2.Status | None:
    """Return the status with the reasons that a server of this project gives; None without them."""
    try:
        status: status_pb2.Status | None = rpc_status.from_call(call)
    except ValueError:  # details of another status than the call's own
        return None
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            return status
    return None


def _error_of_core(
    code: grpc.StatusCode, details: str, *, rpc: str, target: str
) -> errors.AloeError:
    if is_stream_gone(code, details):
        code = grpc.StatusCode.UNAVAILABLE
    return error_of_status(
        status_pb2.Status(
            code=code_pb2.Code.Value(code.name),
            message=_explain(code, details, rpc=rpc, target=target),
        )
    )


def error_of_status(status: status_pb2.Status) -> errors.AloeError:
    """Translate a status with its ErrorInfo, BadRequest and RetryInfo."""
    code = code_pb2.Code.Name(status.code)
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry_after: timedelta | None = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta()
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, errors.AloeError)
    if kind is errors.ResourceExhausted and retry_after is not None:
        kind = errors.Overloaded
    return kind(
        status.message,
        code=code,
        reason=info.reason,
        violations=tuple(
            FieldViolation(violation.field, violation.description)
            for violation in bad_request.field_violations
        ),
        metadata=info.metadata,
        retry_after=retry_after,
    )


def failure_of_error(clip_id: str, error: errors.AloeError) -> ClipFailure:
    """The same, where one clip fails and the call goes on."""
    return ClipFailure(
        clip_id=clip_id,
        reason=error.reason or error.code,
        message=error.message,
        violations=error.violations,
    )


def _explain(code: grpc.StatusCode, details: str, *, rpc: str, target: str) -> str:
    if code is grpc.StatusCode.UNAVAILABLE:
        return f"cannot reach {target} for {rpc}; is the service running there? ({details})"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"{rpc} at {target} did not end within its timeout; give it a longer one"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return f"{target} does not know {rpc}; is it the right service, of the same version?"
    return f"{rpc} at {target} failed: {details}"
