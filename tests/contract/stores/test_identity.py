"""The id of a store's data: one for all who ask, for as long as the data is there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.ports.store import Store
from aloe.local.redis_server import redis_child


async def test_it_stays_the_same(store: Store):
    first = await store.identity()
    assert first
    assert "/" not in first
    assert await store.identity() == first


@pytest.fixture
async def learners(tmp_path: Path, redis_url: str) -> AsyncIterator[list[RedisStore]]:
    """Several stores on a Redis of their own, which may be emptied."""
    child = redis_child(tmp_path / "data", tmp_path / "redis.sock", tmp_path / "log")
    child.start(timeout_s=30)
    stores = [RedisStore.of_url(f"unix://{tmp_path / 'redis.sock'}") for _ in range(3)]
    yield stores
    for each in stores:
        await each.close()
    child.stop()


async def test_all_learners_on_one_redis_have_the_same_until_it_is_emptied(learners):
    before = set(await asyncio.gather(*[each.identity() for each in learners]))
    assert len(before) == 1
    await learners[0]._redis.flushall()
    after = set(await asyncio.gather(*[each.identity() for each in learners]))
    assert len(after) == 1
    assert not before & after
