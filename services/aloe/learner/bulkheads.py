"""The bulkheads of a learner process: each kind of work off the event loop has its own threads.

What hangs or takes long holds up its own kind alone. Nothing uses the event loop's default threads.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from aloe.learner.domain.errors import Overloaded

T = TypeVar("T")
_CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Bulkhead:
    """A kind of work and its limits."""

    name: str
    """Of its threads."""
    thread_count: int
    waiting_count: int | None = None
    """Pieces of work that may wait for a thread; more are refused at once. None: any number, where
    what asks for them is bounded."""
    time_limit_s: float | None = None
    """Of a piece of work, with its waiting. None: it cannot hang."""


SCORING = Bulkhead("score", _CORES)
"""Scoring pools, picking from them and moving vectors in memory."""
TRAINING = Bulkhead("train", _CORES)
GRAPHS = Bulkhead("graph", 1)
"""Making graphs of pools, which takes seconds; the other cores are for those who wait."""
PREDICTING = Bulkhead("predict", _CORES)
"""For many inputs at a time."""
READING_VECTORS = Bulkhead("read-vectors", 8)
"""From Redis, whose connections have time limits. A pool takes two: one prepares the memory."""
HASHING = Bulkhead("hash", 2)
"""Telling recordings by their hashes."""
KEPT_AUDIO = Bulkhead("kept-audio", 8, waiting_count=1_000, time_limit_s=60)
"""Reading and writing recordings that the learner keeps."""
COLLECTED_AUDIO = Bulkhead("collect-audio", 1)
"""Looking through all that is kept, which may take as long as it likes."""
FOREIGN_AUDIO = Bulkhead("foreign-audio", 16, waiting_count=256, time_limit_s=20)
"""Reading recordings where others keep them."""
TAKEN_AUDIO = Bulkhead("take-audio", 4, waiting_count=256)
"""Writing down, hashing and copying files of recordings, which may take minutes."""
CUT_AUDIO = Bulkhead("cut-audio", 2)
"""Decoding recordings that are imported; as many are open at a time."""
HEARD_WINDOWS = Bulkhead("heard-windows", 2, waiting_count=64, time_limit_s=60)
"""Cutting windows out of recordings again."""
LOOKING_AT_REDIS = Bulkhead("look-at-redis", 1)
"""At its settings, now and then."""

_RETRY_S = 1.0
_HUNG_RETRY_S = 10.0


class Threads:
    """The threads of one bulkhead. They start when they are first needed."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._bulkhead = bulkhead
        self._executor = ThreadPoolExecutor(bulkhead.thread_count, bulkhead.name)
        self._lock = threading.Lock()
        self._count = 0
        """Pieces of work that run or wait."""
        self._hung_count = 0
        """Those of them that run although nobody waits for them any more."""

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work; it goes on if the caller is cancelled while it runs.

        Raises:
            Overloaded: too much waits, or all threads hang.
            TimeoutError: it takes too long. Its thread stays with it until it ends.
        """
        self._admit()
        running = self.submit(work)
        outcome = asyncio.wrap_future(running)
        outcome.add_done_callback(_take_note)
        try:
            async with asyncio.timeout(self._bulkhead.time_limit_s):
                return await asyncio.shield(outcome)
        except TimeoutError:
            if running.done():  # its own
                raise
            if self._give_up(running):
                raise self._full() from None
            raise TimeoutError(f"it takes over {self._bulkhead.time_limit_s:g} s") from None
        except asyncio.CancelledError:
            self._give_up(running)
            raise

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Begin some work that nothing bounds."""
        with self._lock:
            self._count += 1
        running = self._executor.submit(work)
        running.add_done_callback(self._ended)
        return running

    def close(self) -> None:
        """Let go of the threads; those that hang go with the process."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _admit(self) -> None:
        bulkhead = self._bulkhead
        if self._hung_count >= bulkhead.thread_count:
            raise Overloaded(
                f"all {bulkhead.thread_count} threads for {bulkhead.name} hang: see whether a disk,"
                " a mount or a server that they read from does not answer",
                _HUNG_RETRY_S,
            )
        most = bulkhead.waiting_count
        if most is not None and self._count >= bulkhead.thread_count + most:
            raise self._full()

    def _full(self) -> Overloaded:
        return Overloaded(f"all threads for {self._bulkhead.name} are busy", _RETRY_S)

    def _give_up(self, running: Future[T]) -> bool:
        """Wait no more for some work; return whether it had not begun."""
        if running.cancel():
            return True
        with self._lock:
            self._hung_count += 1
        running.add_done_callback(self._hangs_no_more)
        return False

    def _ended(self, _: Future[T]) -> None:
        with self._lock:
            self._count -= 1

    def _hangs_no_more(self, _: Future[T]) -> None:
        with self._lock:
            self._hung_count -= 1


def _take_note(outcome: "asyncio.Future[Any]") -> None:
    """Or asyncio logs what went wrong, with its trace, where the caller is gone by then."""
    if not outcome.cancelled():
        outcome.exception()
