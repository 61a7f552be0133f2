"""How much work the service takes in: a bound on clips and bytes, from arrival to answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aloe.embedding.domain.errors import InvalidRequest, Overloaded, ShuttingDown

MIN_RETRY_AFTER_S = 0.05
MAX_RETRY_AFTER_S = 30.0
_FIRST_GUESS_S_PER_CLIP = 0.01
_MEMORY = 0.9


@dataclass(slots=True)
class Hold:
    """The room that the clips of one request take."""

    clip_count: int
    byte_count: int


class Admission:
    """Counts the clips and bytes in the service. For one event loop.

    Unary calls are refused when it is full. Bulk streams wait instead, and take no more once half
    of the room is in use, so that they never shut the others out.
    """

    def __init__(self, *, max_clip_count: int, max_byte_count: int) -> None:
        self._max = Hold(max_clip_count, max_byte_count)
        self._used = Hold(0, 0)
        self._s_per_clip = _FIRST_GUESS_S_PER_CLIP
        self._released = asyncio.Event()
        self._closed = False

    @property
    def clip_count(self) -> int:
        """Clips now in the service."""
        return self._used.clip_count

    @contextmanager
    def enter(self, clip_count: int, byte_count: int) -> Iterator[Hold]:
        """Take in a request while the context lasts.

        Raises:
            InvalidRequest: it is larger than the whole bound.
            Overloaded: there is no room for it now.
        """
        if clip_count > self._max.clip_count:
            raise InvalidRequest(
                "clips",
                f"{clip_count} clips in one call; at most {self._max.clip_count} are taken:"
                " send several calls, or use EmbedStream",
            )
        if self._used.clip_count + clip_count > self._max.clip_count:
            raise self._overloaded(f"{self._used.clip_count} clips are in work")
        hold = Hold(clip_count, 0)
        self._used.clip_count += clip_count
        try:
            self.grow(hold, byte_count)
            yield hold
        finally:
            self.release(hold)

    async def enter_bulk(self, clip_count: int, byte_count: int) -> Hold:
        """Take in a part of a stream, once less than half of the room is in use.

        Raises:
            ShuttingDown: the service is closed.
        """
        while not self._closed and (
            self._used.clip_count > self._max.clip_count // 2
            or self._used.byte_count > self._max.byte_count // 2
        ):
            self._released.clear()
            await self._released.wait()
        if self._closed:
            raise ShuttingDown("the server is shutting down; send the rest again in a moment")
        self._used.clip_count += clip_count
        self._used.byte_count += byte_count
        return Hold(clip_count, byte_count)

    def grow(self, hold: Hold, byte_count: int) -> None:
        """Take more bytes for a request.

        Raises:
            InvalidRequest: it is now larger than the whole bound.
            Overloaded: there is no room for it now.
        """
        if hold.byte_count + byte_count > self._max.byte_count:
            raise InvalidRequest(
                "clips",
                f"the clips take {hold.byte_count + byte_count} bytes; at most"
                f" {self._max.byte_count} are held: send several calls, or use EmbedStream",
            )
        if self._used.byte_count + byte_count > self._max.byte_count:
            raise self._overloaded(f"{self._used.byte_count} bytes are in work")
        self.force(hold, byte_count)

    def force(self, hold: Hold, byte_count: int) -> None:
        """Take more bytes even if there is no room: for work that can no longer be refused."""
        hold.byte_count += byte_count
        self._used.byte_count += byte_count

    def release(self, hold: Hold) -> None:
        """Give the room of a request back."""
        self._used.clip_count -= hold.clip_count
        self._used.byte_count -= hold.byte_count
        self._released.set()

    def close(self) -> None:
        """Let streams take in no more. Unary calls need no such stop: gRPC refuses them itself."""
        self._closed = True
        self._released.set()

    def record(self, clip_count: int, duration_s: float) -> None:
        """Learn from a batch how long a clip takes."""
        latest = duration_s / clip_count
        self._s_per_clip = _MEMORY * self._s_per_clip + (1 - _MEMORY) * latest

    def _overloaded(self, what: str) -> Overloaded:
        wait_s = self._used.clip_count * self._s_per_clip
        retry_after_s = min(max(wait_s, MIN_RETRY_AFTER_S), MAX_RETRY_AFTER_S)
        return Overloaded(
            f"the queue is full, {what}: try again in {retry_after_s:.2f} s", retry_after_s
        )
