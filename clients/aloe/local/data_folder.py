"""A data folder: who runs in it, and where the Redis of its labels listens meanwhile."""

import contextlib
import fcntl
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from aloe.local.child import ChildFailed
from aloe.local.private import make_private_folder, open_private, tighten
from aloe.local.redis_server import redis_child

_RECORD = "redis.url"
"""Holds the URL of the folder's Redis while `aloe up` runs it."""
_UNIX = "unix://"
_START_S = 60.0


class FolderTaken(ChildFailed):
    """Another ALOE runs in the folder."""


def take_folder(data_dir: Path) -> BinaryIO:
    """Make the folder this process's own for as long as the file that is returned is open.

    Raises:
        FolderTaken: another has it.
    """
    make_private_folder(data_dir)
    tighten(data_dir)
    lock = open_private(data_dir / "lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise FolderTaken(
            f"another ALOE runs in {data_dir}; use it, stop it, or give another --data-dir"
        ) from None
    # Left by one that was killed.
    forget_redis(data_dir)
    return lock


def note_redis(data_dir: Path, url: str) -> None:
    """Let others of this user find the Redis of a folder that this process has taken."""
    draft = data_dir / f"{_RECORD}.new"
    draft.unlink(missing_ok=True)
    with open_private(draft) as file:
        file.write(url.encode())
    draft.replace(data_dir / _RECORD)


def forget_redis(data_dir: Path) -> None:
    """Take back what note_redis noted; for who has taken the folder."""
    (data_dir / _RECORD).unlink(missing_ok=True)


def running_redis(data_dir: Path) -> str:
    """Return the URL of a folder's Redis; empty where none answers of which this user may know."""
    try:
        url = (data_dir / _RECORD).read_text()
    except (OSError, UnicodeError):
        return ""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(url.removeprefix(_UNIX))
        except (OSError, ValueError):
            return ""  # Left by one that was killed, or it is just being started again.
    return url


@contextlib.contextmanager
def redis_of(data_dir: Path) -> Iterator[str]:
    """Yield the URL of a folder's Redis; where none runs, one runs for as long.

    Raises:
        ChildFailed: the folder holds no labels, is another's with a Redis that cannot be found, or
            Redis does not start.
        NoRedis: there is no server to start, or one that is too old.
    """
    if not (data_dir / "redis").is_dir():
        raise ChildFailed(
            f"no `aloe up` has kept labels in {data_dir}: give another --data-dir, or --redis-url"
        )
    try:
        lock = take_folder(data_dir)
    except FolderTaken:
        url = running_redis(data_dir)
        if not url:
            raise FolderTaken(
                f"another ALOE runs in {data_dir}, and its Redis is not, or not yet, that of this"
                " folder: try again, or give --redis-url"
            ) from None
        yield url
        return
    with lock, tempfile.TemporaryDirectory(prefix="aloe-") as folder:
        socket_path = Path(folder) / "redis.sock"
        child = redis_child(data_dir / "redis", socket_path, data_dir / "logs" / "redis.log")
        try:
            child.start(_START_S)
            yield f"{_UNIX}{socket_path}"
        finally:
            child.stop()
