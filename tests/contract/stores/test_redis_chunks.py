"""Chunks of vectors, where more than one learner writes them and where Redis does not take all."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import redis.asyncio

from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.pools import RedisPools
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.errors import StoreDamaged, StoreFull
from aloe.learner.domain.pool import Pool
from aloe.redis.connecting import connect_blocking

from .conftest import new_clips, new_pool


@pytest.fixture
async def two_stores(redis_url: str) -> AsyncIterator[tuple[RedisStore, RedisStore]]:
    stores = RedisStore.of_url(redis_url), RedisStore.of_url(redis_url)
    yield stores
    for store in stores:
        await store.close()


@pytest.fixture
async def bare(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def chunk_keys(bare: redis.asyncio.Redis, pool: Pool) -> list[bytes]:
    return [key async for key in bare.scan_iter(f"aloe:chunk:{pool.pool_id}:*", count=10_000)]


async def test_two_learners_append_in_turn(two_stores: tuple[RedisStore, RedisStore]):
    first, second = two_stores
    pool = await first.create_pool(new_pool())
    row = 0
    for store, count in ((first, 10), (second, 20), (first, 5), (first, 300), (second, 255)):
        await store.append_clips(pool, *new_clips(count, first=row))
        row += count
    vectors = await first.read_vectors(pool, 0)
    assert np.array_equal(vectors[:, 0], np.arange(row))
    assert [clip.clip_id for clip in await second.read_clips(pool, 0, row)] == [
        f"clip-{n}" for n in range(row)
    ]


async def test_vectors_that_a_failover_took_back_do_not_come_again_as_those_of_others(
    two_stores: tuple[RedisStore, RedisStore], bare: redis.asyncio.Redis
):
    first, second = two_stores
    pool = await first.create_pool(new_pool())
    keys = PoolKeys(pool.pool_id)
    before = await bare.dump(keys.meta)
    assert before
    await first.append_clips(pool, *new_clips(10))
    # What another server knew before the clips came, while the chunk of their vectors is there.
    await bare.delete(keys.clips, keys.rows, keys.chunks)
    await bare.restore(keys.meta, 0, before, replace=True)
    await second.append_clips(pool, *new_clips(10, first=100))
    await first.append_clips(pool, *new_clips(5, first=200))
    vectors = await second.read_vectors(pool, 0)
    assert vectors[:, 0].tolist() == [*range(100, 110), *range(200, 205)]


async def test_a_chunk_that_redis_lost_is_named_and_nobody_waits_for_it(
    two_stores: tuple[RedisStore, RedisStore], bare: redis.asyncio.Redis
):
    store, _ = two_stores
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(300))
    (tail,) = [key for key in await chunk_keys(bare, pool) if await bare.strlen(key) < 255 * 4 * 4]
    await bare.delete(tail)
    async with asyncio.timeout(10):
        with pytest.raises(StoreDamaged, match=tail.decode()):
            await store.read_vectors(pool, 0)
        with pytest.raises(StoreDamaged, match=tail.decode()):
            await store.append_clips(pool, *new_clips(1, first=300))


class _FullRedis(redis.asyncio.Redis):
    """Takes no second chunk."""

    set_count = 0

    async def set(self, *args: Any, **kwargs: Any) -> Any:
        self.set_count += 1
        if self.set_count == 2:
            raise redis.exceptions.OutOfMemoryError("command not allowed")
        return await super().set(*args, **kwargs)


async def test_of_an_append_that_fails_nothing_is_left(redis_url: str, bare: redis.asyncio.Redis):
    client = _FullRedis.from_url(redis_url)
    vectors = VectorReader(partial(connect_blocking, redis_url))
    pools = RedisPools(client, Pipelines(client), vectors)
    pool = await pools.create_pool(new_pool())
    with pytest.raises(StoreFull):
        await pools.append_clips(pool, *new_clips(1_000))
    assert await chunk_keys(bare, pool) == []
    await pools.append_clips(pool, *new_clips(1_000))
    assert np.array_equal((await pools.read_vectors(pool, 0))[:, 0], np.arange(1_000))
    vectors.close()
    await client.aclose()


async def test_many_appends_at_once_do_not_use_up_the_connections(redis_url: str):
    # Two for each append, to look what is there, and the few that write.
    store = RedisStore.of_url(f"{redis_url}?max_connections=40")
    pools = [await store.create_pool(new_pool()) for _ in range(16)]
    await asyncio.gather(*(store.append_clips(pool, *new_clips(2_000)) for pool in pools))
    for pool in pools:
        assert (await store.read_pool(pool.pool_id)).clip_count == 2_000
    await store.close()
