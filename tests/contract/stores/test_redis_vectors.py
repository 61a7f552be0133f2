"""Vectors that threads read out of Redis."""

import asyncio
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest

from aloe.learner.adapters.redis_store import RedisStore

from .conftest import DIM, new_clips, new_pool


@pytest.fixture
async def redis_store(redis_url: str) -> AsyncIterator[RedisStore]:
    made = RedisStore.of_url(redis_url)
    yield made
    await made.close()


async def test_a_cancelled_reader_writes_nothing_any_more(redis_store: RedisStore):
    pool = await redis_store.create_pool(new_pool())
    await redis_store.append_clips(pool, *new_clips(600))
    place = np.full((600, DIM), -1.0, np.float32)
    has_begun, may_go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold_up(begin: int, end: int) -> None:
        loop.call_soon_threadsafe(has_begun.set)
        may_go_on.wait(timeout=60)

    reading = asyncio.create_task(redis_store.read_vectors(pool, 0, 600, place, hold_up))
    await has_begun.wait()
    reading.cancel()
    for _ in range(5):  # of the event loop, in which it could have ended
        await asyncio.sleep(0)
    assert not reading.done()
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert np.array_equal(place[:255, 0], np.arange(255))
    assert (place[255:] == -1).all()


async def test_rows_come_once_each_while_the_last_chunk_is_replaced(redis_store: RedisStore):
    pool = await redis_store.create_pool(new_pool())
    await redis_store.append_clips(pool, *new_clips(300))
    loop, told = asyncio.get_running_loop(), []

    def append_behind(begin: int, end: int) -> None:
        told.append((begin, end))
        if len(told) == 1:
            more = redis_store.append_clips(pool, *new_clips(40, first=300))
            asyncio.run_coroutine_threadsafe(more, loop).result(timeout=60)

    vectors = await redis_store.read_vectors(pool, 0, None, None, append_behind)
    assert told == [(0, 255), (255, 300)]
    assert np.array_equal(vectors[:, 0], np.arange(300))
