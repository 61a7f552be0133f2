"""Memory that is about to be filled, had from the system ahead of time."""

import ctypes
import mmap
import sys
from typing import Any

from numpy.typing import NDArray

_NO_HUGE_PAGES, _POPULATE_WRITE = 15, 23
"""MADV_NOHUGEPAGE, and MADV_POPULATE_WRITE of Linux 5.14 and later."""
_STEP_BYTES = 2 * 1024**2
"""Who maps or unmaps memory meanwhile waits for as long as one step takes."""


def populate(array: NDArray[Any]) -> None:
    """Have memory put behind an array, which keeps what it holds; others may fill it meanwhile.

    To touch fresh memory may take several times as long as to read as many bytes from a socket, in
    virtual machines above all: their hosts take back what is free in whole huge pages. So it comes
    in small ones, which costs one twentieth when the array is read. Where the system knows no such
    thing, nothing happens.

    Args:
        array: contiguous, of any shape.
    """
    if sys.platform != "linux":
        return
    madvise = ctypes.CDLL(None).madvise  # without the GIL, unlike mmap's
    first = array.ctypes.data
    begin = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (first + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE

    def advise(at: int, byte_count: int, advice: int) -> bool:
        return not madvise(ctypes.c_void_p(at), ctypes.c_size_t(byte_count), advice)

    advise(begin, end - begin, _NO_HUGE_PAGES)
    for at in range(begin, end, _STEP_BYTES):
        if not advise(at, min(_STEP_BYTES, end - at), _POPULATE_WRITE):
            return
