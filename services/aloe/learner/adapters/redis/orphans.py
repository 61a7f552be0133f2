"""Frees the vectors that nothing names: what an import or a deletion left that was cut off.

Chunks are written before they are registered and unlinked after a pool is deleted. Where Redis or
the learner dies in between, nobody would ever free them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import timedelta

from redis.exceptions import ResponseError

from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.scripts import guarded
from aloe.learner.domain.errors import LearnerError
from aloe.redis.connecting import RedisClient

_CHUNKS = "aloe:chunk:"
_SCANNED_AT_ONCE = 500
_PERIOD_S = 3_600.0

_log = logging.getLogger(__name__)


class OrphanSweep:
    """Looks for such chunks at once and then every hour."""

    def __init__(self, client: RedisClient, *, idle: timedelta = timedelta(hours=1)) -> None:
        """Look at nothing yet.

        Args:
            client: to look with.
            idle: how long nobody must have written or read a chunk. Far longer than it takes a
                learner to register it.
        """
        self._redis, self._idle_s = client, idle.total_seconds()
        self._sweeping: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    def start(self) -> None:
        """Begin, in the background."""
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(self._sweep_again_and_again())

    async def stop(self) -> None:
        """Look no more."""
        self._ending.set()  # A cancellation alone may get lost while the client connects.
        if self._sweeping:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)

    @guarded
    async def sweep(self) -> int:
        """Free what nothing names, and return how many chunks that were."""
        freed = 0
        keys: list[str] = []
        async for key in self._redis.scan_iter(f"{_CHUNKS}*", count=_SCANNED_AT_ONCE):
            keys.append(key.decode())
            if len(keys) == _SCANNED_AT_ONCE:
                freed += await self._free_orphans(keys)
                keys = []
        return freed + await self._free_orphans(keys)

    async def _sweep_again_and_again(self) -> None:
        while not self._ending.is_set():
            try:
                freed = await self.sweep()
            except LearnerError as error:
                _log.info("looking for vectors that nothing names: %s", error)
            except Exception:  # noqa: BLE001 - the next sweep may do better
                _log.exception("looking for vectors that nothing names failed")
            else:
                if freed:
                    _log.info("freed %d chunks of vectors that an import or deletion left", freed)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _PERIOD_S)

    async def _free_orphans(self, keys: Sequence[str]) -> int:
        freed = 0
        named: dict[tuple[str, str], set[str]] = {}
        for key in keys:
            pool_id, epoch, chunk_id = key.removeprefix(_CHUNKS).rsplit(":", 2)
            # In this order: what is registered after it was looked up has been written just now.
            if await self._idle_s_of(key) < self._idle_s:
                continue
            if (pool_id, epoch) not in named:
                named[pool_id, epoch] = await self._named_by(pool_id, epoch)
            if chunk_id not in named[pool_id, epoch]:
                freed += await self._redis.unlink(key)
        return freed

    async def _idle_s_of(self, key: str) -> float:
        """Return how long a key was not used; none where Redis counts uses instead."""
        with contextlib.suppress(ResponseError):
            return float(await self._redis.object("IDLETIME", key) or 0)
        return -1.0

    async def _named_by(self, pool_id: str, epoch: str) -> set[str]:
        """Return the ids of a pool's chunks; none if it is gone or was made anew since."""
        keys = PoolKeys(pool_id)
        chunks = await self._redis.lrange(keys.chunks, 0, -1)
        if await self._redis.hget(keys.meta, "epoch") != epoch.encode():
            return set()
        return {text.decode().rpartition(" ")[2] for text in chunks}
