"""The one Redis of the system, behind its proxy; another may take its place."""

import asyncio
import os
import random
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from tests.chaos.kept_copies import copy_folder, put_folder_back
from tests.chaos.proxy import Proxy
from tests.chaos.store_fault_kinds import limit_files
from tests.shifted_clock import NoClock, ShiftedClock

from aloe.local import ChildFailed
from aloe.local.redis_child import RedisChild
from aloe.local.redis_server import redis_child

_START_S = 60.0
_ATTEMPTS = 5
_PATIENCE_S = 20.0
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class _Server:
    """A Redis, its data and its socket."""

    child: RedisChild
    folder: Path
    socket_path: Path


class RedisHost:
    """Starts Redis again and again, where need be on older data."""

    def __init__(self, folder: Path, socket_folder: Path) -> None:
        """Take the folders for data and logs and for sockets; nothing runs yet."""
        self._folder, self._socket_folder = folder, socket_folder
        self._lock = asyncio.Lock()
        self.clock: ShiftedClock | None = None
        """Of the server; None where a program's clock cannot be set."""
        with suppress(NoClock):
            self.clock = ShiftedClock(folder / "clock")
        self._numbers = count()
        self._server = self._make_server()
        self.proxy = Proxy(lambda: asyncio.open_unix_connection(str(self._server.socket_path)))

    @property
    def pid(self) -> int | None:
        """Of the server; None if it does not run."""
        return self._server.child.pid

    async def start(self) -> None:
        """Start it.

        Raises:
            ChildFailed: it does not start.
        """
        await asyncio.to_thread(self._server.child.start, _START_S)

    async def stop(self) -> None:
        """End it."""
        await asyncio.to_thread(self._server.child.stop)

    async def restart(self) -> None:
        """Start it again if it does not run.

        Raises:
            ChildFailed: it does not start, tried several times.
        """
        async with self._lock:
            await self._restart()

    def connect(self) -> Any:
        """Connect to it past the proxy, as someone else would."""
        return redis.asyncio.Redis(
            unix_socket_path=str(self._server.socket_path),
            socket_timeout=_PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
        )

    async def copy(self) -> Path:
        """Copy its data as they are now; the copy replaces the one before.

        Raises:
            Rewritten: they cannot be copied now.
        """
        copy = self._folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        await copy_folder(self._server.folder, copy)
        return copy

    async def put_back(self, copy: Path) -> float:
        """Kill it, and start it on older data; return when it was dead."""
        async with self._lock:
            await asyncio.to_thread(self._kill)
            gone_s = time.monotonic()
            await put_folder_back(copy, self._server.folder)
            await self._restart()
            return gone_s

    async def fail_over(self, copy: Path) -> float:
        """Have another take its place that has older data, as a replica would that lags behind.

        Returns:
            When the one before was dead.
        """
        new = self._make_server()
        await put_folder_back(copy, new.folder)
        await asyncio.to_thread(new.child.start, _START_S)
        async with self._lock:
            await asyncio.to_thread(self._kill)
            gone_s = time.monotonic()
            self._server = new
            self.proxy.cut(1.0, random.Random())
            return gone_s

    def allow_growth(self, most_bytes: int | None) -> None:
        """Bound by how much its files may grow from now on; None lets them grow again."""
        if self.pid is not None:
            sizes = [path.stat().st_size for path in self._server.folder.rglob("*.aof")]
            size = None if most_bytes is None else max(sizes, default=0) + most_bytes
            limit_files(self.pid, size)

    def _kill(self) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        while self._server.child.is_running:
            time.sleep(_POLL_S)

    async def _restart(self) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            if self._server.child.is_running:
                return
            try:
                await self.start()
            except ChildFailed:  # Perhaps it was killed again while it started.
                if attempt == _ATTEMPTS:
                    raise

    def _make_server(self) -> _Server:
        number = next(self._numbers)
        folder = self._folder / f"redis-{number}"
        socket_path = self._socket_folder / f"redis-{number}.sock"
        child = redis_child(folder, socket_path, self._folder / "redis.log")
        # Copies are of files that are appended to alone.
        child.command += ["--auto-aof-rewrite-percentage", "0"]
        if self.clock is not None:
            child.command = self.clock.wrap(child.command)
        return _Server(child, folder, socket_path)
