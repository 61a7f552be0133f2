"""Asks the system for the memory of an array before it is filled."""

import ctypes
import mmap
import sys
from typing import Any

from numpy.typing import NDArray

_NO_HUGE_PAGES, _POPULATE_WRITE = 15, 23
"""MADV_NOHUGEPAGE, and MADV_POPULATE_WRITE of Linux 5.14 and later."""
_STEP_BYTES = 2 * 1024**2
"""Threads that map or unmap memory meanwhile wait for as long as one step takes."""


def populate(array: NDArray[Any]) -> None:
    """Have the system back an array with memory. Its content stays; others may write meanwhile.

    The first write to fresh memory may take several times as long as reading as many bytes from a
    socket. In virtual machines that is worst, since their hosts take free memory back in whole huge
    pages; so the array gets small pages, which makes reading it slower by a twentieth. Does nothing
    where the system lacks these calls.

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
