"""One server and how it is called: what the sync and the asyncio runner have in common."""

from collections.abc import Sequence
from datetime import timedelta

import grpc

from aloe.client.calls.retry import OutageSchedule, RetrySchedule
from aloe.client.calls.translate import error_of_call, invalid_field
from aloe.client.errors import AloeError, Unavailable
from aloe.client.types import ConnectOptions
from aloe.wire.addresses import is_loopback


class StreamBroken(Exception):
    """A stream ended before its time; what its source raises is no such thing."""

    def __init__(self, error: AloeError) -> None:
        super().__init__(str(error))
        self.error = error


class Endpoint:
    """A target and the options of its calls."""

    def __init__(self, target: str, options: ConnectOptions) -> None:
        """Take `target`, "host:port".

        Raises:
            InvalidArgument: it is a URL.
        """
        if target.startswith(("http://", "https://")):
            raise invalid_field(
                "target", f"{target!r} is a URL; give host:port, as in 127.0.0.1:50061"
            )
        self.target = target
        self.metadata = tuple(options.metadata.items())
        self._options = options

    @property
    def max_message_bytes(self) -> int:
        return self._options.max_message_bytes

    @property
    def max_clip_bytes(self) -> int:
        """The size of a clip that, with what goes around it, still fits into a message."""
        return self._options.max_message_bytes * 15 // 16

    def channel_options(self) -> Sequence[tuple[str, int]]:
        chosen = [
            ("grpc.max_send_message_length", self._options.max_message_bytes),
            ("grpc.max_receive_message_length", self._options.max_message_bytes),
            # Retries are this library's own: they keep to one deadline and one request_id.
            ("grpc.enable_retries", 0),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
            # Not a backoff, for all its name: how long one attempt to connect may take.
            ("grpc.min_reconnect_backoff_ms", 2_000),
        ]
        if is_loopback(self.target):
            # A proxy set in the environment cannot reach this machine's own services.
            chosen.append(("grpc.enable_http_proxy", 0))
        return chosen

    def schedule(self, timeout: timedelta | None) -> RetrySchedule:
        """Start a call's schedule; None means the default timeout."""
        return RetrySchedule(
            self._options.timeout if timeout is None else timeout, self._options.on_repeat
        )

    def outage_schedule(self, timeout: timedelta | None) -> OutageSchedule:
        """Start a stream's schedule; None means the default timeout."""
        return OutageSchedule(
            self._options.timeout if timeout is None else timeout, self._options.on_repeat
        )

    def translate(self, error: grpc.RpcError, rpc: str) -> AloeError:
        return error_of_call(error, rpc=rpc, target=self.target)

    def ended_early(self, rpc: str) -> Unavailable:
        """What it means that a stream ended before its time, and nobody says why."""
        return Unavailable(f"{rpc} at {self.target} ended early", code="UNAVAILABLE")
