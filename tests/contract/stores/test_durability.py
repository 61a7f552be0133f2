"""A Redis that would lose labels is refused or told."""

import logging

import pytest
import redis.asyncio
from tests.needing_redis import needing_redis

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import StoreUnfit
from aloe.local.redis_server import redis_child


@pytest.fixture
def own_redis(tmp_path):
    """The URL of a Redis that nobody else uses."""
    with needing_redis():
        child = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "redis.log")
    child.start(timeout_s=30)
    yield f"unix://{tmp_path / 'r.sock'}"
    child.stop()


async def prepared(url: str, **settings: str) -> None:
    client = redis.asyncio.Redis.from_url(url)
    for name, value in settings.items():
        await client.config_set(name.replace("_", "-"), value)
    await client.aclose()
    store = RedisStore.of_url(url)
    try:
        await store.prepare()
    finally:
        await store.close()


async def test_one_that_keeps_everything_is_taken_without_a_word(own_redis, caplog):
    await prepared(own_redis)
    assert not caplog.records


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_one_that_deletes_keys_is_refused(own_redis, policy):
    with pytest.raises(StoreUnfit, match=f"{policy}.*set maxmemory-policy noeviction"):
        await prepared(own_redis, maxmemory="100mb", maxmemory_policy=policy)


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "set maxmemory-policy noeviction"),
        ({"appendonly": "no"}, "set appendonly yes"),
        ({"appendfsync": "everysec"}, "set appendfsync always"),
    ],
)
async def test_what_a_crash_or_a_setting_may_cost_is_told(own_redis, caplog, settings, remedy):
    with caplog.at_level(logging.WARNING):
        await prepared(own_redis, **settings)
    (told,) = caplog.messages
    assert told.endswith(remedy)
