"""The graph of a pool is made once, and again only in steps; few are kept."""

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache import graphs
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.graphs import PoolGraph, PoolGraphs
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.graphs.membership import Members
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool

DIM, COUNT = 4, 64
GRAPH_BYTES = COUNT * 8 + COUNT * COUNT * 8
"""Of the rows and of all eigenvectors."""


class Pools:
    """Some pools in a store, as a process has them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.cache = PoolCache(self.store)
        self.generator = np.random.default_rng(1)

    async def with_clips(self, name: str, count: int = COUNT) -> CachedPool:
        """Add clips to a pool, and make it if it is not there."""
        encoder = EncoderInfo("logmel", "f", DIM)
        pool = await self.store.create_pool(
            Pool(name, encoder, keep_audio=False, epoch="e", create_time=datetime.now(UTC))
        )
        rows = range(pool.row_count, pool.row_count + count)
        vectors = self.generator.normal(size=(count, DIM)).astype(np.float32)
        await self.store.append_clips(pool, [Clip(f"c{n}", f"h{n}") for n in rows], vectors)
        return await self.loaded(name)

    async def loaded(self, name: str) -> CachedPool:
        cached = await self.cache.fresh(name)
        await self.cache.load(cached)
        return cached


async def test_it_is_made_once_and_is_that_of_its_clips():
    pools, kept = Pools(), PoolGraphs()
    pool = await pools.with_clips("p", 66)
    made = await asyncio.gather(*(kept.begin(pool, "") for _ in range(3)))
    assert made[0] is made[1] is made[2] is await kept.begin(pool, "")
    expected = PoolGraph.of(Members.of(66, 0).rows(()), pool.matrix(""))
    assert_array_equal(made[0].rows, np.arange(64))
    assert_array_equal(made[0].spectrum.eigenvectors, expected.spectrum.eigenvectors)


async def test_it_is_made_again_when_the_pool_has_grown_by_a_step_or_lost_one():
    pools, kept = Pools(), PoolGraphs()
    first = await kept.begin(await pools.with_clips("p"), "")
    pool = await pools.with_clips("p", 3)
    assert await kept.begin(pool, "") is first
    pool = await pools.with_clips("p", 1)
    second = await kept.begin(pool, "")
    assert len(second.rows) == 68
    for gone, count in ((["c0", "c1", "c2"], 68), (["c3"], 64)):  # Steps are of 4.
        await pools.store.remove_clips(pool.pool, gone)
        graph = await kept.begin(await pools.loaded("p"), "")
        assert len(graph.rows) == count
    assert_array_equal(graph.rows, np.arange(4, 68))


async def test_a_pool_as_it_was_has_the_same_graph_where_its_clips_are_the_same():
    pools, kept = Pools(), PoolGraphs()
    pool = await pools.with_clips("p", 66)
    made = await kept.begin(pool, "")
    assert await kept.begin(pool.as_of(64, 0), "") is made
    assert len((await kept.begin(pool.as_of(30, 0), "")).rows) == 30


async def test_what_was_used_longest_ago_gives_way_within_the_budget():
    pools, kept = Pools(), PoolGraphs(2 * GRAPH_BYTES)
    some = [await pools.with_clips(name) for name in "abc"]
    first, second = [await kept.begin(pool, "") for pool in some[:2]]
    assert await kept.begin(some[0], "") is first
    await kept.begin(some[2], "")
    kept.begin(some[2], "")  # Its bytes are known now.
    assert await kept.begin(some[0], "") is first
    assert await kept.begin(some[1], "") is not second


async def test_one_that_failed_is_made_again(monkeypatch: pytest.MonkeyPatch, caplog):
    def fail(*_: object) -> None:
        raise MemoryError

    pools, kept = Pools(), PoolGraphs()
    pool = await pools.with_clips("p")
    with monkeypatch.context() as patch:
        patch.setattr(graphs, "fit_spectrum", fail)
        with pytest.raises(MemoryError):
            await kept.begin(pool, "")
    assert "pools/p: its graph could not be made" in caplog.text
    assert len((await kept.begin(pool, "")).rows) == COUNT
