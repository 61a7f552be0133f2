"""What a learner maps of a pool is kept, and the next one reads it instead of mapping it again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.keeping import MappedKeeper
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import StoreFull, StoreUnavailable
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.representations.fitting import fit
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.values.representations import Representation

DIM = 5


class Watched(MemoryStore):
    """Notes which embeddings are read, and what is kept; may have no room."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[range] = []
        self.kept: list[range] = []
        self.failures: list[Exception] = []

    async def read_vectors(self, pool, first_row, at_most=None, out=None):
        found = await super().read_vectors(pool, first_row, at_most, out)
        self.read.append(range(first_row, first_row + len(found)))
        return found

    async def keep_mapped(self, pool, map_name, first_row, vectors):
        if self.failures:
            raise self.failures.pop()
        await super().keep_mapped(pool, map_name, first_row, vectors)
        self.kept.append(range(first_row, first_row + len(vectors)))


async def settled() -> None:
    """Wait until nothing goes on in the background."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait_for(asyncio.gather(*others), 10)


@dataclass
class Learners:
    """Learners that come after each other, on one store with one pool."""

    store: Watched = field(default_factory=Watched)
    pool: Pool = field(
        default_factory=lambda: Pool(
            "p",
            EncoderInfo("x", "f", DIM),
            keep_audio=False,
            epoch="e",
            create_time=datetime.now(UTC),
        )
    )
    embeddings: Float32Array = field(
        default_factory=lambda: np.random.default_rng(0).normal(size=(1_000, DIM)).astype("f4")
    )

    async def add(self, rows: range) -> None:
        pool = await self.store.create_pool(self.pool)
        clips = [Clip(f"c{row}", f"h{row}") for row in rows]
        await self.store.append_clips(replace(pool, mark=""), clips, self.embeddings[list(rows)])

    def map_of(self, kind: Representation) -> PoolMap:
        return fit(kind, self.embeddings, 0)

    async def load(self, cache: PoolCache, pool_map: PoolMap) -> Float32Array:
        """Load, wait until nothing is left to keep, and check what was loaded."""
        cached = await cache.fresh("p")
        found = await cache.load(cached, pool_map)
        await settled()
        assert np.array_equal(found, pool_map.map(self.embeddings[: len(found)]))
        return found

    def taken(self) -> Sequence[range]:
        """Return which embeddings were read since this was asked before."""
        read, self.store.read = self.store.read, []
        return read


async def test_the_next_learner_maps_only_what_makes_no_whole_piece():
    learners = Learners()
    await learners.add(range(600))
    kernel = learners.map_of(Representation.KERNEL)
    await learners.load(PoolCache(learners.store), kernel)
    assert learners.taken() == [range(600)]
    assert learners.store.kept == [range(510)]
    await learners.load(PoolCache(learners.store), kernel)
    assert learners.taken() == [range(510, 600)]


async def test_pieces_that_become_whole_are_kept_as_well():
    learners = Learners()
    await learners.add(range(600))
    kernel, cache = learners.map_of(Representation.KERNEL), PoolCache(learners.store)
    await learners.load(cache, kernel)
    await learners.add(range(600, 700))
    await learners.load(cache, kernel)  # Nothing to keep: no piece became whole.
    await learners.add(range(700, 780))
    await learners.load(cache, kernel)
    assert learners.taken() == [range(600), range(600, 700), range(700, 780)]
    assert learners.store.kept == [range(510), range(510, 765)]
    await learners.load(PoolCache(learners.store), kernel)
    assert learners.taken() == [range(765, 780)]


async def test_what_another_learner_left_out_is_completed():
    learners = Learners()
    await learners.add(range(800))
    kernel = learners.map_of(Representation.KERNEL)
    pool = await learners.store.read_pool("p")
    mapped = kernel.map(learners.embeddings[:800])
    await learners.store.keep_mapped(pool, kernel.name, 255, mapped[255:510])
    await learners.load(PoolCache(learners.store), kernel)
    assert learners.taken() == [range(255), range(510, 800)]
    await learners.load(PoolCache(learners.store), kernel)
    assert learners.taken() == [range(765, 800)]


async def test_a_map_that_costs_no_more_than_reading_is_not_kept():
    learners = Learners()
    await learners.add(range(600))
    linear = learners.map_of(Representation.LINEAR)
    for _ in range(2):
        await learners.load(PoolCache(learners.store), linear)
        assert learners.taken() == [range(600)]
    assert learners.store.kept == []


FAILURES = [StoreFull("no room", 1.0), StoreUnavailable("away"), ZeroDivisionError()]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_store_that_keeps_nothing_is_not_asked_again_at_once(failure: Exception):
    learners = Learners()
    await learners.add(range(600))
    kernel, cache = learners.map_of(Representation.KERNEL), PoolCache(learners.store)
    learners.store.failures = [failure, failure]
    for _ in range(3):
        await learners.load(cache, kernel)
    assert len(learners.store.failures) == 1
    assert learners.taken() == [range(600)]
    await learners.load(PoolCache(learners.store), kernel)
    assert learners.taken() == [range(600)]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_store_that_keeps_nothing_is_told_once_and_asked_again_later(
    failure: Exception, caplog: pytest.LogCaptureFixture
):
    learners = Learners()
    await learners.add(range(600))
    kernel, keeper = learners.map_of(Representation.KERNEL), MappedKeeper(learners.store, retry_s=0)
    learners.store.failures = [failure] * 3
    cached = await PoolCache(learners.store).fresh("p")
    await cached.load(learners.store, kernel)
    for _ in range(5):
        cached.keep_mapped(keeper, kernel.name)
        await settled()
    assert len(caplog.records) == 1
    assert learners.store.kept == [range(510)]


async def test_closing_ends_what_is_being_kept():
    class Slow(Watched):
        async def keep_mapped(self, *args):
            await asyncio.Event().wait()

    learners = Learners(Slow())
    await learners.add(range(600))
    kernel, cache = learners.map_of(Representation.KERNEL), PoolCache(learners.store)
    await cache.load(await cache.fresh("p"), kernel)
    await asyncio.wait_for(cache.close(), 10)
    assert asyncio.all_tasks() == {asyncio.current_task()}
