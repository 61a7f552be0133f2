"""A reply that got lost makes redis-py send a script again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import redis.asyncio
from redis.asyncio.client import Pipeline

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.clip_changes import NEW, REPLACED, ImportRules, Placement, Placing, Removal
from aloe.learner.domain.events import START_OF_LOG
from aloe.redis.connecting import connect_blocking

from .conftest import make_scene, new_clips, new_pool


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
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    client = _RepeatingRedis.from_url(redis_url)
    store = RedisStore(client, VectorReader(partial(connect_blocking, redis_url)))
    yield store
    await store.close()


async def test_an_append_that_is_repeated_keeps_its_vectors(store: RedisStore):
    pool = await store.create_pool(new_pool())
    for first, count in ((0, 40), (40, 300), (340, 600)):
        found = await store.append_clips(pool, *new_clips(count, first=first))
        assert found.placements == [NEW] * count
    async with asyncio.timeout(10):
        vectors = await store.read_vectors(pool, 0)
    assert np.array_equal(vectors[:, 0], np.arange(940))


async def test_a_change_of_names_that_is_repeated_is_told_as_it_was_made(store: RedisStore):
    pool = await store.create_pool(new_pool())
    clips, vectors = new_clips(2)
    await store.append_clips(pool, clips, vectors)
    twin = replace(clips[0], clip_id="twin")
    found = await store.append_clips(pool, [twin], vectors[:1])
    assert found.placements == [Placement(Placing.ALIASED, "clip-0")]
    other = replace(clips[1], content_hash="other")
    found = await store.append_clips(pool, [other], vectors[:1], ImportRules(replace=True))
    assert found.placements == [REPLACED]
    assert await store.remove_clips(pool, ["clip-0"]) == Removal(1, 0, 0)
    await store.rename_clip(pool, "clip-1", "renamed")
    stored = await store.read_pool(pool.pool_id)
    assert (stored.row_count, stored.retired_count, stored.change_count) == (3, 2, 4)


async def test_an_update_that_is_repeated_is_made_once(store: RedisStore):
    scene = await make_scene(store)
    await store.update_task(replace(scene.task, label_budget=3))
    task, _ = await store.read_task(scene.task.task_id)
    assert (task.label_budget, task.revision) == (3, 1)
    assert len(await store.read_events(task, START_OF_LOG)) == 2
