"""Runs operations on a channel in an event loop; as SyncRunner otherwise."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any, TypeVar

import grpc

from aloe.client.asyncio.ending import Ending, is_cancelled_by_caller
from aloe.client.calls.endpoint import Endpoint
from aloe.client.calls.retry import OutageSchedule, RetrySchedule
from aloe.client.errors import AloeError
from aloe.client.operations.operation import (
    Listing,
    ListOperation,
    Operation,
    Page,
    StreamOperation,
)
from aloe.client.types import ConnectOptions

T = TypeVar("T")


class AsyncRunner:
    """A channel and the one way to make calls on it; the tasks of one event loop may share it."""

    def __init__(self, stub_kind: Any, target: str, options: ConnectOptions) -> None:
        self.endpoint = Endpoint(target, options)
        self._channel = grpc.aio.insecure_channel(target, self.endpoint.channel_options())
        self._stub = stub_kind(self._channel)
        self._is_closed = False

    async def close(self) -> None:
        self._is_closed = True
        await self._channel.close()

    def start(self, rpc: str, argument: Any, *, timeout_s: float | None) -> Any:
        """Make one attempt; what comes back is to be awaited or iterated over."""
        return getattr(self._stub, rpc)(
            argument, timeout=timeout_s, metadata=self.endpoint.metadata
        )

    async def failure(
        self,
        rpc: str,
        raised: grpc.RpcError | asyncio.CancelledError,
        ending: Ending | None = None,
    ) -> AloeError:
        """Return why an attempt failed; `ending` is for calls that stream their requests.

        Raises:
            CancelledError: it did not: its caller was cancelled, or the client closed.
        """
        if isinstance(raised, asyncio.CancelledError):
            if self._is_closed or is_cancelled_by_caller():
                raise raised
            return self.endpoint.ended_early(rpc)
        status: Any = raised if ending is None else await ending.status(raised)
        if status.code() is grpc.StatusCode.OK:
            return self.endpoint.ended_early(rpc)
        return self.endpoint.translate(status, rpc)

    async def run(self, operation: Operation[T], timeout: timedelta | None) -> T:
        """Make a call, again while that may help and there is time."""
        operation.check_size(self.endpoint.max_message_bytes)
        schedule = self.endpoint.schedule(timeout)
        while True:
            call = self.start(
                operation.rpc, operation.argument(), timeout_s=schedule.attempt_timeout_s()
            )
            ending = Ending(call) if operation.streams_requests else None
            try:
                response = await call
            except (grpc.RpcError, asyncio.CancelledError) as raised:
                failure = await self.failure(operation.rpc, raised, ending)
                await asyncio.sleep(schedule.delay_s(operation.failure(failure)))
            else:
                return operation.result(response)

    async def run_divided(
        self, operations: Iterator[Operation[T]], timeout: timedelta | None
    ) -> AsyncIterator[T]:
        """Make the calls that a list was divided among; most often it is one."""
        first, second = await asyncio.to_thread(
            lambda: (next(operations, None), next(operations, None))
        )
        if first is not None and second is not None:
            async for each in self.run_in_turn(chain((first, second), operations), timeout):
                yield each
        elif first is not None:
            yield await self.run(first, timeout)

    async def run_in_turn(
        self, operations: Iterator[Operation[T]], timeout: timedelta | None
    ) -> AsyncIterator[T]:
        """Make calls one after the other; the next is made ready, off the loop, while one runs.

        Where the next one cannot be made ready, the running call is still waited for and its
        result yielded (or its error raised) before that error is raised; an interrupt cancels the
        running call instead. The timeout is that of each call.
        """
        running: asyncio.Task[T] | None = None
        try:
            while True:
                try:
                    operation = await asyncio.to_thread(next, operations, None)
                except Exception:
                    if running is not None:
                        yield await running
                    raise
                if running is not None:
                    yield await running
                if operation is None:
                    return
                running = asyncio.create_task(self.run(operation, timeout))
        finally:
            if running is not None:
                running.cancel()

    async def pages(
        self, operation: ListOperation[T], timeout: timedelta | None
    ) -> AsyncIterator[T]:
        """Get a list page by page; the timeout is that of one page."""
        async for page in self._pages(operation, timeout):
            for item in page.items:
                yield item

    async def collect(self, operation: ListOperation[T], timeout: timedelta | None) -> Listing[T]:
        """Get a whole list."""
        pages = [page async for page in self._pages(operation, timeout)]
        return Listing(
            (item for page in pages for item in page.items),
            (each for page in pages for each in page.unreadable),
        )

    async def _pages(
        self, operation: ListOperation[T], timeout: timedelta | None
    ) -> AsyncIterator[Page[T]]:
        page_token = ""
        while True:
            page = await self.run(operation(page_token), timeout)
            yield page
            page_token = page.next_token
            if not page_token:
                return

    async def stream(
        self, operation: StreamOperation[T], timeout: timedelta | None
    ) -> AsyncIterator[T]:
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
                async for response in call:
                    schedule.progressed()
                    for last in operation.fresh_items(response, seen):
                        yield last
                if not operation.is_endless:
                    return
                delay_s = schedule.delay_s(self.endpoint.ended_early(operation.rpc))
            except (grpc.RpcError, asyncio.CancelledError) as raised:
                delay_s = schedule.delay_s(await self.failure(operation.rpc, raised))
            finally:
                call.cancel()
            await asyncio.sleep(delay_s)
