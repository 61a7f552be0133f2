"""What all imports of a process hold in memory: bounded, and not for ever."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from aloe.learner.domain.errors import Overloaded, StreamIdle

M = TypeVar("M")
_MB = 1024**2
_RETRY_S = 5.0
_SIDES = "what had come whole is stored: send the rest again, or all of it"


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """How much imports may hold, and how long they may send nothing."""

    memory_bytes: int = 128 * _MB
    """Of clips that are not stored yet, in all imports."""
    idle_s: float = 300.0
    """A stream ends if no message comes whole in this time."""
    message_bytes: int = 2 * _MB
    """What a message counts while it comes: as much as clients send in one."""
    slow_s: float = 5.0
    """A message that takes longer than this is a large one, or has stalled half-way."""
    slow_bytes: int = 16 * _MB
    """What it counts then. gRPC does not tell how much of a message has come."""
    gives_way_s: float = 30.0
    """A stream that has sent nothing for so long ends where its memory is needed."""


DEFAULT_LIMITS = ImportLimits()


class Share:
    """What one import holds."""

    def __init__(self, memory: "ImportMemory") -> None:
        self._memory, self._bytes = memory, 0

    def grow(self, byte_count: int) -> None:
        """Hold more. It has come already, so it is never refused."""
        self._bytes += byte_count
        self._memory.hold(byte_count)

    def shrink(self, byte_count: int) -> None:
        """Hold less: it is stored, or failed."""
        self.grow(-byte_count)

    def close(self) -> None:
        """Hold nothing any more."""
        self.shrink(self._bytes)


class ImportMemory:
    """Counts what imports hold. For one event loop.

    A message is not read before there is room for it, so that callers who send faster than the
    store and the encoder take have to wait.
    """

    def __init__(self, limits: ImportLimits) -> None:
        self._limits = limits
        self.used_bytes = 0
        self._changed = asyncio.Event()
        self._slow: dict[object, None] = {}
        """Messages that take long, the oldest first."""

    def hold(self, byte_count: int) -> None:
        """Note that so much more is held; less where it is negative."""
        self.used_bytes += byte_count
        self._changed.set()

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Begin an import; whatever it holds at its end is let go of."""
        share = Share(self)
        try:
            yield share
        finally:
            share.close()

    async def messages(self, stream: AsyncIterator[M]) -> AsyncIterator[M]:
        """Read a stream's messages, each once there is room for it.

        Raises:
            StreamIdle: none came whole for too long.
            Overloaded: none came for a while, and others need the room.
        """
        while True:
            while self._is_full:
                self._changed.clear()
                await self._changed.wait()
            found = await self._next(stream)
            if not found:
                return
            yield found.pop()  # Held no longer than by whoever takes it.

    @property
    def _is_full(self) -> bool:
        return self.used_bytes >= self._limits.memory_bytes

    async def _next(self, stream: AsyncIterator[M]) -> list[M]:
        """Return the next message; none at the end."""
        limits, began, held_bytes = self._limits, time.monotonic(), self._limits.message_bytes
        self.hold(held_bytes)
        coming = asyncio.ensure_future(_next_of(stream))
        key = object()
        try:
            await asyncio.wait([coming], timeout=min(limits.slow_s, limits.idle_s))
            if not coming.done():
                self.hold(limits.slow_bytes - held_bytes)
                held_bytes = limits.slow_bytes
                self._slow[key] = None
                await self._wait_long(coming, key, began)
            return coming.result()
        finally:
            coming.cancel()
            self._slow.pop(key, None)
            self.hold(-held_bytes)

    async def _wait_long(
        self, coming: "asyncio.Future[list[M]]", key: object, began: float
    ) -> None:
        limits = self._limits
        while not coming.done():
            waited_s = time.monotonic() - began
            if waited_s >= limits.idle_s:
                raise StreamIdle(f"no message came whole for {limits.idle_s:g} s; {_SIDES}")
            # Only the oldest: the others may have room once that is gone.
            if waited_s >= limits.gives_way_s and self._is_full and next(iter(self._slow)) is key:
                raise Overloaded(
                    f"no message came whole for {waited_s:.0f} s, and other imports need the"
                    f" memory; {_SIDES}",
                    _RETRY_S,
                )
            await asyncio.wait([coming], timeout=limits.slow_s / 5)


async def _next_of(stream: AsyncIterator[M]) -> list[M]:
    try:
        return [await anext(stream)]
    except StopAsyncIteration:
        return []


async def with_pauses(stream: AsyncIterator[M], pause_s: float) -> AsyncGenerator[M | None, None]:
    """Yield what a stream does, and None whenever nothing came for a while."""
    coming = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(_next_of(stream))
            await asyncio.wait([coming], timeout=pause_s)
            if not coming.done():
                yield None
                continue
            found, coming = coming.result(), None
            if not found:
                return
            yield found.pop()
    finally:
        if coming:
            coming.cancel()
            await asyncio.wait([coming])
