"""Giving memory back to the system: glibc keeps what large requests took, for the next ones."""

import asyncio
import ctypes
from collections.abc import Callable

LARGE_BYTES = 4 << 20


class Trimmer:
    """Gives back what is free, once some time has passed since a large request came."""

    def __init__(self, trim: Callable[[], None] | None = None, *, pause_s: float = 1.0) -> None:
        """Take what gives memory back; by default glibc does, where that is what there is."""
        self._trim = _give_back if trim is None else trim
        self._pause_s = pause_s
        self._is_due = False

    def took(self, byte_count: int) -> None:
        """Note a request, on the event loop."""
        if byte_count >= LARGE_BYTES and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(self._pause_s, self._run)

    def _run(self) -> None:
        self._is_due = False
        # It walks all of the heap, which takes some milliseconds.
        asyncio.get_running_loop().run_in_executor(None, self._trim)


def _give_back() -> None:
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
