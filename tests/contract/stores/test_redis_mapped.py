"""Mapped vectors in Redis: never those of other clips, and gone when they are of no use."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from aloe.learner.adapters.redis.orphans import OrphanSweep
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import StoreWentBack
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.representations.fitting import fit
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.redis.connecting import connect_redis
from aloe.values.representations import Representation
from aloe.values.states import ClipState

from .conftest import DIM, Scene, make_scene, new_clips
from .heads import a_head, a_round
from .rollback import go_back, snapshot

OUT_DIM = 3


@pytest.fixture(params=["redis_url", pytest.param("cluster_url", marks=pytest.mark.slow)])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator["Kept"]:
    url = request.getfixturevalue(request.param)
    store, client = RedisStore.of_url(url), connect_redis(url)
    scene = await make_scene(store)
    await store.append_clips(scene.pool, *new_clips(594, first=6))
    pool = await store.read_pool(scene.pool.pool_id)
    yield Kept(replace(scene, pool=pool), client)
    await client.aclose()
    await store.close()


class Kept:
    """A pool of 600 clips with a task, and a client of its Redis."""

    def __init__(self, scene: Scene, client: Any) -> None:
        self.scene, self.client = scene, client
        self.store, self.pool = scene.store, scene.pool

    async def keep(self, name: str, value: float = 1.0) -> None:
        vectors = np.full((self.pool.row_count, OUT_DIM), value, np.float32)
        await self.store.keep_mapped(self.pool, name, 0, vectors)

    async def missing(self, name: str, pool: Pool | None = None) -> list[range]:
        pool = pool or self.pool
        out = np.empty((pool.row_count, OUT_DIM), np.float32)
        return await self.store.read_mapped(pool, name, 0, out)

    async def keys(self) -> list[str]:
        pattern = f"aloe:mapped:{self.pool.pool_id}:*"
        return sorted([key.decode() async for key in self.client.scan_iter(pattern, count=9999)])

    async def sweep(self) -> int:
        return await OrphanSweep(self.client, idle=timedelta(0)).sweep()

    async def train(self, map_name: str, *labels: int) -> None:
        """Publish a head that reads a map."""
        changes = [LabelChange(row, ClipState.LABELED, row % 2) for row in labels]
        await self.store.import_labels(self.scene.task, changes)
        ticket = await self.store.begin_round(self.scene.task, "t", timedelta(minutes=1))
        assert ticket is not None
        head = replace(a_head(ticket.head_version), map_name=map_name)
        assert await self.store.publish_head(ticket, head, a_round(ticket.head_version))


def map_of(version: int) -> PoolMap:
    vectors = np.random.default_rng(version).normal(size=(9, DIM)).astype(np.float32)
    return fit(Representation.KERNEL, vectors, 0, version=version)


ALL, REST = [range(600)], [range(510, 600)]


async def test_a_deleted_pool_leaves_nothing(kept: Kept):
    first = map_of(1)
    await kept.store.add_map(kept.pool, first)
    await kept.keep(first.name)
    assert len(await kept.keys()) == 2
    await kept.store.delete_task(kept.scene.task.task_id)
    await kept.store.delete_pool(kept.pool.pool_id)
    assert await kept.keys() == []


async def test_what_was_kept_of_a_deleted_pool_too_late_is_freed(kept: Kept):
    (name,) = [map_of(1).name]
    await kept.keep(name)  # Of a map that the pool does not name.
    await kept.store.delete_task(kept.scene.task.task_id)
    await kept.store.delete_pool(kept.pool.pool_id)
    assert len(await kept.keys()) == 2
    assert await kept.sweep() >= 2
    assert await kept.keys() == []


async def test_what_a_map_made_goes_with_the_last_head_that_reads_it(kept: Kept):
    first, second = map_of(1), map_of(2)
    await kept.store.add_map(kept.pool, first)
    await kept.keep(first.name)
    await kept.train(first.name, 0, 1)
    await kept.store.add_map(kept.pool, second)
    await kept.keep(second.name)
    await kept.sweep()
    assert await kept.missing(first.name) == await kept.missing(second.name) == REST
    for version in range(5):
        await kept.train(second.name, 10 + version)
    await kept.sweep()
    assert await kept.missing(first.name) == ALL
    assert await kept.missing(second.name) == REST


async def test_what_is_in_use_is_left_alone(kept: Kept):
    await kept.keep("kernel.1.unnamed")
    await OrphanSweep(kept.client).sweep()
    assert len(await kept.keys()) == 2


@pytest.mark.parametrize("harm", ["gone", "cut", "foreign"])
async def test_what_is_damaged_is_missing_and_kept_anew(kept: Kept, harm: str):
    await kept.keep("kernel.1.a")
    key, _ = await kept.keys()
    whole = await kept.client.get(key)
    await kept.client.delete(key)
    if harm == "cut":
        await kept.client.set(key, whole[:-4])
    elif harm == "foreign":
        await kept.client.rpush(key, "x")
    missing = await kept.missing("kernel.1.a")
    assert missing in ([range(255), *REST], [range(255, 600)])
    await kept.keep("kernel.1.a")
    assert await kept.missing("kernel.1.a") == REST
    assert await kept.client.get(key) == whole


async def test_rows_that_became_other_clips_have_nothing_of_those_before(redis_url: str):
    """Also where what was kept did not go back with the pool, as in a cluster."""
    store, client = RedisStore.of_url(redis_url), connect_redis(redis_url)
    scene = await make_scene(store)
    pool_id = scene.pool.pool_id
    patterns = (f"aloe:{{pool:{pool_id}}}:*", f"aloe:chunk:{pool_id}:*")
    await store.append_clips(scene.pool, *new_clips(294, first=6))
    kept = Kept(replace(scene, pool=await store.read_pool(pool_id)), client)
    await kept.keep("kernel.1.a", 1)
    before = await snapshot(client, patterns)
    await store.append_clips(kept.pool, *new_clips(300, first=1_000))
    lost = Kept(replace(scene, pool=await store.read_pool(pool_id)), client)
    await lost.keep("kernel.1.a", 2)
    await go_back(client, before)
    await store.append_clips(kept.pool, *new_clips(300, first=2_000))
    now = await store.read_pool(pool_id)
    out = np.zeros((600, OUT_DIM), np.float32)
    assert await store.read_mapped(now, "kernel.1.a", 0, out) == [range(255, 600)]
    assert (out[:255] == 1).all()
    for call in (lost.keep("kernel.1.a", 2), lost.missing("kernel.1.a")):
        with pytest.raises(StoreWentBack):
            await call
    assert await store.read_mapped(now, "kernel.1.a", 0, out) == [range(255, 600)]
    await client.aclose()
    await store.close()
