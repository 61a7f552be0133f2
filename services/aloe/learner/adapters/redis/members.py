"""Sets of ids in Redis."""

from aloe.learner.adapters.redis.scripts import reading
from aloe.redis.connecting import RedisClient


async def read_members(client: RedisClient, key: str) -> list[str]:
    """Return the ids in a set, sorted. Raises StoreDamaged where one of them is no text."""
    with reading(key):
        return sorted(member.decode() for member in await client.smembers(key))
