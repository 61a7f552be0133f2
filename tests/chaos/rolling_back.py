"""Puts the store back to what it was some seconds before, in the ways in which that happens."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.disruptions import Rollback
from tests.chaos.kept_copies import DumpedKey, Rewritten, dump_keys, restore_keys
from tests.chaos.redis_host import RedisHost
from tests.chaos.surgery import Surgery

_SHORTEST_S, _LONGEST_S = 0.5, 8.0
"""How much time is lost."""


class RollingBack:
    """Rolls one Redis back, once at a time."""

    def __init__(self, host: RedisHost, surgery: Surgery, rng: random.Random) -> None:
        self._host, self._surgery, self._rng = host, surgery, rng

    async def on_older_files(self) -> Rollback | None:
        """Kill Redis and start it on older files, as one restores a backup.

        Returns:
            What was done; None where no copy could be made.
        """
        return await self._exchange(self._host.put_back)

    async def on_lagging_replica(self) -> Rollback | None:
        """Have another Redis take over that lags behind; None where no copy could be made."""
        return await self._exchange(self._host.fail_over)

    async def under_connections(self) -> Rollback:
        """Put every key back at one moment: no connection ends, and Redis has the id it had."""
        async with self._surgery.alone:
            snapshot_s, dumped = await self._surgery.surely(_timed_dump)
            await self._lose_time()
            await self._surgery.surely(lambda client: restore_keys(client, dumped))
            back_s = time.monotonic()
            return Rollback(snapshot_s, back_s, back_s)

    async def _exchange(self, exchange: Callable[[Path], Awaitable[float]]) -> Rollback | None:
        async with self._surgery.alone:
            snapshot_s = time.monotonic()
            try:
                copy = await self._host.copy()
            except Rewritten:
                return None
            await self._lose_time()
            gone_s = await exchange(copy)
            return Rollback(snapshot_s, gone_s, time.monotonic())

    async def _lose_time(self) -> None:
        await asyncio.sleep(self._rng.uniform(_SHORTEST_S, _LONGEST_S))


async def _timed_dump(client: Any) -> tuple[float, Sequence[DumpedKey]]:
    return time.monotonic(), await dump_keys(client)
