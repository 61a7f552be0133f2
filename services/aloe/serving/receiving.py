"""Requests while they come: quick ones freely, those that take long up to a number and a time."""

import asyncio
from dataclasses import dataclass
from itertools import islice
from typing import Any

import grpc

from aloe.admission.errors import Overloaded
from aloe.wire.errors import MalformedValue

SLOW_COUNT, QUICK_S, LONGEST_S = 16, 1.0, 60.0
_RETRY_S = 5.0


@dataclass(eq=False, slots=True)
class _Coming:
    """A request that has not come whole."""

    call: "asyncio.Task[object]"
    began: float
    refusal: Exception | None = None


class Receiving:
    """Receives the one request of each call.

    gRPC does not tell how much of a message has come, and buffers what has: a caller who stalls in
    the middle of a large one holds as much memory as a message may have. For one event loop.
    """

    def __init__(
        self,
        *,
        slow_count: int = SLOW_COUNT,
        quick_s: float = QUICK_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        """Set the bounds.

        Args:
            slow_count: how many requests may take longer than `quick_s`; of more, those that
                stall longest are refused.
            quick_s: see `slow_count`.
            longest_s: what takes longer is refused.
        """
        self._slow_count, self._quick_s, self._longest_s = slow_count, quick_s, longest_s
        self._coming: dict[_Coming, None] = {}
        """The oldest first."""
        self._sweeping: asyncio.TimerHandle | None = None

    async def receive(self, context: Any) -> bytes:
        """Return a call's request; read by its context, which costs less than by an iterator.

        Raises:
            Overloaded: it takes too long.
            MalformedValue: there is none.
        """
        call = asyncio.current_task()
        assert call is not None  # noqa: S101 - gRPC runs each call in a task
        coming = _Coming(call, asyncio.get_running_loop().time())
        self._coming[coming] = None
        if self._sweeping is None:
            self._sweep_later()
        try:
            data = await context.read()
        except asyncio.CancelledError:
            if coming.refusal is None or call.uncancel() > 0:
                raise
            raise coming.refusal from None
        finally:
            del self._coming[coming]
        if data is grpc.aio.EOF:
            raise MalformedValue("request", "the call has none")
        received: bytes = data
        return received

    def _sweep_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(self._quick_s / 2, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        now = asyncio.get_running_loop().time()
        slow_count = sum(now - each.began > self._quick_s for each in self._coming)
        for coming in list(islice(self._coming, max(0, slow_count - self._slow_count))):
            self._refuse(coming, "too many requests come slowly at the same time")
        for coming in list(self._coming):
            if now - coming.began <= self._longest_s:
                break
            self._refuse(coming, f"its request did not come whole within {self._longest_s:g} s")
        if self._coming:
            self._sweep_later()

    @staticmethod
    def _refuse(coming: _Coming, why: str) -> None:
        if coming.refusal is None:
            coming.refusal = Overloaded(f"{why}: try again, with less at a time", _RETRY_S)
            coming.call.cancel()
