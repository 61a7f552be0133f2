"""Streams that stand still are ended, so that what they hold is there for others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from grpc_status import rpc_status

from aloe.serving.status import Status

M = TypeVar("M")


class IdleBound:
    """Ends a stream whose caller neither sends nor takes anything for `idle_s`.

    While the server works for it, it waits as long as that takes. For one event loop.
    """

    def __init__(self, context: Any, idle_s: float) -> None:
        self._context, self._idle_s = context, idle_s
        self._loop = asyncio.get_running_loop()
        self._moved_at = self._loop.time()

    def moved(self) -> None:
        """Take note that the caller sent or took something."""
        self._moved_at = self._loop.time()

    @contextmanager
    def watch(self, is_working: Callable[[], bool]) -> Iterator[None]:
        """Watch the call that runs in this task while the context lasts.

        Args:
            is_working: whether the server works for the call, and does not wait for its caller.
        """
        call = asyncio.current_task()
        assert call is not None  # noqa: S101 - gRPC runs each call in a task

        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal timer
            if is_working():
                self.moved()
            left_s = self._moved_at + self._idle_s - self._loop.time()
            if left_s <= 0:
                ending.append(self._loop.create_task(self._end(call)))
            else:
                timer = self._loop.call_later(left_s, look)

        ending: list[asyncio.Task[None]] = []  # asyncio itself does not keep a task alive
        timer = self._loop.call_later(self._idle_s, look)
        try:
            yield
        finally:
            timer.cancel()

    async def _end(self, call: "asyncio.Task[Any]") -> None:
        """Send a status and cancel the call, which may hang in a message that its caller takes not.

        The status waits behind that message, for as long as the connection lasts.
        """
        status = Status(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "STREAM_IDLE",
            f"nothing was sent or taken for {self._idle_s:g} s: open another stream once there is"
            " more to send",
        )
        abort = self._context.abort_with_status(rpc_status.to_status(status.to_proto()))
        sending = asyncio.ensure_future(abort)
        sending.add_done_callback(_forget)
        await asyncio.sleep(0)  # It is on its way.
        call.cancel()


async def while_taken(context: Any, idle_s: float, messages: AsyncIterator[M]) -> AsyncIterator[M]:
    """Yield what a call answers, as long as its caller takes each message within `idle_s`."""
    idle, is_working = IdleBound(context, idle_s), True
    with idle.watch(lambda: is_working):
        async for message in messages:
            idle.moved()
            is_working = False
            yield message
            is_working = True


def _forget(sending: "asyncio.Future[Any]") -> None:
    """Take what `abort` always raises, so that asyncio does not log it."""
    if not sending.cancelled():
        sending.exception()
