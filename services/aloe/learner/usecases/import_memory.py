"""What all imports of a process hold in memory: bounded, and not for ever."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

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
    gives_way_s: float = 10.0
    """A stream that has sent nothing for so long ends where its memory is needed."""
    beside_count: int = 8
    """So many messages find room beside that memory, of callers who hold less than one."""


DEFAULT_LIMITS = ImportLimits()


class Share:
    """What one import holds."""

    def __init__(self, memory: "ImportMemory", caller: str) -> None:
        self._memory, self._caller, self._bytes = memory, caller, 0

    def grow(self, byte_count: int) -> None:
        """Hold more. It has come already, so it is never refused."""
        self._bytes += byte_count
        self._memory.hold(byte_count, self._caller)

    def shrink(self, byte_count: int) -> None:
        """Hold less: it is stored, or failed."""
        self.grow(-byte_count)

    def close(self) -> None:
        """Hold nothing any more."""
        self.shrink(self._bytes)


class _Reading:
    """A message that is awaited, and the room that it has for it."""

    def __init__(self, caller: str, number: int) -> None:
        self.caller, self.number = caller, number
        self.began = time.monotonic()
        """Once it has room: when its caller was let send."""
        self.held_bytes = 0
        self.is_beside = False
        """Its room is one of those beside the memory."""
        self.may_begin: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gives_way = asyncio.Event()


class ImportMemory:
    """Counts what imports hold. For one event loop.

    A message is not read before there is room for it, so that callers who send faster than the
    store and the encoder take have to wait. Room goes to the caller who holds least, and of one
    caller to the message that waits longest. Those who hold less than a message find a little room
    beside the memory that others fill.
    """

    def __init__(self, limits: ImportLimits) -> None:
        self._limits = limits
        self.used_bytes = 0
        self._held: Counter[str] = Counter()
        """Bytes by caller."""
        self._numbers = count()
        self._waiting: set[_Reading] = set()
        self._slow: set[_Reading] = set()
        """Messages that take long."""
        self._beside_count = 0

    def hold(self, byte_count: int, caller: str = "") -> None:
        """Note that a caller holds so much more; less where it is negative."""
        self.used_bytes += byte_count
        self._held[caller] += byte_count
        if not self._held[caller]:
            del self._held[caller]
        if byte_count < 0:
            self._let_in()

    @contextmanager
    def share(self, caller: str = "") -> Iterator[Share]:
        """Begin a caller's import; whatever it holds at its end is let go of."""
        share = Share(self, caller)
        try:
            yield share
        finally:
            share.close()

    async def messages(self, stream: AsyncIterator[M], caller: str = "") -> AsyncIterator[M]:
        """Read a stream's messages, each once there is room for it.

        Raises:
            StreamIdle: none came whole for too long.
            Overloaded: none came for a while, and others need the room.
        """
        while True:
            found = await self._next(stream, caller)
            if not found:
                return
            yield found.pop()  # Held no longer than by whoever takes it.

    def _let_in(self) -> None:
        """Give the room that there is to those who wait for it."""
        while self._waiting:
            first = min(self._waiting, key=lambda each: (self._held[each.caller], each.number))
            if self.used_bytes >= self._limits.memory_bytes:
                holds_much = self._held[first.caller] >= self._limits.message_bytes
                if holds_much or self._beside_count >= self._limits.beside_count:
                    return
                first.is_beside = True
                self._beside_count += 1
            self._waiting.remove(first)
            first.began = time.monotonic()
            self._grow(first, self._limits.message_bytes)
            if not first.may_begin.done():
                first.may_begin.set_result(None)

    def _grow(self, reading: _Reading, byte_count: int) -> None:
        reading.held_bytes += byte_count
        self.hold(byte_count, reading.caller)

    def _leave_beside(self, reading: _Reading) -> None:
        if reading.is_beside:
            reading.is_beside = False
            self._beside_count -= 1

    async def _next(self, stream: AsyncIterator[M], caller: str) -> list[M]:
        """Return the next message; none at the end."""
        reading = _Reading(caller, next(self._numbers))
        self._waiting.add(reading)
        try:
            self._let_in()
            await reading.may_begin
            return await self._read(stream, reading)
        finally:
            self._waiting.discard(reading)
            self._slow.discard(reading)
            self._leave_beside(reading)
            self._grow(reading, -reading.held_bytes)

    async def _read(self, stream: AsyncIterator[M], reading: _Reading) -> list[M]:
        limits = self._limits
        coming = asyncio.ensure_future(_next_of(stream))
        try:
            await asyncio.wait([coming], timeout=min(limits.slow_s, limits.idle_s))
            if not coming.done():
                self._grow(reading, limits.slow_bytes - reading.held_bytes)
                self._slow.add(reading)
                self._leave_beside(reading)
                self._let_in()
                await self._wait_long(coming, reading)
            return coming.result()
        finally:
            coming.cancel()

    async def _wait_long(self, coming: "asyncio.Future[list[M]]", reading: _Reading) -> None:
        limits = self._limits
        while not coming.done():
            waited_s = time.monotonic() - reading.began
            if waited_s >= limits.idle_s:
                raise StreamIdle(f"no message came whole for {limits.idle_s:g} s; {_SIDES}")
            self._make_room()
            if reading.gives_way.is_set():
                raise Overloaded(
                    f"no message came whole for {waited_s:.0f} s, and other imports need the"
                    f" memory; {_SIDES}",
                    _RETRY_S,
                )
            await self._until_told(coming, reading)

    async def _until_told(self, coming: "asyncio.Future[list[M]]", reading: _Reading) -> None:
        told = asyncio.ensure_future(reading.gives_way.wait())
        try:
            pause_s, until = self._limits.slow_s / 5, asyncio.FIRST_COMPLETED
            waiting: tuple[asyncio.Future[Any], ...] = (coming, told)
            await asyncio.wait(waiting, timeout=pause_s, return_when=until)
        finally:
            told.cancel()

    def _make_room(self) -> None:
        """Have as many slow messages give way as those that wait need: first of who holds most."""
        wanted = self.used_bytes - self._limits.memory_bytes
        wanted += len(self._waiting) * self._limits.message_bytes
        if not self._waiting:
            return
        latest = time.monotonic() - self._limits.gives_way_s
        wanted -= sum(each.held_bytes for each in self._slow if each.gives_way.is_set())
        ready = [each for each in self._slow if each.began <= latest]
        ready.sort(key=lambda each: (-self._held[each.caller], each.number))
        for each in ready:
            if wanted <= 0:
                return
            if not each.gives_way.is_set():
                each.gives_way.set()
                wanted -= each.held_bytes


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
