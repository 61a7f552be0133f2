"""The status of a failed call, and the wrapping of handlers that sends it."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from aloe.wire.errors import ERROR_DOMAIN

# A status travels in HTTP/2 headers, of which gRPC takes 8 KiB by default: a longer one would be
# lost. The message is in there twice, once of them percent-encoded.
_MAX_MESSAGE_BYTES = 800
_MAX_DESCRIPTION_BYTES = 400
_MAX_VIOLATIONS_BYTES = 2_000

_MAKERS: Any = {  # by whether the request and the response are streams
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}

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
    if isinstance(error, DecodeError):  # Of a request: services read no other messages themselves.
        return Status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT", f"unreadable: {error}")
    status = status_of(error)
    if status is None:
        _log.error("unexpected %s", type(error).__name__, exc_info=error)
        status = Status(
            grpc.StatusCode.INTERNAL, "INTERNAL", "a defect of the server; its log has the trace"
        )
    return status


class GuardedServer:
    """Takes the place of a server while handlers are added, and makes their exceptions statuses.

    It wraps each handler once, when it is added. An interceptor would be asked at every call,
    which takes a tenth of the time of an empty call.
    """

    def __init__(self, server: grpc.aio.Server, status_of: StatusOf) -> None:
        self._server, self._status_of = server, status_of

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Do nothing: generated code adds the same handlers by the method below as well."""

    def add_registered_method_handlers(
        self, service_name: str, handlers: Mapping[str, Any]
    ) -> None:
        """Add a service's handlers, by method.

        They are added as generic ones: gRPC goes through all registered methods at every call.
        """
        wrapped = {method: self._wrap(handler) for method, handler in handlers.items()}
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service_name, wrapped),)
        )

    def _wrap(self, handler: Any) -> Any:
        streaming = handler.unary_stream or handler.stream_stream
        wrapped: Any = (
            self._streaming(streaming)
            if handler.response_streaming
            else self._unary(handler.unary_unary or handler.stream_unary)
        )
        make = _MAKERS[bool(handler.request_streaming), bool(handler.response_streaming)]
        return make(
            wrapped,
            request_deserializer=(
                # What is wrong in a stream is raised where the handler reads it.
                handler.request_deserializer
                if handler.request_streaming
                else _decode_or_error(handler.request_deserializer)
            ),
            response_serializer=handler.response_serializer,
        )

    def _unary(self, inner: Any) -> Any:
        async def call(request: Any, context: Any) -> Any:
            try:
                return await inner(_readable(request), context)
            except Exception as error:  # noqa: BLE001
                await self._abort(context, error)

        return call

    def _streaming(self, inner: Any) -> Any:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            try:
                async for response in inner(_readable(request), context):
                    yield response
            except Exception as error:  # noqa: BLE001
                await self._abort(context, error)

        return call

    async def _abort(self, context: Any, error: Exception) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        status = status_of_anything(error, self._status_of)
        await context.abort_with_status(rpc_status.to_status(status.to_proto()))
        raise AssertionError  # abort always raises


def _decode_or_error(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return an error instead of raising it: gRPC would make it UNKNOWN, without details."""

    def decode_or_error(data: bytes) -> Any:
        try:
            return decode(data)
        except DecodeError as error:
            return error

    return decode_or_error


def _readable(request: Any) -> Any:
    if isinstance(request, DecodeError):
        raise request
    return request


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
