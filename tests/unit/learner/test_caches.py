"""What a learner keeps in memory agrees with itself, whatever happens while it reads."""

import asyncio
import gc
import weakref
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.errors import PoolNotFound, StoreUnavailable, TaskNotFound
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.usecases.advice import advice_at
from aloe.values.states import ClipState
from aloe.values.stopping import UncertaintyRule

DIM, BYTE_BUDGET = 3, 1 << 20


def new_pool() -> Pool:
    encoder = EncoderInfo("logmel", "f", DIM)
    return Pool("p", encoder, keep_audio=False, epoch="e", create_time=datetime.now(UTC))


async def append(store: MemoryStore, pool: Pool, first: int, count: int) -> None:
    rows = range(first, first + count)
    vectors = np.repeat(np.array(rows, dtype=np.float32)[:, None], DIM, axis=1)
    await store.append_clips(pool, [Clip(f"c{row}", f"h{row}") for row in rows], vectors)


class GrowingStore(MemoryStore):
    """Gets more clips whenever vectors are read: between the clips and the vectors of a cache."""

    async def read_vectors(self, pool: Pool, *args):
        await append(self, pool, (await self.read_pool(pool.pool_id)).clip_count, 2)
        return await super().read_vectors(pool, *args)


async def test_clips_added_while_a_pool_is_read_leave_clips_and_vectors_in_step():
    store = GrowingStore()
    pool = await store.create_pool(new_pool())
    await append(store, pool, 0, 4)
    cache = PoolCache(store, BYTE_BUDGET)
    for expected_count in (4, 6, 8):
        cached = await cache.fresh("p")
        vectors = await cache.load(cached)
        assert len(cached.clips) == len(vectors) == expected_count
        assert [clip.clip_id for clip in cached.clips] == [f"c{n}" for n in range(expected_count)]
        assert [cached.clips[n].clip_id for n in (0, expected_count - 1)] == [
            "c0",
            f"c{expected_count - 1}",
        ]
        assert vectors[:, 0].tolist() == list(range(expected_count))


async def test_a_pool_deleted_while_it_is_read_is_not_found():
    class Emptied(MemoryStore):
        async def read_clips(self, *_):
            return []

    store = Emptied()
    pool = await store.create_pool(new_pool())
    await append(store, pool, 0, 4)
    with pytest.raises(PoolNotFound):
        await PoolCache(store, BYTE_BUDGET).fresh("p")


async def test_a_pool_goes_on_being_read_for_others_when_the_first_to_ask_goes():
    class Slow(MemoryStore):
        def __init__(self):
            super().__init__()
            self.reading, self.may_go_on, self.count = asyncio.Event(), asyncio.Event(), 0

        async def read_vectors(self, *args):
            self.count += 1
            self.reading.set()
            await self.may_go_on.wait()
            return await super().read_vectors(*args)

    store = Slow()
    await filled(store, "a", 10)
    cache = PoolCache(store, BYTE_BUDGET)
    cached = await cache.fresh("a")
    impatient = asyncio.create_task(cache.load(cached))
    await store.reading.wait()
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    store.may_go_on.set()
    assert (await cache.load(cached))[:, 0].tolist() == list(range(10))
    assert store.count == 1


async def test_a_pool_made_anew_is_read_anew():
    store = MemoryStore()
    cache = PoolCache(store, BYTE_BUDGET)
    for epoch, count in (("first", 5), ("second", 2)):
        pool = Pool(
            "p", new_pool().encoder, keep_audio=False, epoch=epoch, create_time=datetime.now(UTC)
        )
        await store.create_pool(pool)
        await append(store, pool, 0, count)
        cached = await cache.fresh("p")
        vectors = await cache.load(cached)
        assert (len(cached.clips), vectors.shape) == (count, (count, DIM))
        await store.delete_pool("p")


async def filled(store: MemoryStore, pool_id: str, count: int) -> None:
    pool = await store.create_pool(replace(new_pool(), pool_id=pool_id))
    await append(store, pool, 0, count)


async def loaded(cache: PoolCache, pool_id: str) -> CachedPool:
    cached = await cache.fresh(pool_id)
    await cache.load(cached)
    return cached


async def test_the_pool_longest_not_asked_for_gives_way_beyond_the_budget():
    store = MemoryStore()
    for pool_id in "abc":
        await filled(store, pool_id, 10)
    cache = PoolCache(store, byte_budget=2 * 10 * DIM * 4)
    first = {pool_id: weakref.ref(await loaded(cache, pool_id)) for pool_id in "ab"}
    await cache.fresh("a")
    await loaded(cache, "c")
    gc.collect()
    assert first["a"]() is not None
    assert first["b"]() is None


async def test_a_pool_larger_than_the_budget_stays_while_it_is_the_last_one_asked_for():
    store = MemoryStore()
    await filled(store, "a", 10)
    cache = PoolCache(store, byte_budget=1)
    kept = weakref.ref(await loaded(cache, "a"))
    gc.collect()
    assert await cache.fresh("a") is kept()


