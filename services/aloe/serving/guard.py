"""What stands around each RPC: bounds on its requests, its turn, and the status of its failure."""

import inspect
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NoReturn

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from grpc_status import rpc_status

from aloe.admission.budget import Bound, Budget
from aloe.admission.gate import Gate, Place
from aloe.serving.heap import Trimmer
from aloe.serving.overload import OVERLOADED, OverloadLog
from aloe.serving.status import Status, StatusOf, status_of_anything
from aloe.wire.bounds import check_counts, max_request_bytes
from aloe.wire.errors import MalformedValue

_MAKERS: Any = {  # by whether the request and the response are streams
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


_GENERATED = "_pb2_grpc"
"""Ends the names of modules whose servicers do nothing but fail."""
_OPEN = Gate("calls", sys.maxsize)
_SMALL_BYTES = 65_536
"""Of a request: so many of these as there are places are no burden."""
_IN_WORK = {"bytes": Bound(1024**3, "", "send fewer at a time")}
"""Of larger ones, from their arrival to their answer."""
_S_PER_BYTE = 1e-8
"""How fast they make room again, about."""


class GuardedServer:
    """Takes the place of a server while handlers are added, and guards them.

    It wraps each handler once, when it is added. An interceptor would be asked at every call,
    which takes a tenth of the time of an empty call. Handlers get requests as bytes, so that a call
    for which there is no place costs as little as it can, and what cannot be read is told like any
    other fault.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        status_of: StatusOf,
        gates: Mapping[str, Gate],
        trimmer: Trimmer,
        overload: OverloadLog,
    ) -> None:
        """Take the server to add to, and gates by methods' names; others have no bound."""
        self._server, self._status_of, self._gates = server, status_of, gates
        self._trimmer, self._overload = trimmer, overload
        self._in_work = Budget(_IN_WORK, unit_s={"bytes": _S_PER_BYTE})

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Do nothing: generated code adds the same handlers by the method below as well."""

    def add_registered_method_handlers(
        self, service_name: str, handlers: Mapping[str, Any]
    ) -> None:
        """Add a service's handlers, by method.

        They are added as generic ones: gRPC goes through all registered methods at every call.
        Those that the servicer lacks, as of a newer protocol, are left to gRPC: UNIMPLEMENTED.
        """
        service = descriptor_pool.Default().FindServiceByName(service_name)
        wrapped = {
            method: self._wrap(
                handler,
                self._gates.get(method, _OPEN),
                _reader(handler, service.methods_by_name[method].input_type, self._trimmer),
            )
            for method, handler in handlers.items()
            if not _inner(handler).__module__.endswith(_GENERATED)
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service_name, wrapped),)
        )

    def _wrap(self, handler: Any, gate: Gate, read: Callable[[bytes], Message]) -> Any:
        inner = _inner(handler)
        take: Any = _reading(read) if handler.request_streaming else read
        # Health's Watch is no generator: it writes to its context.
        guard = self._streaming if inspect.isasyncgenfunction(inner) else self._unary
        make = _MAKERS[bool(handler.request_streaming), bool(handler.response_streaming)]
        return make(guard(inner, gate, take), response_serializer=handler.response_serializer)

    def _unary(self, inner: Any, gate: Gate, take: Callable[[Any], Any]) -> Any:
        async def call(request: Any, context: Any) -> Any:
            place, hold = None, None
            try:
                if isinstance(request, bytes) and len(request) > _SMALL_BYTES:
                    # First: what waits for its turn is held as well.
                    hold = self._in_work.take(bytes=len(request))
                place = gate.enter_now() or await _wait(gate, context)
                return await inner(take(request), context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001
                status = self._status(error, gate)
            finally:
                if place:
                    place.leave()
                if hold:
                    self._in_work.release(hold)
            request = None
            return await _abort(context, status)

        return call

    def _streaming(self, inner: Any, gate: Gate, take: Callable[[Any], Any]) -> Any:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            place = None
            try:
                place = gate.enter_now() or await _wait(gate, context)
                async for response in inner(take(request), context):
                    yield response
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001
                status = self._status(error, gate)
            else:
                return
            finally:
                if place:
                    place.leave()
            request = None
            await _abort(context, status)

        return call

    def _status(self, error: Exception, gate: Gate) -> Status:
        status = status_of_anything(error, self._status_of)
        if status.reason == OVERLOADED:
            self._overload.refused(gate, status.message)
        return status


def _inner(handler: Any) -> Any:
    """Return the servicer's method that a handler calls."""
    return (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )


async def _abort(context: Any, status: Status) -> NoReturn:
    """End a call with a status.

    Not while the exception is handled that led to it, and without the request: a call's context
    keeps what aborted it, that keeps the frames it came through, and these the context. The garbage
    collector, which counts objects and no bytes, would leave much in memory.
    """
    await context.abort_with_status(rpc_status.to_status(status.to_proto()))
    raise AssertionError  # abort always raises


async def _wait(gate: Gate, context: Any) -> Place:
    return await gate.enter(context.peer(), context.time_remaining())


def _reader(handler: Any, request: Descriptor, trimmer: Trimmer) -> Callable[[bytes], Message]:
    """Return what reads one message and checks its size, and the lengths of its lists."""
    decode, max_bytes = handler.request_deserializer, max_request_bytes(request)

    def read(data: bytes) -> Message:
        trimmer.took(len(data))
        if len(data) > max_bytes:
            raise MalformedValue(
                "", f"a {request.name} of {len(data):,} bytes; at most {max_bytes:,}: send several"
            )
        message: Message = decode(data)
        check_counts(message)
        return message

    return read


def _reading(
    read: Callable[[bytes], Message],
) -> Callable[[AsyncIterator[bytes]], AsyncIterator[Message]]:
    async def messages(stream: AsyncIterator[bytes]) -> AsyncIterator[Message]:
        async for data in stream:
            yield read(data)
            del data  # It is not held while the next message comes.

    return messages
