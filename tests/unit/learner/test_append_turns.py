"""Appends of several imports to one pool: those of few clips that wait go together."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.domain.clip_changes import NEW, ImportRules, Placing
from aloe.learner.domain.errors import PoolNotFound, StoreWentBack
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.ports.pools import NO_RULES
from aloe.learner.usecases.append_turns import AppendTurns


class SlowStore(MemoryStore):
    """Writes when it is told to, and notes how many clips each write had."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = asyncio.Semaphore(0)
        self.counts: list[int] = []
        self.begins = asyncio.Event()

    async def append_clips(self, pool, clips, *args, **more):
        self.counts.append(len(clips))
        self.begins.set()
        await self.goes_on.acquire()
        return await super().append_clips(pool, clips, *args, **more)


@pytest.fixture
async def store() -> SlowStore:
    return SlowStore()


@pytest.fixture
async def pool(store: SlowStore) -> Pool:
    encoder = EncoderInfo("logmel", "fingerprint", 2)
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return await store.create_pool(Pool("p", encoder, False, "epoch", made))


@pytest.fixture
def turns(store: SlowStore) -> AppendTurns:
    return AppendTurns(store)


def begin(turns: AppendTurns, pool: Pool, first: int, count=1, *, rules=NO_RULES, content=""):
    """Append clips that are named by their numbers, with these as vectors."""
    numbers = range(first, first + count)
    clips = [Clip(f"clip-{number}", content or f"hash-{number}") for number in numbers]
    vectors = np.array([[number, number] for number in numbers], np.float32)
    return asyncio.create_task(turns.append(pool, clips, vectors, rules))


async def begin_first(store: SlowStore, *arguments, **more):
    """Append clips, and come back once they are being written."""
    task = begin(*arguments, **more)
    await store.begins.wait()
    return task


async def stored(store: SlowStore, pool: Pool) -> list[float]:
    vectors = await store.read_vectors(await store.read_pool(pool.pool_id), 0)
    return [float(row[0]) for row in vectors]


async def test_all_that_came_during_a_write_are_the_next(store, pool, turns):
    asked = [await begin_first(store, turns, pool, 0)]
    asked += [begin(turns, pool, number) for number in range(1, 9)]
    store.goes_on.release()
    store.goes_on.release()
    outcomes = await asyncio.gather(*asked)
    assert store.counts == [1, 8]
    assert await stored(store, pool) == list(range(9))
    assert all(each.placements == [NEW] for each in outcomes)
    mark = (await store.read_pool("p")).mark
    assert [each.pool.mark == mark for each in outcomes] == [False] + [True] * 8
    later = begin(turns, outcomes[-1].pool, 9)
    store.goes_on.release()
    assert (await later).placements == [NEW]


async def test_what_cannot_go_together_keeps_its_order(store, pool, turns):
    other_rules = ImportRules(replace=True)
    asked = [
        await begin_first(store, turns, pool, 0),
        begin(turns, pool, 1),
        begin(turns, pool, 1, content="other"),  # an id that comes before
        begin(turns, pool, 3, rules=other_rules),
        begin(turns, pool, 4, 65),  # many clips
        begin(turns, pool, 69, 64),
        begin(turns, pool, 133),
    ]
    for _ in range(9):
        store.goes_on.release()
    outcomes = await asyncio.gather(*asked)
    assert store.counts == [1, 1, 1, 1, 65, 65]
    assert outcomes[2].placements[0].placing is Placing.ID_TAKEN
    assert await stored(store, pool) == [0, 1, *range(3, 134)]


async def test_no_more_than_some_hundred_clips_go_together(store, pool, turns):
    asked = [await begin_first(store, turns, pool, 0, 64)]
    asked += [begin(turns, pool, 64 * number, 64) for number in range(1, 10)]
    for _ in range(9):
        store.goes_on.release()
    await asyncio.gather(*asked)
    assert store.counts == [64, 512, 64]
    assert await stored(store, pool) == list(range(640))


async def test_the_same_content_under_two_ids_is_one_clip(store, pool, turns):
    asked = [await begin_first(store, turns, pool, 0, content="same")]
    asked += [begin(turns, pool, number, content="same") for number in (1, 2)]
    for _ in range(2):
        store.goes_on.release()
    outcomes = await asyncio.gather(*asked)
    assert [each.placements[0].placing for each in outcomes] == [
        Placing.ADDED,
        Placing.ALIASED,
        Placing.ALIASED,
    ]
    assert await stored(store, pool) == [0]


async def test_a_store_that_went_back_fails_those_alone_who_knew_it_before(store, pool, turns):
    lost = replace(pool, mark="that is gone")
    asked = [await begin_first(store, turns, pool, 0), begin(turns, pool, 1)]
    asked += [begin(turns, lost, 2), begin(turns, pool, 3)]
    for _ in range(9):
        store.goes_on.release()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, StoreWentBack) for each in outcomes] == [False, False, True, False]
    assert await stored(store, pool) == [0, 1, 3]


async def test_what_fails_all_is_told_to_all_and_the_next_goes_on(store, pool, turns):
    asked = [await begin_first(store, turns, pool, 0)]
    asked += [begin(turns, pool, number) for number in (1, 2)]
    await store.delete_pool("p")
    for _ in range(3):
        store.goes_on.release()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in outcomes] == [PoolNotFound] * 3
    new = await store.create_pool(replace(pool, epoch="later"))
    assert (await begin(turns, new, 3)).placements == [NEW]


async def test_who_goes_takes_no_other_along(store, pool, turns):
    asked = [await begin_first(store, turns, pool, 0)]
    asked += [begin(turns, pool, number) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    asked[0].cancel()  # alone in the write that waits
    asked[2].cancel()
    for _ in range(3):
        store.goes_on.release()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in outcomes] == [
        True,
        False,
        True,
        False,
    ]
    assert store.counts == [1, 2]
    assert await stored(store, pool) == [1, 3]
