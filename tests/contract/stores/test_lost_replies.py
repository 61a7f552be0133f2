"""A reply that got lost makes redis-py send a script again."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import redis.asyncio
from redis.asyncio.client import Pipeline

from aloe.learner.adapters.redis.client import connect_blocking
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pools import RedisPools
from aloe.learner.adapters.redis.vectors import VectorReader

from .conftest import new_clips, new_pool


class _RepeatingPipeline(Pipeline):
    """Loses its first replies, and so runs everything twice."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = list(self.command_stack)
        await super().execute(raise_on_error=False)
        self.command_stack = commands
        return await super().execute(raise_on_error)


class _RepeatingRedis(redis.asyncio.Redis):
    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _RepeatingPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


@pytest.fixture
async def pools(redis_url: str) -> AsyncIterator[RedisPools]:
    client = _RepeatingRedis.from_url(redis_url)
    vectors = VectorReader(partial(connect_blocking, redis_url))
    yield RedisPools(client, Pipelines(client), vectors)
    vectors.close()
    await client.aclose()


async def test_an_append_that_is_repeated_keeps_its_vectors(pools: RedisPools):
    pool = await pools.create_pool(new_pool())
    for first, count in ((0, 40), (40, 300), (340, 600)):
        found = await pools.append_clips(pool, *new_clips(count, first=first))
        assert found == [None] * count
    async with asyncio.timeout(10):
        vectors = await pools.read_vectors(pool, 0)
    assert np.array_equal(vectors[:, 0], np.arange(940))