async def test_a_pool_in_use_is_not_read_twice_though_it_gave_way():
    store = MemoryStore()
    for pool_id in "ab":
        await filled(store, pool_id, 10)
    cache = PoolCache(store, byte_budget=1)
    in_use = await loaded(cache, "a")
    await loaded(cache, "b")
    assert await cache.fresh("a") is in_use


async def test_what_a_call_sees_of_a_pool_stays_as_it_is_while_the_pool_grows():
    store = MemoryStore()
    pool = await store.create_pool(new_pool())
    await append(store, pool, 0, 5)
    cache = PoolCache(store, BYTE_BUDGET)
    seen = await cache.load(await cache.fresh("p"))
    for count in (7, 30):
        await append(store, pool, (await store.read_pool("p")).clip_count, count)
        vectors = await cache.load(await cache.fresh("p"))
        assert len(vectors) == (await store.read_pool("p")).clip_count
    assert seen[:, 0].tolist() == [0, 1, 2, 3, 4]


def new_task(epoch: str) -> Task:
    return Task("t", "p", ("no", "yes"), epoch=epoch, create_time=datetime.now(UTC))


async def test_two_that_find_a_task_made_anew_at_the_same_time_get_the_new_one():
    store = MemoryStore()
    await store.create_pool(new_pool())
    cache = TaskCache(store)
    await store.create_task(new_task("old"))
    await cache.fresh("t")
    await store.delete_task("t")
    await store.create_task(new_task("new"))
    found = await asyncio.gather(cache.fresh("t"), cache.fresh("t"))
    assert [cached.task.epoch for cached in found] == ["new", "new"]


class OlderStore(MemoryStore):
    """Its log does not say what settings became."""

    async def read_events(self, task, after, at_most=None):
        events = await super().read_events(task, after, at_most)
        return [replace(each, settings=None) for each in events]


async def test_settings_that_could_not_be_read_are_read_the_next_time():
    class BrieflyAway(OlderStore):
        is_away = False

        async def read_task(self, task_id: str):
            if self.is_away:
                self.is_away = False
                raise StoreUnavailable("away")
            return await super().read_task(task_id)

    store = BrieflyAway()
    await store.create_pool(new_pool())
    task = await store.create_task(new_task("e"))
    cache = TaskCache(store)
    await cache.fresh("t")
    await store.update_task(replace(task, label_budget=7))
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        await cache.fresh("t")
    assert (await cache.fresh("t")).task.label_budget == 7


async def test_a_task_made_anew_between_its_events_and_its_settings_keeps_nothing_of_the_old():
    class MadeAnewInBetween(OlderStore):
        is_next = False

        async def read_task(self, task_id: str):
            if self.is_next:
                self.is_next = False
                await self.delete_task(task_id)
                await self.create_task(new_task("new"))
            return await super().read_task(task_id)

    store = MadeAnewInBetween()
    pool = await store.create_pool(new_pool())
    await append(store, pool, 0, 4)
    task = await store.create_task(new_task("old"))
    cache = TaskCache(store)
    await cache.fresh("t")
    await store.import_labels(task, [LabelChange(2, ClipState.LABELED, 1, "", None)])
    await store.update_task(replace(task, label_budget=7))
    store.is_next = True
    found = await cache.fresh("t")
    assert found.task.epoch == "new"
    assert not len(found.view.rows_in(ClipState.LABELED))


async def test_tasks_that_others_deleted_are_dropped():
    store = MemoryStore()
    await store.create_pool(new_pool())
    cache = TaskCache(store)
    await store.create_task(new_task("e"))
    kept = weakref.ref(await cache.fresh("t"))
    cache.keep_only({"t"})
    gc.collect()
    assert kept() is not None
    cache.keep_only(set())
    gc.collect()
    assert kept() is None


async def test_a_task_deleted_after_its_head_was_read_is_not_found():
    store = MemoryStore()
    await store.create_pool(new_pool())
    task = await store.create_task(replace(new_task("e"), stopping_rule=UncertaintyRule(0.1)))
    await store.delete_task(task.task_id)
    with pytest.raises(TaskNotFound):
        await advice_at(store, task, 3)


class ReadInParts(MemoryStore):
    """Notes how many events each read of the log brings."""

    def __init__(self):
        super().__init__()
        self.counts: list[int] = []

    async def read_events(self, *args):
        events = await super().read_events(*args)
        self.counts.append(len(events))
        return events


async def test_a_long_log_is_read_and_folded_in_parts_between_which_others_have_their_turn():
    store = ReadInParts()
    pool = await store.create_pool(new_pool())
    await append(store, pool, 0, 1_200)
    task = await store.create_task(new_task("e"))
    for row in range(1_200):
        await store.import_labels(task, [LabelChange(row, ClipState.TEST, 0)])
    cached = await TaskCache(store).fresh("t")
    assert max(store.counts) <= 500
    assert sum(store.counts) == 1_201
    assert (cached.view.states == ClipState.TEST).all()
    assert len(cached.view.states) == 1_200
