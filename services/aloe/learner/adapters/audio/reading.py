"""Files read within bounds."""

import os
import stat
from pathlib import Path

from aloe.learner.domain.errors import AudioNotFound

MAX_FILE_BYTES = 64 * 1024 * 1024 - 4096
"""What fits into the largest message, with what stands beside it."""


def read_file(path: Path) -> bytes:
    """Read a file that is one: no folder, no device and no FIFO, whose reader waits for a writer.

    Raises:
        AudioNotFound: there is none, it cannot be read, is empty, or has over MAX_FILE_BYTES.
    """
    try:
        # Asked before it is opened, since opening a device may do something.
        _check_file(path, path.stat())
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            _check_file(path, os.fstat(descriptor))
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise AudioNotFound(f"{str(path)!r} cannot be read: {reason_of(error)}") from error
    return checked_size(str(path), content)


def checked_size(place: str, content: bytes) -> bytes:
    """Return the content of a file. Raises AudioNotFound where it is too large."""
    if len(content) > MAX_FILE_BYTES:
        raise AudioNotFound(f"{place!r} has over {MAX_FILE_BYTES:,} bytes")
    return content


def reason_of(error: Exception) -> str:
    """Say what went wrong, without the path, which the message has already."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise AudioNotFound(f"{str(path)!r} is no regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise AudioNotFound(f"{str(path)!r} has {status.st_size:,} bytes, over {MAX_FILE_BYTES:,}")
    if status.st_size == 0:  # Also those of /proc and /sys, some of which never end.
        raise AudioNotFound(f"{str(path)!r} is empty")
