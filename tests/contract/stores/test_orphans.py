"""Vectors that no pool names any more are freed; those that one names never are."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from aloe.learner.adapters.redis.orphans import OrphanSweep
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import StoreForbidden
from aloe.learner.domain.pool import Pool
from aloe.redis.connecting import connect_redis

from .conftest import new_clips, new_pool


@pytest.fixture(params=["redis_url", pytest.param("cluster_url", marks=pytest.mark.slow)])
async def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def client(url: str) -> AsyncIterator[Any]:
    connected = connect_redis(url)
    yield connected
    await connected.aclose()


@pytest.fixture
async def store(url: str) -> AsyncIterator[RedisStore]:
    made = RedisStore.of_url(url)
    yield made
    await made.close()


async def chunk_keys(client: Any, pool: Pool) -> list[str]:
    return sorted(
        [key.decode() async for key in client.scan_iter(f"aloe:chunk:{pool.pool_id}:*", count=9999)]
    )


async def test_what_a_cut_off_import_left_is_freed_and_the_pool_is_whole(store, client):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(600))
    kept = await chunk_keys(client, pool)
    await client.set(
        f"aloe:chunk:{pool.pool_id}:{pool.epoch}:{'0' * 32}", b"left by a dead learner"
    )
    assert await OrphanSweep(client, idle=timedelta(0)).sweep() >= 1
    assert await chunk_keys(client, pool) == kept
    assert np.array_equal((await store.read_vectors(pool, 0))[:, 0], np.arange(600))


async def test_what_a_cut_off_deletion_left_is_freed(store, client):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(10))
    left = {key: await client.get(key) for key in await chunk_keys(client, pool)}
    await store.delete_pool(pool.pool_id)
    for key, value in left.items():
        await client.set(key, value)
    assert await OrphanSweep(client, idle=timedelta(0)).sweep() >= 1
    assert await chunk_keys(client, pool) == []


async def test_what_is_being_written_is_left_alone(store, client):
    pool = await store.create_pool(new_pool())
    key = f"aloe:chunk:{pool.pool_id}:{pool.epoch}:{'0' * 32}"
    await client.set(key, b"not registered yet")
    await OrphanSweep(client).sweep()
    assert await client.get(key) is not None


async def test_an_append_that_redis_refuses_at_its_end_leaves_nothing(redis_url: str):
    user, admin = f"u{uuid.uuid4().hex}", connect_redis(redis_url)
    # Vectors are written, but not the clips that they are of.
    await admin.execute_command("ACL", "SETUSER", user, "on", ">secret", "~*", "+@all", "-hset")
    owner = RedisStore.of_url(redis_url)
    hindered = RedisStore.of_url(redis_url.replace("://", f"://{user}:secret@"))
    pool = await owner.create_pool(new_pool())
    with pytest.raises(StoreForbidden, match="Redis forbids it"):
        await hindered.append_clips(pool, *new_clips(600))
    assert await chunk_keys(admin, pool) == []
    await owner.append_clips(pool, *new_clips(600))
    assert len(await owner.read_vectors(pool, 0)) == 600
    await hindered.close()
    await owner.close()
    await admin.aclose()
