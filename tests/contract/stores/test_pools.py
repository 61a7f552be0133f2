import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

import numpy as np
import pytest

from aloe.learner.domain.clip_changes import EXISTING, NEW
from aloe.learner.domain.errors import AlreadyExists, PoolInUse, PoolNotFound
from aloe.learner.domain.pool import EncoderInfo, Pool
from aloe.learner.ports.store import Store

from .conftest import DIM, Scene, new_clips, new_pool


async def test_creating_a_pool_twice_returns_the_first(store: Store):
    first = await store.create_pool(new_pool())
    again = await store.create_pool(new_pool(first.pool_id))
    assert again == first


async def test_a_pool_id_with_another_encoder_is_taken(store: Store):
    pool = await store.create_pool(new_pool())
    other = new_pool(pool.pool_id)
    other = type(other)(
        pool.pool_id, EncoderInfo("logmel", "0" * 16, DIM), False, other.epoch, other.create_time
    )
    with pytest.raises(AlreadyExists, match=pool.pool_id):
        await store.create_pool(other)


async def test_unknown_pool_is_not_found(store: Store):
    with pytest.raises(PoolNotFound, match="nowhere"):
        await store.read_pool("nowhere")


async def test_clips_keep_their_order_over_many_chunks_and_appends(store: Store):
    pool = await store.create_pool(new_pool())
    first = 0
    for count in (1, 300, 7, 255, 255, 40):
        appended = await store.append_clips(pool, *new_clips(count, first=first))
        assert appended.placements == [NEW] * count
        first += count
    assert (await store.read_pool(pool.pool_id)).clip_count == first
    clips = await store.read_clips(pool, 0, 10_000)
    assert [clip.clip_id for clip in clips] == [f"clip-{n}" for n in range(first)]
    vectors = await store.read_vectors(pool, 0)
    assert vectors.shape == (first, DIM)
    assert np.array_equal(vectors[:, 0], np.arange(first))


async def test_vectors_can_be_read_from_any_row_on(store: Store):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(600))
    for row in (0, 254, 255, 256, 599, 600):
        vectors = await store.read_vectors(pool, row)
        assert np.array_equal(vectors[:, 0], np.arange(row, 600))


@pytest.mark.parametrize(("first_row", "count"), [(0, 600), (0, 7), (254, 2), (255, 300), (599, 9)])
async def test_vectors_can_be_read_into_their_place(store: Store, first_row: int, count: int):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(600))
    place = np.full((count, DIM), -1.0, np.float32)
    filled = await store.read_vectors(pool, first_row, count, place)
    assert np.shares_memory(filled, place)
    there = min(count, 600 - first_row)
    assert np.array_equal(filled[:, 0], np.arange(first_row, first_row + there))
    assert (place[there:] == -1).all()


READS_AND_WRITES: dict[str, Callable[[Store, Pool], Awaitable[object]]] = {
    "append_clips": lambda store, pool: store.append_clips(pool, *new_clips(3)),
    "append new clips": lambda store, pool: store.append_clips(pool, *new_clips(3, first=9)),
    "remove_clips": lambda store, pool: store.remove_clips(pool, ["clip-1"]),
    "rename_clip": lambda store, pool: store.rename_clip(pool, "clip-1", "other"),
    "read_changes": lambda store, pool: store.read_changes(pool, 0, 3),
    "read_clips": lambda store, pool: store.read_clips(pool, 0, 3),
    "read_vectors": lambda store, pool: store.read_vectors(pool, 0),
}


@pytest.mark.parametrize("call", READS_AND_WRITES)
@pytest.mark.parametrize("is_made_anew", [False, True])
async def test_a_call_on_a_pool_that_was_deleted_is_refused(
    store: Store, call: str, is_made_anew: bool
):
    old = await store.create_pool(new_pool())
    await store.append_clips(old, *new_clips(3))
    await store.delete_pool(old.pool_id)
    if is_made_anew:
        new = await store.create_pool(new_pool(old.pool_id))
        await store.append_clips(new, *new_clips(3))
    with pytest.raises(PoolNotFound, match=f"pools/{old.pool_id} was deleted"):
        await READS_AND_WRITES[call](store, old)


async def test_appending_a_known_clip_changes_nothing(store: Store):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(3))
    found = await store.append_clips(pool, *new_clips(4, first=1))
    assert found.placements == [EXISTING, EXISTING, NEW, NEW]
    assert (await store.read_pool(pool.pool_id)).clip_count == 5


async def test_appends_at_once_lose_and_double_nothing(store: Store):
    pool = await store.create_pool(new_pool())
    await asyncio.gather(
        *(store.append_clips(pool, *new_clips(40, first=first)) for first in range(0, 200, 20))
    )
    clips = await store.read_clips(pool, 0, 1_000)
    vectors = await store.read_vectors(pool, 0)
    assert sorted(clip.clip_id for clip in clips) == sorted(f"clip-{n}" for n in range(220))
    assert [f"clip-{int(value)}" for value in vectors[:, 0]] == [clip.clip_id for clip in clips]


async def test_find_clips_says_which_are_there(store: Store):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(2))
    found = await store.find_clips(pool.pool_id, ["clip-1", "other"])
    assert [clip and clip.row for clip in found] == [1, None]
    assert await store.find_clips(pool.pool_id, []) == []


async def test_any_number_of_clips_can_be_looked_up(store: Store):
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(2_500))
    found = await store.find_clips(pool.pool_id, [f"clip-{n}" for n in range(2_499, -1, -1)])
    assert [clip and clip.row for clip in found] == list(range(2_499, -1, -1))


async def test_a_pool_with_tasks_cannot_be_deleted(scene: Scene):
    with pytest.raises(PoolInUse, match=scene.task.task_id):
        await scene.store.delete_pool(scene.pool.pool_id)
    await scene.store.delete_task(scene.task.task_id)
    await scene.store.delete_pool(scene.pool.pool_id)
    with pytest.raises(PoolNotFound):
        await scene.store.read_pool(scene.pool.pool_id)


async def test_a_pool_made_anew_is_empty_and_refuses_writers_of_the_old(store: Store):
    old = await store.create_pool(new_pool())
    await store.append_clips(old, *new_clips(3))
    await store.delete_pool(old.pool_id)
    new = await store.create_pool(new_pool(old.pool_id))
    assert new.clip_count == 0
    for clip_count in (0, 10):
        await store.append_clips(new, *new_clips(clip_count, first=20))
        async with asyncio.timeout(10):
            with pytest.raises(PoolNotFound):
                await store.append_clips(old, *new_clips(3))
        assert (await store.read_pool(new.pool_id)).clip_count == clip_count


async def test_pool_ids_are_listed_sorted(store: Store):
    prefix = uuid.uuid4().hex
    for letter in "cab":
        await store.create_pool(new_pool(f"{prefix}-{letter}"))
    ids = [each for each in await store.list_pool_ids() if each.startswith(prefix)]
    assert ids == [f"{prefix}-{letter}" for letter in "abc"]


async def test_a_pool_that_comes_and_goes_is_there_or_not(store: Store):
    pool = new_pool()
    going_on = True

    async def read() -> None:
        while going_on:
            with suppress(PoolNotFound):
                assert (await store.read_pool(pool.pool_id)).pool_id == pool.pool_id
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as readers:
        for _ in range(8):
            readers.create_task(read())
        for _ in range(100):
            await store.create_pool(pool)
            await store.delete_pool(pool.pool_id)
            await asyncio.sleep(0)
        going_on = False
