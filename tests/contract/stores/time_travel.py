"""Time that passes for a task without anybody waiting: in Redis what it stored is made older."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass
class Clock:
    """The time of a store in memory."""

    now: datetime = datetime(2026, 1, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def make_older(client: Any, task_id: str, duration: timedelta) -> None:
    """Let leases, the round in progress and answers to requests be so much older."""
    prefix, by_ms = f"aloe:{{task:{task_id}}}:", round(duration.total_seconds() * 1000)
    for lease_id in await client.zrange(prefix + "expiries", 0, -1):
        await client.zincrby(prefix + "expiries", -by_ms, lease_id)
    if await client.hexists(prefix + "meta", "round_until"):
        await client.hincrby(prefix + "meta", "round_until", -by_ms)
    async for key in client.scan_iter(prefix + "request:*", count=10_000):
        # A life that is over ends the key.
        await client.pexpire(key, await client.pttl(key) - by_ms)
