"""A private Redis as a child process, on a unix socket, which comes back from a full disk."""

import os
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from aloe.local.child import Child

_ROOM_BYTES = 2 * 1024**2
"""A few chunks of vectors; labels are far smaller."""
_QUICK_DEATH_S = 10.0
_MOST_DOUBLINGS = 10
_MOST_PAUSE_S = 30.0
_TAKES_NOTHING = ("--maxmemory", "1")
"""With no memory left Redis refuses what would change something, before it is half-done."""


class RedisChild(Child):
    """A Redis of which every write is on disk before it is answered.

    Such a Redis ends where it cannot write: it could not take its answers back. Brought back by
    `restart`, it only serves what reads until its disk has room, or, where that is not the reason,
    for a while that doubles: otherwise it would end again at the next label.
    """

    def __init__(
        self, command: Sequence[str], *, folder: Path, socket_path: Path, log_path: Path
    ) -> None:
        """Describe it; nothing runs yet."""
        super().__init__(
            "Redis", command, log_path=log_path, ready=lambda _: _asked(socket_path, "PING")
        )
        self._folder, self._socket_path = folder, socket_path
        self._is_held = False
        self._taking_since_s = time.monotonic()
        self._quick_deaths = 0

    def restart(self, timeout_s: float) -> str:
        died_soon = time.monotonic() - self._taking_since_s < _QUICK_DEATH_S
        self._quick_deaths = self._quick_deaths + 1 if died_soon else 0
        # The first may have been anyone's.
        doublings = min(self._quick_deaths - 2, _MOST_DOUBLINGS)
        pause_s = min(_MOST_PAUSE_S, 2.0**doublings) if self._quick_deaths > 1 else 0
        self._taking_since_s = time.monotonic() + pause_s
        has_room = _has_room(self._folder)
        self._is_held = pause_s > 0 or not has_room
        plain = self.command
        if self._is_held:
            self.command = [*plain, *_TAKES_NOTHING]
        try:
            self.start(timeout_s)
        finally:
            self.command = plain
        if not has_room:
            return (
                f"the disk of {self._folder} is full, and Redis ended; started again it only serves"
                " what reads until there is room"
            )
        if self._is_held:
            return (
                f"Redis ended again and again: it only serves what reads for {pause_s:g} s; see"
                f" {self.log_path}"
            )
        return ""

    def tend(self) -> str:
        super().tend()
        if not self._is_held or time.monotonic() < self._taking_since_s:
            return ""
        if not (_has_room(self._folder) and _asked(self._socket_path, "CONFIG SET maxmemory 0")):
            return ""
        self._is_held, self._taking_since_s = False, time.monotonic()
        return "Redis takes changes again"


def _has_room(folder: Path) -> bool:
    """Whether a file can be written there; quotas are not seen otherwise."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_ROOM_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def _asked(socket_path: Path, command: str) -> bool:
    """Whether a Redis answers a command with success."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(16).startswith((b"+PONG", b"+OK"))
        except OSError:
            return False
