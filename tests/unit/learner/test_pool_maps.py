"""One learner fits a map at a time; the others wait for it, or go on with an older one."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.values.representations import Representation

DIM = 5
KERNEL = Representation.KERNEL
EMBEDDINGS = np.random.default_rng(0).normal(size=(3_000, DIM)).astype(np.float32)


class Counting(MemoryStore):
    """Counts the maps that are added, those of the same name as well."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[str] = []

    async def add_map(self, pool, pool_map):
        self.added.append(pool_map.name)
        await super().add_map(pool, pool_map)


@pytest.fixture
def store() -> Counting:
    return Counting()


async def grow(store: MemoryStore, rows: range) -> CachedPool:
    """Add clips to the pool; return it as a process reads it that has just started."""
    encoder = EncoderInfo("x", "f", DIM)
    pool = await store.create_pool(
        Pool("p", encoder, keep_audio=False, epoch="e", create_time=datetime.now(UTC))
    )
    clips = [Clip(f"c{row}", f"h{row}") for row in rows]
    await store.append_clips(replace(pool, mark=""), clips, EMBEDDINGS[list(rows)])
    return await PoolCache(store).fresh("p")


async def test_of_learners_that_need_a_map_at_the_same_time_one_fits_it(store: Counting):
    pool = await grow(store, range(700))
    learners = [PoolMaps(store) for _ in range(3)]
    found = await asyncio.gather(*(each.current(pool, KERNEL) for each in (*learners, learners[0])))
    assert {each.name for each in found if each} == set(store.added)
    assert len(store.added) == 1


async def test_a_learner_that_died_while_it_fitted_is_waited_for_until_its_right_runs_out(
    store: Counting,
):
    pool = await grow(store, range(50))
    assert await store.begin_fit(pool.pool, KERNEL, "dead", timedelta(seconds=0.3))
    assert await PoolMaps(store).current(pool, KERNEL)
    assert len(store.added) == 1
    # Who has fitted gives the right back at once.
    assert await store.begin_fit(pool.pool, KERNEL, "other", timedelta(minutes=1))


async def test_an_old_map_is_used_while_another_learner_fits_the_new_one(store: Counting):
    maps = PoolMaps(store)
    first = await maps.current(await grow(store, range(50)), KERNEL)
    pool = await grow(store, range(50, 700))
    assert await store.begin_fit(pool.pool, KERNEL, "other", timedelta(minutes=1))
    assert await maps.current(pool, KERNEL, may_refit=True) is first
    await store.end_fit(pool.pool, KERNEL, "other")
    second = await maps.current(pool, KERNEL, may_refit=True)
    assert second is not None
    assert (second.version, second.clip_count) == (2, 700)
    # Another kind is nobody's.
    assert await store.begin_fit(pool.pool, KERNEL, "other", timedelta(minutes=1))
    assert await maps.current(pool, Representation.LINEAR)


async def test_a_refit_gives_a_new_map_where_clips_have_changed_since(store: Counting):
    maps = PoolMaps(store)
    pool = await grow(store, range(600))
    first = await maps.refit(pool, KERNEL)
    assert await maps.refit(pool, KERNEL) is first
    assert (await PoolMaps(store).refit(pool, KERNEL)).name == first.name
    assert len(store.added) == 1
    pool = await grow(store, range(600, 601))
    assert await maps.current(pool, KERNEL, may_refit=True) is first
    second = await maps.refit(pool, KERNEL)
    assert (first.version, second.version, second.clip_count) == (1, 2, 601)
    assert await maps.current(pool, KERNEL) is second
    await store.remove_clips(pool.pool, ["c3"])
    third = await maps.refit(await PoolCache(store).fresh("p"), KERNEL)
    assert (third.version, third.clip_count) == (3, 600)
