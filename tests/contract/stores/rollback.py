"""A Redis that goes back to an earlier state while it runs, as after a lossy failover."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aloe.redis.connecting import RedisClient

ALL_KEYS = ("aloe:*",)


def keys_of(pool_id: str, *task_ids: str) -> tuple[str, ...]:
    """Patterns of the keys of a pool and of tasks: the rest of a shared Redis stays as it is."""
    return (
        f"aloe:{{pool:{pool_id}}}:*",
        f"aloe:chunk:{pool_id}:*",
        *(f"aloe:{{task:{task_id}}}:*" for task_id in task_ids),
    )


@dataclass(frozen=True)
class Snapshot:
    """The state of some keys."""

    patterns: Sequence[str]
    dumps: dict[bytes, tuple[bytes, int]]
    """By key: what DUMP gives, and the milliseconds left to it, 0 for ever."""


async def snapshot(client: RedisClient, patterns: Sequence[str] = ALL_KEYS) -> Snapshot:
    """Note the state of all keys that match one of some patterns."""
    keys = await _matching(client, patterns)
    async with client.pipeline(transaction=True) as pipeline:
        for key in keys:
            pipeline.dump(key)
            pipeline.pttl(key)
        replies: list[Any] = await pipeline.execute()
    dumps = {
        key: (dump, max(0, life_ms))
        for key, dump, life_ms in zip(keys, replies[::2], replies[1::2], strict=True)
    }
    return Snapshot(patterns, dumps)


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
        async for key in client.scan_iter(pattern.replace("{", "[{]"), count=10_000)
    ]
