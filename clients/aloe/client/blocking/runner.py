"""Runs operations on a channel, blocking."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import grpc

from aloe.client.blocking.background_call import Attempt, BackgroundCall, Sleep
from aloe.client.calls.endpoint import Endpoint
from aloe.client.calls.retry import OutageSchedule, RetrySchedule
from aloe.client.operations.operation import (
    Listing,
    ListOperation,
    Operation,
    Page,
    StreamOperation,
)
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
        return self._run(operation, timeout, self.start, time.sleep)

    def run_divided(
        self, operations: Iterator[Operation[T]], timeout: timedelta | None
    ) -> Iterator[T]:
        """Make the calls that a list was divided among; most often it is one, made at once."""
        first, second = next(operations, None), next(operations, None)
        if first is not None and second is not None:
            yield from self.run_in_turn(chain((first, second), operations), timeout)
        elif first is not None:
            yield self.run(first, timeout)

    def run_in_turn(
        self, operations: Iterator[Operation[T]], timeout: timedelta | None
    ) -> Iterator[T]:
        """Make calls one after the other; the next is made ready while one runs.

        Where the next one cannot be made ready, the running call is still waited for and its
        result yielded (or its error raised) before that error is raised; an interrupt cancels the
        running call instead. The timeout is that of each call.
        """
        running: BackgroundCall[T] | None = None
        try:
            while True:
                try:
                    operation = next(operations, None)
                except Exception:
                    if running is not None:
                        yield running.result()
                    raise
                if running is not None:
                    yield running.result()
                if operation is None:
                    return
                running = BackgroundCall(partial(self._run, operation, timeout), self._begin)
        finally:
            if running is not None:
                running.cancel()

    def _run(
        self, operation: Operation[T], timeout: timedelta | None, attempt: Attempt, sleep: Sleep
    ) -> T:
        operation.check_size(self.endpoint.max_message_bytes)
        schedule = self.endpoint.schedule(timeout)
        while True:
            try:
                response = attempt(
                    operation.rpc, operation.argument(), timeout_s=schedule.attempt_timeout_s()
                )
            except grpc.RpcError as error:
                failure = operation.failure(self.endpoint.translate(error, operation.rpc))
                sleep(schedule.delay_s(failure))
            else:
                return operation.result(response)

    def _begin(self, rpc: str, argument: Any, *, timeout_s: float | None) -> Any:
        """Begin one attempt; what comes back is its future."""
        return getattr(self._stub, rpc).future(
            argument, timeout=timeout_s, metadata=self.endpoint.metadata
        )

    def pages(self, operation: ListOperation[T], timeout: timedelta | None) -> Iterator[T]:
        """Get a list page by page; the timeout is that of one page."""
        for page in self._pages(operation, timeout):
            yield from page.items

    def collect(self, operation: ListOperation[T], timeout: timedelta | None) -> Listing[T]:
        """Get a whole list."""
        pages = list(self._pages(operation, timeout))
        return Listing(
            (item for page in pages for item in page.items),
            (each for page in pages for each in page.unreadable),
        )

    def _pages(self, operation: ListOperation[T], timeout: timedelta | None) -> Iterator[Page[T]]:
        page_token = ""
        while True:
            page = self.run(operation(page_token), timeout)
            yield page
            page_token = page.next_token
            if not page_token:
                return

    def stream(self, operation: StreamOperation[T], timeout: timedelta | None) -> Iterator[T]:
        """Read a stream, taking it up again where it breaks."""
        schedule: RetrySchedule | OutageSchedule = (
            self.endpoint.outage_schedule(timeout)
            if operation.is_endless
            else self.endpoint.schedule(timeout)
        )
        seen: set[str] = set()
        last: T | None = None
        while True:
            request = operation.request_after(last)
            call = self.start(operation.rpc, request, timeout_s=schedule.attempt_timeout_s())
            try:
                for response in call:
                    schedule.progressed()
                    for last in operation.fresh_items(response, seen):
                        yield last
                if not operation.is_endless:
                    return
                delay_s = schedule.delay_s(self.endpoint.ended_early(operation.rpc))
            except grpc.RpcError as error:
                delay_s = schedule.delay_s(self.endpoint.translate(error, operation.rpc))
            finally:
                call.cancel()
            time.sleep(delay_s)
