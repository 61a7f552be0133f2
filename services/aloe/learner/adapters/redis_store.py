"""Redis as the only truth: pools and tasks, each change one atomic script.

Every key, by its full name; {…} is the hash tag that keeps one task's or pool's small keys together
in a cluster. All live until their pool or task is deleted, but for the request answers.

| key | type | holds |
| --- | --- | --- |
| aloe:pools, aloe:tasks | set | ids; may name some that are gone or never came to be |
| aloe:{pool:ID}:meta | hash | spec (JSON), epoch, clip_count |
| aloe:{pool:ID}:clips | list | one clip a row (JSON) |
| aloe:{pool:ID}:rows | hash | clip id -> "row content-hash" |
| aloe:{pool:ID}:chunks | list | "first-row row-count chunk-id", in order |
| aloe:{pool:ID}:tasks | set | ids of tasks on it; may name some that are gone or elsewhere |
| aloe:chunk:ID:EPOCH:CHUNK | string | up to 255 vectors, float32, immutable; untagged to spread |
| aloe:{task:ID}:meta | hash | spec (JSON), epoch, budget, counters, versions, fence |
| aloe:{task:ID}:labels | hash | row -> state, class, time, oracle, lease (JSON) |
| aloe:{task:ID}:holds | hash | row -> lease that holds it |
| aloe:{task:ID}:leases | hash | lease -> row, oracle, expiry, open; a week longer than it |
| aloe:{task:ID}:expiries | sorted set | lease by when it ends, or is forgotten |
| aloe:{task:ID}:events | stream | everything that changed, in order |
| aloe:{task:ID}:heads | hash | version -> weights and biases, the last few |
| aloe:{task:ID}:rounds | hash | version -> round (JSON) |
| aloe:{task:ID}:request:EPOCH:KIND:RID | string | answer to a request id, for a day |
"""

from aloe.learner.adapters.redis_pools import RedisPools
from aloe.learner.adapters.redis_scripts import RedisClient, connect_redis
from aloe.learner.adapters.redis_tasks import RedisTasks


class RedisStore(RedisPools, RedisTasks):
    """The Store of a Redis server."""

    def __init__(self, client: RedisClient) -> None:
        RedisPools.__init__(self, client)
        RedisTasks.__init__(self, client)

    @classmethod
    def of_url(cls, url: str) -> "RedisStore":
        """Make one for a redis://, rediss:// or unix:// URL; nothing is sent yet."""
        return cls(connect_redis(url))

    async def close(self) -> None:
        await self._redis.aclose()
