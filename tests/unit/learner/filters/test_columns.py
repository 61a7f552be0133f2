"""The columns of a pool follow it: clips come, change and go; fields are read when asked for."""

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore, utc_now
from aloe.learner.cache import columns
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.clip_changes import ClipUpdate
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.usecases.filtering import taken_rows

POOL = Pool("p", EncoderInfo("e", "f", 2), keep_audio=False, epoch="1", create_time=utc_now())


class World:
    """A pool in memory, and the filters asked of it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.cache = PoolCache(self.store)

    async def append(self, *clips: Clip) -> None:
        await self.store.append_clips(POOL, clips, np.ones((len(clips), 2), np.float32))

    async def taken(self, text: str) -> list[int]:
        pool = await self.cache.fresh("p")
        return np.flatnonzero(await taken_rows(pool, parse_filter(text))).tolist()


@pytest.fixture(params=[20_000, 2])
async def world(request, monkeypatch) -> World:
    monkeypatch.setattr(columns, "_ROWS_AT_ONCE", request.param)
    world = World()
    await world.store.create_pool(POOL)
    await world.append(
        Clip("a", "1", "file:///a.wav", 1.5, attributes={"site": "north"}),
        Clip("b", "2", duration_s=4.0),
        Clip("c", "3", attributes={"site": "south", "clip_id": "x"}),
    )
    return world


async def test_fields_and_attributes_are_found(world: World):
    assert await world.taken("duration_s > 1") == [0, 1]
    assert await world.taken("site = south") == [2]
    assert await world.taken("clip_id >= b") == [1, 2]
    assert await world.taken("attributes.clip_id = x") == [2]
    assert await world.taken("uri:*") == [0]
    assert await world.taken("") == [0, 1, 2]


async def test_clips_that_come_are_read(world: World):
    assert await world.taken("site:*") == [0, 2]
    await world.append(Clip("d", "4"), Clip("e", "5", attributes={"depth": 3.0}))
    assert await world.taken("site:*") == [0, 2]
    assert await world.taken("depth = 3 AND duration_s != 1") == [4]
    await world.append(Clip("f", "6", attributes={"site": "south"}))
    assert await world.taken('site = "s*" OR clip_id = e') == [2, 4, 5]


async def test_clips_that_change_or_go_are_read_again(world: World):
    assert await world.taken("site:*") == [0, 2]
    assert await world.taken("clip_id = a") == [0]
    await world.store.update_clips(POOL, [ClipUpdate("a", {"depth": 1.0}, ["site"])])
    await world.store.update_clips(POOL, [ClipUpdate("b", {"site": "east"})])
    await world.store.rename_clip(POOL, "a", "z")
    assert await world.taken("site:*") == [1, 2]
    assert await world.taken("depth = 1 AND clip_id = z") == [0]
    assert await world.taken("clip_id = a") == []
    await world.store.remove_clips(POOL, ["c"])
    assert await world.taken("site:*") == [1]
    assert await world.taken("NOT site:*") == [0]


async def test_a_clip_that_changed_before_it_was_read_leaves_no_gap(world: World):
    assert await world.taken("duration_s > 1") == [0, 1]
    await world.append(Clip("d", "4", duration_s=9.0), Clip("e", "5", duration_s=9.0))
    await world.store.update_clips(POOL, [ClipUpdate("e", {"site": "east"})])
    assert await world.taken("duration_s > 1") == [0, 1, 3, 4]
    assert await world.taken("site = east") == [4]


async def test_fields_of_a_task_are_none_without_one(world: World):
    with pytest.raises(InvalidInput, match="no clip has a field 'state'"):
        await world.taken("state = labeled")
