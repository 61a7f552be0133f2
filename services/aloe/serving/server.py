"""A gRPC server that binds a port of its own, tells its health and drains before it ends."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from aloe.admission.gate import Gate
from aloe.admission.stream_gate import StreamGate
from aloe.serving.guard import GuardedServer
from aloe.serving.heap import Trimmer
from aloe.serving.native_log import silenced
from aloe.serving.overload import OverloadLog
from aloe.serving.receiving import Receiving
from aloe.serving.status import StatusOf

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_MAX_PENDING_CALL_COUNT = 100_000
_MAX_HEALTH_WATCHER_COUNT = 10_000
_MAX_REFLECTION_COUNT = 100


def _has_caller(record: logging.LogRecord) -> bool:
    """Whether a log record is of anything but an answer that came after its caller had gone."""
    error = record.exc_info[0] if record.exc_info else None
    return error is None or error.__name__ != "ExecuteBatchError"


def _own_gates() -> Mapping[str, Gate]:
    """Return the gates of health and reflection; who asks for health once is never refused."""
    return {
        "Watch": StreamGate("watchers of health", _MAX_HEALTH_WATCHER_COUNT),
        "ServerReflectionInfo": StreamGate("reflections", _MAX_REFLECTION_COUNT),
    }


class AddressInUse(Exception):
    """The address to listen on is taken or not one of this machine's."""


@dataclass(frozen=True, slots=True)
class Service:
    """One gRPC service."""

    full_name: str
    servicer: Any
    add_to_server: Callable[[Any, Any], None]
    """The generated function."""
    gates: Mapping[str, Gate]
    """What bounds how many calls work at a time, for each method by its name."""
    remedy: str = ""
    """What an operator can do whose service has to refuse calls."""


class RpcServer:
    """Serves some services on one address."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        status_of: StatusOf,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        logging.getLogger("grpc._cython.cygrpc").addFilter(_has_caller)
        self._names = [service.full_name for service in services]
        self._health = health.aio.HealthServicer()
        self._trimmer, self._receiving = Trimmer(), Receiving()
        self._server = grpc.aio.server(
            options=[
                # A second server on the port must fail, not share it.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", max_message_bytes),
                # The client pings every 30 s; the default allows one in 300 s.
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                # What callers send before it is read has a window of fixed size: the one
                # that gRPC tunes by itself grows to many megabytes a stream.
                ("grpc.http2.bdp_probe", 0),
                # By default gRPC cancels calls at random, without a word, once 1,000 wait. They are
                # to reach the service, which says that it is full and when to try again.
                ("grpc.server.max_pending_requests", _MAX_PENDING_CALL_COUNT),
                ("grpc.server.max_pending_requests_hard_limit", _MAX_PENDING_CALL_COUNT),
            ],
        )
        for service in services:
            service.add_to_server(
                service.servicer, self._guarded(status_of, service.gates, service.remedy)
            )
        guarded = self._guarded(status_of, _own_gates())
        health_pb2_grpc.add_HealthServicer_to_server(self._health, guarded)
        reflected = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        add_reflection: Callable[[Any, Any], None] = (
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server
        )
        add_reflection(reflection.aio.ReflectionServicer(reflected), guarded)

    def _guarded(self, status_of: StatusOf, gates: Mapping[str, Gate], remedy: str = "") -> Any:
        return GuardedServer(
            self._server,
            status_of,
            gates,
            trimmer=self._trimmer,
            overload=OverloadLog(remedy),
            receiving=self._receiving,
        )

    async def start(self, address: str) -> str:
        """Listen on "host:port" (port 0: any free one) and return the address with its port.

        Health says NOT_SERVING until set_serving().

        Raises:
            AddressInUse: the address cannot be bound.
        """
        try:
            # gRPC's own log would say at length what our one line says.
            with silenced():
                port = self._server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        wanted = address.rpartition(":")[2]
        # Of a port past 65,535 gRPC takes the lower bits.
        if port == 0 or (wanted.isdecimal() and int(wanted) not in (0, port)):
            raise AddressInUse(
                f"cannot listen on {address}: it is taken or not of this machine; give another"
            )
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.start()
        return f"{address.rpartition(':')[0]}:{port}"

    async def set_serving(self) -> None:
        """Let health say SERVING."""
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, *, drain_s: float) -> None:
        """Refuse new calls and give those that run `drain_s` seconds to end."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(drain_s)

    async def _set_health(self, state: int) -> None:
        for name in ["", *self._names]:
            await self._health.set(name, state)
