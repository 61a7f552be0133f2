"""Frees the vectors that nothing names: what an import or a deletion left that was cut off.

Chunks are written before they are registered and unlinked after a pool is deleted. Where Redis or
the learner dies in between, nobody would ever free them. And what a map made of them is of no use
once there is a newer map of its kind and no head reads it any more.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from redis.exceptions import ResponseError

from aloe.learner.adapters.redis.members import read_members
from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.scripts import guarded, reading
from aloe.learner.adapters.redis.task_scripts import TaskKeys
from aloe.learner.domain.errors import LearnerError
from aloe.learner.domain.representations.naming import newest_names
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import CHUNKS, MAPPED

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
        """Free what nothing names, and return how many values that were."""
        freed = 0
        for prefix in (CHUNKS, MAPPED):
            keys: list[str] = []
            async for key in self._redis.scan_iter(f"{prefix}*", count=_SCANNED_AT_ONCE):
                keys.append(key.decode().removeprefix(prefix))
                if len(keys) == _SCANNED_AT_ONCE:
                    freed += await self._free_orphans(prefix, keys)
                    keys = []
            freed += await self._free_orphans(prefix, keys)
        return freed

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
                    _log.info("freed %d chunks of vectors that nothing needs any more", freed)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _PERIOD_S)

    async def _free_orphans(self, prefix: str, keys: Sequence[str]) -> int:
        freed = 0
        named: dict[tuple[str, str], _Named] = {}
        for key in keys:
            pool_id, epoch, chunk_id, *maps = key.split(":")
            # In this order: what is registered after it was looked up has been written just now.
            if await self._idle_s_of(prefix + key) < self._idle_s:
                continue
            if (pool_id, epoch) not in named:
                named[pool_id, epoch] = await self._named_by(pool_id, epoch, with_maps=bool(maps))
            by_pool = named[pool_id, epoch]
            if chunk_id not in by_pool.chunk_ids or not by_pool.map_names.issuperset(maps):
                freed += await self._redis.unlink(prefix + key)
        return freed

    async def _idle_s_of(self, key: str) -> float:
        """Return how long a key was not used; none where Redis counts uses instead."""
        with contextlib.suppress(ResponseError):
            return float(await self._redis.object("IDLETIME", key) or 0)
        return -1.0

    async def _named_by(self, pool_id: str, epoch: str, *, with_maps: bool) -> "_Named":
        """Return what a pool names; nothing if it is gone or was made anew since."""
        keys = PoolKeys(pool_id)
        chunks = await self._redis.lrange(keys.chunks, 0, -1)
        maps = await self._maps_of_use(keys) if with_maps else set()
        if await self._redis.hget(keys.meta, "epoch") != epoch.encode():
            return _Named(set(), set())
        return _Named({text.decode().rpartition(" ")[2] for text in chunks}, maps)

    async def _maps_of_use(self, keys: PoolKeys) -> set[str]:
        with reading(keys.maps):
            names = newest_names(name.decode() for name in await self._redis.hkeys(keys.maps))
        for task_id in await read_members(self._redis, keys.tasks):
            names |= await self._read_by_heads(task_id)
        return names

    async def _read_by_heads(self, task_id: str) -> set[str]:
        key = TaskKeys(task_id).heads
        fields = [field for field in await self._redis.hkeys(key) if field.endswith(b":map")]
        names = await self._redis.hmget(key, fields) if fields else []
        return {name.decode() for name in names if name}


@dataclass(frozen=True, slots=True)
class _Named:
    """What is of use of a pool."""

    chunk_ids: set[str]
    map_names: set[str]
    """Of the newest map of each kind, and of those that heads read."""
