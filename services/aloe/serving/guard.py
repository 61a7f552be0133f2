"""What stands around each RPC: bounds on its requests, its turn, and the status of its failure."""

import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from grpc_status import rpc_status

from aloe.admission.budget import Bound, Budget, Hold
from aloe.admission.gate import Gate, Place
from aloe.serving.heap import Trimmer
from aloe.serving.overload import OVERLOADED, OverloadLog
from aloe.serving.receiving import Receiving
from aloe.serving.status import Status, StatusOf, status_of_anything
from aloe.wire.bounds import check_counts, max_request_bytes
from aloe.wire.errors import MalformedValue
from aloe.wire.scanning import check_field_count

_GENERATED = "_pb2_grpc"
"""Ends the names of modules whose servicers do nothing but fail."""
_OPEN = Gate("calls", sys.maxsize)
_SMALL_BYTES = 16 * 1024
"""Of a request: so many of these as may wait are no burden."""
_TIMES_HELD = 4
"""Parsing copies what a request holds, and so may what reads it; gRPC lets go of its own late."""
_IN_WORK = {"bytes": Bound(1536 * 1024**2, "", "send fewer at a time")}
"""Of larger ones, so many times, from their arrival to their answer."""
_THIS_MACHINE = ("ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D", "unix")
_S_PER_BYTE = 1e-8
"""How fast they make room again, about."""


class GuardedServer:
    """Takes the place of a server while handlers are added, and guards them.

    It wraps each handler once, when it is added. An interceptor would be asked at every call,
    which takes a tenth of the time of an empty call. To gRPC all requests are streams, of bytes, as
    they are on the wire: so a request is received within bounds, what cannot be read is told like
    any other fault, and gRPC keeps none of it while the call goes on.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        status_of: StatusOf,
        gates: Mapping[str, Gate],
        *,
        trimmer: Trimmer,
        overload: OverloadLog,
        receiving: Receiving,
    ) -> None:
        """Take the server to add to, and gates by methods' names; others have no bound."""
        self._server, self._status_of, self._gates = server, status_of, gates
        self._trimmer, self._overload, self._receiving = trimmer, overload, receiving
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
        begin = (
            _beginning(gate, read)
            if handler.request_streaming
            else self._receiving_first(gate, read)
        )
        # Health's Watch is no generator: it writes to its context.
        guard = self._streaming if inspect.isasyncgenfunction(inner) else self._unary
        make: Any = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make(guard(inner, gate, begin), response_serializer=handler.response_serializer)

    def _receiving_first(self, gate: Gate, read: Callable[[bytes], Message]) -> "_Begin":
        async def begin(_: AsyncIterator[bytes], context: Any, running: _Running) -> Message:
            data = await self._receiving.receive(context)
            if len(data) > _SMALL_BYTES:
                # Before its turn: what waits is held as well.
                running.hold = self._in_work, self._in_work.take(bytes=_TIMES_HELD * len(data))
            running.place = gate.enter_now() or await _wait(gate, context)
            return read(data)

        return begin

    def _unary(self, inner: Any, gate: Gate, begin: "_Begin") -> Any:
        async def call(stream: AsyncIterator[bytes], context: Any) -> Any:
            running = _Running()
            try:
                return await inner(await begin(stream, context, running), context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001
                status = self._status(error, gate)
            finally:
                running.end()
            return await _abort(context, status)

        return call

    def _streaming(self, inner: Any, gate: Gate, begin: "_Begin") -> Any:
        async def call(stream: AsyncIterator[bytes], context: Any) -> AsyncIterator[Any]:
            running = _Running()
            try:
                async for response in inner(await begin(stream, context, running), context):
                    yield response
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001
                status = self._status(error, gate)
            else:
                return
            finally:
                running.end()
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


class _Running:
    """What a call takes while it runs."""

    __slots__ = ("hold", "place")

    def __init__(self) -> None:
        self.place: Place | None = None
        self.hold: tuple[Budget, Hold] | None = None

    def end(self) -> None:
        """Give it back."""
        if self.place:
            self.place.leave()
        if self.hold:
            budget, hold = self.hold
            budget.release(hold)


_Begin = Callable[[AsyncIterator[bytes], Any, _Running], Awaitable[Any]]
"""Takes a place for a call and returns what its handler reads: its request, or a stream of them."""


def _beginning(gate: Gate, read: Callable[[bytes], Message]) -> _Begin:
    async def begin(
        stream: AsyncIterator[bytes], context: Any, running: _Running
    ) -> AsyncIterator[Message]:
        running.place = gate.enter_now() or await _wait(gate, context)
        return _reading(read, stream)

    return begin


async def _abort(context: Any, status: Status) -> NoReturn:
    """End a call with a status.

    Not while the exception is handled that led to it, and without the request: a call's context
    keeps what aborted it, that keeps the frames it came through, and these the context. The garbage
    collector, which counts objects and no bytes, would leave much in memory.
    """
    await context.abort_with_status(rpc_status.to_status(status.to_proto()))
    raise AssertionError  # abort always raises


async def _wait(gate: Gate, context: Any) -> Place:
    return await gate.enter(caller_of(context), context.time_remaining())


def caller_of(context: Any) -> str:
    """Return whose call it is: a machine's, or one connection's of this machine.

    Machines take turns, however many connections each has; of this one nothing tells programs apart
    but their connections.
    """
    peer: str = context.peer()
    host, colon, _ = peer.rpartition(":")
    return host if colon and not host.startswith(_THIS_MACHINE) else peer


def _reader(handler: Any, request: Descriptor, trimmer: Trimmer) -> Callable[[bytes], Message]:
    """Return what reads one message and checks its size, and the lengths of its lists."""
    decode, max_bytes = handler.request_deserializer, max_request_bytes(request)

    def read(data: bytes) -> Message:
        trimmer.took(len(data))
        if len(data) > max_bytes:
            raise MalformedValue(
                "request",
                f"a {request.name} of {len(data):,} bytes; at most {max_bytes:,} are taken",
            )
        check_field_count(data, request)
        message: Message = decode(data)
        check_counts(message)
        return message

    return read


async def _reading(
    read: Callable[[bytes], Message], stream: AsyncIterator[bytes]
) -> AsyncIterator[Message]:
    async for data in stream:
        yield read(data)
        del data  # It is not held while the next message comes.
