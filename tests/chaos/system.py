"""What is broken: Redis, learners and embedding service, with proxies before Redis and learners."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.chaos.proxy import Proxy, to_tcp, to_unix

from aloe.local import ChildFailed, LocalStack, StackOptions
from aloe.local.redis_server import redis_child

LEARNERS = ("the learner", "learner 2")
EMBEDDING = "the embedding service"
REDIS = "Redis"
_REDIS_START_S = 60.0
_REDIS_ATTEMPTS = 5


class System:
    """Runs while it is entered. The stack restarts services that die; restart_redis does for Redis.

    Learners reach Redis through one proxy; each oracle reaches each learner through one of its own.
    """

    def __init__(self, folder: Path, socket_folder: Path, oracle_count: int) -> None:
        """Take the folders for data and logs and for sockets; nothing runs yet."""
        self._oracle_count = oracle_count
        socket_path = socket_folder / "redis.sock"
        self._redis = redis_child(folder / "redis", socket_path, folder / "redis.log")
        self._redis_lock = asyncio.Lock()
        self.redis_proxy = to_unix(socket_path)
        self._proxy_path = socket_folder / "proxy.sock"
        self._stack = LocalStack(
            StackOptions(
                data_dir=folder / "stack",
                redis_url=f"unix://{self._proxy_path}",
                learner_count=len(LEARNERS),
            )
        )
        self.oracle_proxies: list[Proxy] = []
        self.addresses: list[tuple[str, ...]] = []
        """For each oracle, the address of each learner, through its proxy."""

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._redis.start, _REDIS_START_S)
            await self.redis_proxy.listen_unix(self._proxy_path)
            await asyncio.to_thread(self._stack.__enter__)
            for _ in range(self._oracle_count):
                proxies = [to_tcp(address) for address in self._stack.learner_addresses]
                self.oracle_proxies += proxies
                self.addresses.append(tuple([await proxy.listen() for proxy in proxies]))
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    def send(self, name: str, number: signal.Signals) -> bool:
        """Send a signal to a process by name; False where it does not run."""
        pid = self._redis.pid if name == REDIS else self._stack.pids[name]
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, number)
                return True
        return False

    async def restart_redis(self) -> None:
        """Start Redis again if it does not run.

        Raises:
            ChildFailed: it does not start, tried several times.
        """
        async with self._redis_lock:
            for attempt in range(1, _REDIS_ATTEMPTS + 1):
                if self._redis.is_running:
                    return
                try:
                    await asyncio.to_thread(self._redis.start, _REDIS_START_S)
                except ChildFailed:  # Perhaps it was killed again while it started.
                    if attempt == _REDIS_ATTEMPTS:
                        raise

    async def heal(self) -> None:
        """Let every process run and every proxy forward."""
        for name in (REDIS, EMBEDDING, *LEARNERS):
            self.send(name, signal.SIGCONT)
        for proxy in self.proxies:
            proxy.heal()
        await self.restart_redis()

    @property
    def proxies(self) -> Sequence[Proxy]:
        return [self.redis_proxy, *self.oracle_proxies]

    async def _end(self) -> None:
        await asyncio.to_thread(self._stack.stop)
        for proxy in self.proxies:
            await proxy.close()
        await asyncio.to_thread(self._redis.stop)
