"""What befalls a Redis without its dying: no room, long scripts of others, a foreign key."""

import asyncio
import random
import time
from typing import Any

from tests.chaos.disruptions import Damage
from tests.chaos.redis_host import RedisHost
from tests.chaos.scene import PLANS
from tests.chaos.surgery import Surgery

_MEMORY_LEFT_BYTES, _DISK_LEFT_BYTES = 50_000, 4_096
_BUSY_AFTER_MS, _BUSY_AFTER_DEFAULT_MS = 50, 5_000
# By the processor's clock: the wall clock may be set meanwhile.
_BUSY = "local stop = os.clock() + tonumber(ARGV[1]) while os.clock() < stop do end"
_KEYS = ("meta", "labels", "holds", "leases", "expiries", "events", "heads", "rounds")
# Whole or not at all, also where memory ends: what needs some comes first. And once, if repeated.
_TAKE_KEY = """
if redis.call('TYPE', KEYS[1]).ok == 'string' then return end
redis.call('SET', KEYS[3], 'foreign')
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
redis.call('RENAME', KEYS[3], KEYS[1])
"""
_GIVE_KEY_BACK = """
if redis.call('TYPE', KEYS[1]).ok == 'string' then redis.call('DEL', KEYS[1]) end
if redis.call('EXISTS', KEYS[1]) == 0 and redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('RENAME', KEYS[2], KEYS[1])
end
"""


class StoreSabotage:
    """Each fault lasts a moment, and is undone."""

    def __init__(self, host: RedisHost, surgery: Surgery, rng: random.Random) -> None:
        self._host, self._surgery, self._rng = host, surgery, rng

    async def fill_memory(self) -> None:
        """Let it take hardly anything more."""
        await self._surgery.once(_limit_memory)
        await self._last(3)
        await self._surgery.surely(lambda client: client.config_set("maxmemory", 0))

    async def fill_disk(self) -> None:
        """Let its append-only file grow hardly any more; it ends at the first write that fails."""
        self._host.allow_growth(_DISK_LEFT_BYTES)
        await self._last(3)
        self._host.allow_growth(None)
        await self._host.restart()

    async def keep_busy(self) -> None:
        """Run a long script, so that it answers BUSY to others."""
        busy_s = self._rng.uniform(0.3, 2)
        await self._surgery.once(lambda client: client.config_set("lua-time-limit", _BUSY_AFTER_MS))
        await self._surgery.once(lambda client: client.eval(_BUSY, 0, busy_s))
        await self._surgery.surely(
            lambda client: client.config_set("lua-time-limit", _BUSY_AFTER_DEFAULT_MS)
        )

    async def make_read_only(self) -> None:
        """Make it the replica of nobody's, which takes no changes."""
        await self._surgery.once(lambda client: client.replicaof("127.0.0.1", 1))
        await self._last(3)
        await self._surgery.surely(lambda client: client.replicaof("NO", "ONE"))

    async def put_foreign_key(self) -> Damage:
        """Put a key of another type in the place of one of a task's, and give it back."""
        task_id = self._rng.choice(PLANS).task_id
        key = f"aloe:{{task:{task_id}}}:{self._rng.choice(_KEYS)}"
        keys = (key, f"{key}:taken", f"{key}:foreign")
        async with self._surgery.alone:
            from_s = time.monotonic()
            await self._surgery.once(lambda client: client.eval(_TAKE_KEY, 3, *keys))
            await self._last(1.5)
            await self._surgery.surely(lambda client: client.eval(_GIVE_KEY_BACK, 3, *keys))
            return Damage(task_id, from_s, time.monotonic())

    async def _last(self, most_s: float) -> None:
        await asyncio.sleep(self._rng.uniform(0.3, most_s))


async def _limit_memory(client: Any) -> None:
    used = (await client.info("memory"))["used_memory"]
    await client.config_set("maxmemory", used + _MEMORY_LEFT_BYTES)
