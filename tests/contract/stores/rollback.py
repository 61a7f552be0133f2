"""A Redis that goes back to an earlier state while it runs, as after a lossy failover."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aloe.redis.connecting import RedisClient

ALL_KEYS = ("aloe:*",)
_DUMP = """
local found = {}
for _, pattern in ipairs(ARGV) do
  for _, key in ipairs(redis.call('KEYS', pattern)) do
    table.insert(found, key)
    table.insert(found, redis.call('DUMP', key))
    table.insert(found, redis.call('PTTL', key))
  end
end
return found
"""


def keys_of(pool_id: str, *task_ids: str) -> tuple[str, ...]:
    """Patterns of the keys of a pool and of tasks: the rest of a shared Redis stays as it is."""
    return (
        f"aloe:{{pool:{pool_id}}}:*",
        f"aloe:chunk:{pool_id}:*",
        f"aloe:mapped:{pool_id}:*",
        *(f"aloe:{{task:{task_id}}}:*" for task_id in task_ids),
    )


@dataclass(frozen=True)
class Snapshot:
    """The state of some keys."""

    patterns: Sequence[str]
    dumps: dict[bytes, tuple[bytes, int]]
    """By key: what DUMP gives, and the milliseconds left to it, 0 for ever."""


async def snapshot(client: RedisClient, patterns: Sequence[str] = ALL_KEYS) -> Snapshot:
    """Note the state of all keys that match one of some patterns, at one moment."""
    flat: list[Any] = await client.eval(_DUMP, 0, *map(_escaped, patterns))
    return Snapshot(
        patterns,
        {
            key: (dump, max(0, life_ms))
            for key, dump, life_ms in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        },
    )


async def go_back(client: RedisClient, to: Snapshot) -> None:
    """Bring the keys back to a state, all at once."""
    now = await _matching(client, to.patterns)
    async with client.pipeline(transaction=True) as pipeline:
        if gone := [key for key in now if key not in to.dumps]:
            pipeline.delete(*gone)
        for key, (dump, life_ms) in to.dumps.items():
            pipeline.restore(key, life_ms, dump, replace=True)
        await pipeline.execute()


async def _matching(client: RedisClient, patterns: Sequence[str]) -> list[bytes]:
    return [
        key
        for pattern in patterns
        async for key in client.scan_iter(_escaped(pattern), count=10_000)
    ]


def _escaped(pattern: str) -> str:
    return pattern.replace("{", "[{]")
