"""Memory that was freed, back to the system."""

import contextlib
import ctypes


def give_back() -> None:
    """Let the C library return what is free in the middle of its heaps; elsewhere do nothing.

    glibc returns only what is free at the end of each thread's heap. Decoded clips and batches lie
    among small objects that last, and without this a burst of long clips keeps hundreds of
    megabytes for ever.
    """
    with contextlib.suppress(OSError, AttributeError):  # macOS, musl
        ctypes.CDLL(None).malloc_trim(0)
