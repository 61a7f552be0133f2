"""Files read within bounds."""

import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from aloe.learner.domain.errors import AudioNotFound
from aloe.values.urls import without_logins

MAX_FILE_BYTES = 64 * 1024 * 1024 - 4096
"""What fits into the largest message, with what stands beside it."""
_MOST_REASON = 400
_FOLDER_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY
"""O_PATH, where there is one: a folder need not be readable to be gone through."""
_FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY


class WrongPlace(ValueError):
    """An operator names a place that cannot be one; the message holds no login."""


class WrongRoot(WrongPlace):
    """It is the one where audio is to be kept."""


def read_file(path: Path) -> bytes:
    """Read a file that is one: no folder, no device and no FIFO, whose reader waits for a writer.

    Raises:
        AudioNotFound: there is none, it cannot be read, is empty, or has over MAX_FILE_BYTES.
    """
    try:
        # Asked before it is opened, since opening a device may do something.
        _check_file(str(path), path.stat())
        with ExitStack() as opened:
            content = _content_of(str(path), _open(opened, str(path), _FILE_FLAGS, None))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise AudioNotFound(f"{str(path)!r} cannot be read: {reason_of(error)}") from error
    return checked_size(str(path), content)


def read_below(folder: str, path: str) -> bytes:
    """Read a file below a folder, both without links: what has become one is not followed.

    Opened step by step from the folder, so that nobody can put a link in between.

    Raises:
        AudioNotFound: as `read_file`.
    """
    try:
        with ExitStack() as opened:
            place, name = _place_below(opened, folder, path)
            _check_file(path, os.stat(name, dir_fd=place, follow_symlinks=False))
            file = _open(opened, name, _FILE_FLAGS | os.O_NOFOLLOW, place)
            content = _content_of(path, file)
    except (OSError, ValueError) as error:
        raise AudioNotFound(f"{path!r} cannot be read: {reason_of(error)}") from error
    return checked_size(path, content)


def open_file(path: Path) -> BinaryIO:
    """Open a file of any length that is one. Raises AudioNotFound."""
    try:
        _check_kind(str(path), path.stat())
        return _opened_file(str(path), os.open(path, _FILE_FLAGS | os.O_CLOEXEC))
    except (OSError, ValueError) as error:
        raise AudioNotFound(f"{str(path)!r} cannot be read: {reason_of(error)}") from error


def open_below(folder: str, path: str) -> BinaryIO:
    """Open a file of any length below a folder, as read_below reads it. Raises AudioNotFound."""
    try:
        with ExitStack() as opened:
            place, name = _place_below(opened, folder, path)
            _check_kind(path, os.stat(name, dir_fd=place, follow_symlinks=False))
            flags = _FILE_FLAGS | os.O_NOFOLLOW | os.O_CLOEXEC
            return _opened_file(path, os.open(name, flags, dir_fd=place))
    except (OSError, ValueError) as error:
        raise AudioNotFound(f"{path!r} cannot be read: {reason_of(error)}") from error


def _opened_file(path: str, descriptor: int) -> BinaryIO:
    file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
    try:
        _check_kind(path, os.fstat(descriptor))
    except AudioNotFound:
        file.close()
        raise
    return cast("BinaryIO", file)


def _place_below(opened: ExitStack, folder: str, path: str) -> tuple[int, str]:
    """Open the folder that a file below another one is in, step by step; return it and the name."""
    *steps, name = os.path.relpath(path, folder).split("/")
    place = _open(opened, folder, _FOLDER_FLAGS, None)
    for step in steps:
        place = _open(opened, step, _FOLDER_FLAGS | os.O_NOFOLLOW, place)
    return place, name


def _open(opened: ExitStack, path: str, flags: int, folder: int | None) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC, dir_fd=folder)
    opened.callback(os.close, descriptor)
    return descriptor


def _content_of(path: str, descriptor: int) -> bytes:
    """Read a file to its end, but no further than is told to be too far. The size may change."""
    _check_file(path, os.fstat(descriptor))
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(MAX_FILE_BYTES + 1)


def checked_size(place: str, content: bytes) -> bytes:
    """Return the content of a file. Raises AudioNotFound where it is too large."""
    if len(content) > MAX_FILE_BYTES:
        raise AudioNotFound(f"{place!r} has over {MAX_FILE_BYTES:,} bytes")
    return content


def reason_of(error: Exception) -> str:
    """Say what went wrong, without the path, which the message has already, and any login."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)
    return without_logins(text)[:_MOST_REASON]


def _check_file(path: str, status: os.stat_result) -> None:
    _check_kind(path, status)
    if status.st_size > MAX_FILE_BYTES:
        raise AudioNotFound(f"{path!r} has {status.st_size:,} bytes, over {MAX_FILE_BYTES:,}")


def _check_kind(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise AudioNotFound(f"{path!r} is no regular file")
    if status.st_size == 0:  # Also those of /proc and /sys, some of which never end.
        raise AudioNotFound(f"{path!r} is empty")
