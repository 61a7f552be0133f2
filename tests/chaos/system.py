"""What is broken: Redis, learners and embedding service, with proxies before Redis and learners."""

import asyncio
import contextlib
import math
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.chaos.proxy import Proxy, to_tcp
from tests.chaos.redis_host import RedisHost

from aloe.local import LocalStack, StackOptions

LEARNERS = ("the learner", "learner 2")
EMBEDDING = "the embedding service"
REDIS = "Redis"


class System:
    """Runs while it is entered. The stack restarts services that die; `redis` does for Redis.

    Learners reach Redis through one proxy; each oracle reaches each learner through one of its own.
    """

    def __init__(self, folder: Path, socket_folder: Path, oracle_count: int) -> None:
        """Take the folders for data and logs and for sockets; nothing runs yet."""
        self._oracle_count = oracle_count
        self.redis = RedisHost(folder, socket_folder)
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
        self.disturbed_s: dict[str, float] = defaultdict(lambda: -math.inf)
        """When a process was last sent a signal or kept from starting, by the monotonic clock;
        infinite while it is kept from that."""

    async def __aenter__(self) -> Self:
        try:
            await self.redis.start()
            await self.redis.proxy.listen_unix(self._proxy_path)
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
        pid = self.redis.pid if name == REDIS else self._stack.pids[name]
        self.disturbed_s[name] = max(self.disturbed_s[name], time.monotonic())
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, number)
                return True
        return False

    @contextlib.contextmanager
    def keeping_learners(self) -> Iterator[None]:
        """Note that meanwhile something keeps learners from starting."""
        self.disturbed_s.update(dict.fromkeys(LEARNERS, math.inf))
        yield
        self.disturbed_s.update(dict.fromkeys(LEARNERS, time.monotonic()))

    async def heal(self) -> None:
        """Let every process run and every proxy forward."""
        for name in (REDIS, EMBEDDING, *LEARNERS):
            self.send(name, signal.SIGCONT)
        for proxy in self.proxies:
            proxy.heal()
        await self.redis.restart()

    @property
    def learner_pids(self) -> Mapping[str, int | None]:
        """Process ids of the learners by name; None where one does not run."""
        return {name: self._stack.pids[name] for name in LEARNERS}

    @property
    def learner_addresses(self) -> Mapping[str, str]:
        """Addresses of the learners by name, past the proxies."""
        return dict(zip(LEARNERS, self._stack.learner_addresses, strict=True))

    @property
    def embedding_address(self) -> str:
        """Of the embedding service."""
        return self._stack.embedding_address

    @property
    def proxies(self) -> Sequence[Proxy]:
        return [self.redis.proxy, *self.oracle_proxies]

    async def _end(self) -> None:
        await asyncio.to_thread(self._stack.stop)
        for proxy in self.proxies:
            await proxy.close()
        await self.redis.stop()
