"""Runs operations on a channel, blocking."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import grpc

from aloe.client._endpoint import Endpoint
from aloe.client._operations.operation import ListOperation, Operation, StreamOperation
from aloe.client._retry import OutageSchedule, RetrySchedule
from aloe.client.types import ConnectOptions

T = TypeVar("T")


class SyncRunner:
    """A channel and the one way to make calls on it; threads may share it."""

    def __init__(self, stub_kind: Any, target: str, options: ConnectOptions) -> None:
        self.endpoint = Endpoint(target, options)
        self._channel = grpc.insecure_channel(target, self.endpoint.channel_options())
        self._stub = stub_kind(self._channel)

    def close(self) -> None:
        self._channel.close()

    def start(self, rpc: str, argument: Any, *, timeout_s: float | None) -> Any:
        """Make one attempt; what comes back is the response, or the stream of them."""
        return getattr(self._stub, rpc)(
            argument, timeout=timeout_s, metadata=self.endpoint.metadata
        )

    def run(self, operation: Operation[T], timeout: timedelta | None) -> T:
        """Make a call, again while that may help and there is time."""
        return self._finish(operation, self.endpoint.schedule(timeout), None)

    def run_in_turn(
        self, operations: Iterable[Operation[T]], timeout: timedelta | None
    ) -> Iterator[T]:
        """Make calls one after the other; the next is made ready while one runs.

        The timeout is that of each call.
        """
        finish: Callable[[], T] | None = None
        call = None
        try:
            for operation in operations:
                if finish is not None:
                    yield finish()
                schedule = self.endpoint.schedule(timeout)
                call = self._begin(operation, schedule)
                finish = partial(self._finish, operation, schedule, call)
            if finish is not None:
                yield finish()
        finally:
            if call is not None:
                call.cancel()

    def _begin(self, operation: Operation[T], schedule: RetrySchedule) -> Any:
        """Make one attempt in the background."""
        return getattr(self._stub, operation.rpc).future(
            operation.argument(),
            timeout=schedule.attempt_timeout_s(),
            metadata=self.endpoint.metadata,
        )

    def _finish(self, operation: Operation[T], schedule: RetrySchedule, call: Any) -> T:
        """Wait for an attempt, if one was begun; make others while that may help."""
        while True:
            try:
                if call is None:
                    response = self.start(
                        operation.rpc, operation.argument(), timeout_s=schedule.attempt_timeout_s()
                    )
                else:
                    response = call.result()
            except grpc.RpcError as error:
                call = None
                time.sleep(schedule.delay_s(self.endpoint.translate(error, operation.rpc)))
            else:
                return operation.result(response)

    def pages(self, operation: ListOperation[T], timeout: timedelta | None) -> Iterator[T]:
        """Get a list page by page; the timeout is that of one page."""
        page_token = ""
        while True:
            page = self.run(operation(page_token), timeout)
            yield from page.items
            page_token = page.next_token
            if not page_token:
                return

    def collect(self, operation: ListOperation[T], timeout: timedelta | None) -> tuple[T, ...]:
        """Get a whole list."""
        return tuple(self.pages(operation, timeout))

    def stream(self, operation: StreamOperation[T], timeout: timedelta | None) -> Iterator[T]:
        """Read a stream, taking it up again where it breaks."""
        schedule: RetrySchedule | OutageSchedule = (
            self.endpoint.outage_schedule(timeout)
            if operation.is_endless
            else self.endpoint.schedule(timeout)
        )
        seen: set[str] = set()
        while True:
            call = self.start(
                operation.rpc, operation.request, timeout_s=schedule.attempt_timeout_s()
            )
            try:
                for response in call:
                    schedule.progressed()
                    yield from operation.fresh_items(response, seen)
                if not operation.is_endless:
                    return
                delay_s = schedule.delay_s(self.endpoint.ended_early(operation.rpc))
            except grpc.RpcError as error:
                delay_s = schedule.delay_s(self.endpoint.translate(error, operation.rpc))
            finally:
                call.cancel()
            time.sleep(delay_s)
