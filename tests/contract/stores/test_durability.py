"""A Redis that would lose labels is refused or told, at the start and from then on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from tests.needing_redis import needing_redis

from aloe.learner.adapters.redis.durability import DurabilityWatch
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import StoreUnavailable, StoreUnfit
from aloe.local.redis_child import RedisChild
from aloe.local.redis_server import redis_child


@pytest.fixture
def child(tmp_path: Path) -> Iterator[RedisChild]:
    """A Redis that nobody else uses."""
    with needing_redis():
        child = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "redis.log")
    child.start(timeout_s=30)
    yield child
    child.stop()


@pytest.fixture
def own_redis(child: RedisChild, tmp_path: Path) -> str:
    return f"unix://{tmp_path / 'r.sock'}"


async def set_up(url: str, **settings: str) -> None:
    async with redis.asyncio.Redis.from_url(url) as client:
        for name, value in settings.items():
            await client.config_set(name.replace("_", "-"), value)


async def prepared(url: str, **settings: str) -> None:
    await set_up(url, **settings)
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


async def test_a_replica_is_refused(own_redis):
    async with redis.asyncio.Redis.from_url(own_redis) as client:
        await client.replicaof("127.0.0.1", 1)
    with pytest.raises(StoreUnfit, match=r"is a replica of 127\.0\.0\.1:1.*URL of the primary"):
        await prepared(own_redis)


async def test_a_wrong_login_is_refused_and_not_waited_for(own_redis):
    await set_up(own_redis, requirepass="right")
    with pytest.raises(StoreUnfit, match="wants a login"):
        await prepared(own_redis.replace("://", "://:hunter2@"))


async def test_one_that_is_not_there_is_waited_for(tmp_path):
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await prepared(f"unix://{tmp_path}/nobody.sock")


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "set maxmemory-policy noeviction"),
        ({"appendonly": "no"}, "set appendonly yes"),
        ({"appendfsync": "everysec"}, "set appendfsync always"),
        ({"maxmemory": "1"}, "raise maxmemory, or delete pools or tasks"),
    ],
)
async def test_what_a_crash_or_a_setting_may_cost_is_told(own_redis, caplog, settings, remedy):
    await prepared(own_redis)
    with caplog.at_level(logging.WARNING):
        await prepared(own_redis, **settings)
    (told,) = caplog.messages
    assert told.endswith(remedy)


class Told:
    """What a watch told last."""

    def __init__(self) -> None:
        self.kinds: Collection[str] = ()
        self._changed = asyncio.Event()

    def __call__(self, kinds: Collection[str]) -> None:
        self.kinds = kinds
        self._changed.set()

    async def until(self, wanted: Callable[[Collection[str]], Any]) -> None:
        async with asyncio.timeout(20):
            while not wanted(self.kinds):
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def told(own_redis: str) -> AsyncIterator[Told]:
    found = Told()
    watch = DurabilityWatch(own_redis, 0, found, period_s=0.02)
    await watch.start()
    yield found
    await watch.stop()


async def test_what_changes_later_is_told_once_and_when_it_is_over(own_redis, told, caplog):
    with caplog.at_level(logging.INFO, "aloe.learner"):
        await set_up(own_redis, appendfsync="everysec", maxmemory_policy="allkeys-lru")
        await told.until(lambda kinds: kinds == {"fsync", "eviction"})
        await set_up(own_redis, appendfsync="always", maxmemory_policy="noeviction")
        await told.until(lambda kinds: not kinds)
    warnings = [each for each in caplog.messages if not each.startswith("over: ")]
    over = [each for each in caplog.messages if each.startswith("over: ")]
    assert (len(warnings), len(over)) == (2, 2)
    assert all(": set " in each for each in warnings)
    assert not [each for each in over if ": set " in each]  # What helps is no use any more.


async def test_a_redis_that_went_away_is_told_and_what_was_known_of_it_stays(
    own_redis, child, told, caplog
):
    await set_up(own_redis, appendfsync="everysec")
    await told.until(lambda kinds: kinds == {"fsync"})
    await asyncio.to_thread(child.stop)
    await told.until(lambda kinds: kinds == {"fsync", "unreachable"})
    # Here and not in a thread, with which it would end; and with its settings of before.
    child.start(timeout_s=30)
    await told.until(lambda kinds: not kinds)
    (turn,) = [each for each in caplog.records if "started again" in each.message]
    assert turn.levelno == logging.ERROR  # With everysec the last second may be lost.


async def test_a_plain_restart_of_one_that_keeps_everything_is_no_error(
    own_redis, child, told, caplog
):
    await asyncio.to_thread(child.stop)
    await told.until(lambda kinds: kinds == {"unreachable"})
    child.start(timeout_s=30)
    await told.until(lambda kinds: not kinds)
    (turn,) = [each for each in caplog.records if "started again" in each.message]
    assert turn.levelno == logging.WARNING
    assert "nothing acknowledged is lost" in turn.message
