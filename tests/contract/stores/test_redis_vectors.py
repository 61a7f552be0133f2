"""Vectors that threads read out of Redis."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.redis.connecting import connect_blocking, connect_redis

from .conftest import DIM, new_clips, new_pool


class InterruptedClient:
    """A client that does something after the first value that it has read."""

    def __init__(self, url: str, interrupt: Callable[[], object]) -> None:
        self._client, self._interrupt = connect_blocking(url), interrupt
        self._read_count = 0

    def get(self, key: str) -> Any:
        value = self._client.get(key)
        self._read_count += 1
        if self._read_count == 1:
            self._interrupt()
        return value

    def close(self) -> None:
        self._client.close()


@asynccontextmanager
async def interrupted_store(
    url: str, interrupt: Callable[[RedisStore], object]
) -> AsyncIterator[RedisStore]:
    """Run a store; its reader of vectors calls `interrupt` in its thread after the first chunk."""
    reader = VectorReader(lambda: InterruptedClient(url, lambda: interrupt(store)))
    store = RedisStore(connect_redis(url), reader)
    try:
        yield store
    finally:
        await store.close()


async def test_a_cancelled_reader_writes_nothing_any_more(redis_url: str):
    has_begun, may_go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold_up(_store: RedisStore) -> None:
        loop.call_soon_threadsafe(has_begun.set)
        may_go_on.wait(timeout=60)

    async with interrupted_store(redis_url, hold_up) as store:
        pool = await store.create_pool(new_pool())
        await store.append_clips(pool, *new_clips(600))
        place = np.full((600, DIM), -1.0, np.float32)
        reading = asyncio.create_task(store.read_vectors(pool, 0, 600, place))
        await has_begun.wait()
        for _ in range(2):
            reading.cancel()
            for _ in range(5):  # of the event loop, in which it could have ended
                await asyncio.sleep(0)
            assert not reading.done()
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert np.array_equal(place[:255, 0], np.arange(255))
        assert (place[255:] == -1).all()


async def test_the_last_chunk_may_be_replaced_while_the_first_is_read(redis_url: str):
    loop = asyncio.get_running_loop()

    def append_behind(store: RedisStore) -> None:
        more = store.append_clips(pool, *new_clips(40, first=300))
        asyncio.run_coroutine_threadsafe(more, loop).result(timeout=60)

    async with interrupted_store(redis_url, append_behind) as store:
        pool = await store.create_pool(new_pool())
        await store.append_clips(pool, *new_clips(300))
        vectors = await store.read_vectors(pool, 0, 300)
        assert np.array_equal(vectors[:, 0], np.arange(300))
