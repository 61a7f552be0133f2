"""Memory that was freed, back to the system."""

import asyncio
import contextlib
import ctypes
from collections.abc import Callable

LARGE_BYTES = 4 << 20
_ARENA_MAX = -8
"""As malloc.h calls it, M_ARENA_MAX."""


def give_back() -> None:
    """Let the C library return what is free in the middle of its heaps; elsewhere do nothing.

    glibc returns only what is free at the end of each thread's heap. Large requests, decoded clips
    and batches lie among small objects that last, and without this a burst of them keeps hundreds
    of megabytes for ever.
    """
    with contextlib.suppress(OSError, AttributeError):  # macOS, musl
        ctypes.CDLL(None).malloc_trim(0)


def share_heaps() -> None:
    """Let all threads of the process share two heaps; elsewhere than with glibc do nothing.

    It gives each thread one, and in each what large requests leave between small objects stays.
    """
    with contextlib.suppress(OSError, AttributeError):  # macOS, musl
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


class Trimmer:
    """Gives back what is free, once some time has passed since a large request came."""

    def __init__(self, trim: Callable[[], None] = give_back, *, pause_s: float = 1.0) -> None:
        """Take what gives memory back, and for how long it waits for more to do."""
        self._trim, self._pause_s = trim, pause_s
        self._is_due = self._took_more = False

    def took(self, byte_count: int) -> None:
        """Note a request, on the event loop."""
        if byte_count < LARGE_BYTES:
            return
        self._took_more = True
        if not self._is_due:
            self._plan()

    def _plan(self) -> None:
        self._is_due, self._took_more = True, False
        asyncio.get_running_loop().call_later(self._pause_s, self._run)

    def _run(self) -> None:
        self._is_due = False
        if self._took_more:  # It may be in work still.
            self._plan()
        # It walks all of the heap, which takes some milliseconds.
        asyncio.get_running_loop().run_in_executor(None, self._trim)
