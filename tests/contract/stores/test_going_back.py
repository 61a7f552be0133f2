"""A Redis that goes back to an earlier state under a learner: what was read of it is dropped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import redis.asyncio

from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.clip_changes import NEW
from aloe.learner.domain.errors import StoreWentBack
from aloe.learner.domain.events import START_OF_LOG
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports.store import Store
from aloe.redis.connecting import RedisClient
from aloe.values.states import ClipState

from .conftest import DIM, Scene, make_scene, new_clips
from .heads import a_head, a_round
from .rollback import Snapshot, go_back, keys_of, snapshot


@dataclass
class Past(Scene):
    """A pool of six clips and a task, whose keys can go back to an earlier state."""

    client: RedisClient

    async def note(self) -> Snapshot:
        return await snapshot(self.client, keys_of(self.pool.pool_id, self.task.task_id))

    async def append(self, name: str, count: int = 3) -> None:
        """Add clips whose ids, contents and vectors no other name has."""
        clips = [Clip(f"{name}-{n}", f"content-{name}-{n}") for n in range(count)]
        pool = await self.store.read_pool(self.pool.pool_id)
        await self.store.append_clips(pool, clips, vectors_of(name, count))

    async def label(self, *labels: tuple[int, int]) -> None:
        changes = [LabelChange(row, ClipState.LABELED, each) for row, each in labels]
        await self.store.import_labels(self.task, changes)

    async def train(self, bias: float) -> None:
        ticket = await self.store.begin_round(self.task, "t", timedelta(minutes=1))
        assert ticket is not None
        biases = np.full(2, bias, np.float32)
        head = replace(a_head(ticket.head_version), biases=biases)
        assert await self.store.publish_head(ticket, head, a_round(ticket.head_version))


def vectors_of(name: str, count: int) -> np.ndarray:
    numbers = np.arange(count, dtype=np.float32) + 1_000 * ord(name)
    return np.repeat(numbers[:, None], DIM, axis=1)


@pytest.fixture
async def past(redis_url: str) -> AsyncIterator[Past]:
    store = RedisStore.of_url(redis_url)
    client = redis.asyncio.Redis.from_url(redis_url)
    await store.prepare()
    scene = await make_scene(store)
    yield Past(store, scene.pool, scene.task, client)
    await store.close()
    await client.aclose()


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_rows_that_became_other_clips_are_read_anew(past: Past, count):
    cache = PoolCache(past.store)
    before = await past.note()
    await past.append("A")
    stale = await cache.fresh(past.pool.pool_id)
    await cache.load(stale)
    await go_back(past.client, before)
    await past.append("B", count)
    found = await cache.fresh(past.pool.pool_id)
    assert found is not stale
    names = [f"B-{n}" for n in range(count)]
    assert [clip.clip_id for clip in found.clips][6:] == names
    assert (await cache.load(found))[6:, 0].tolist() == vectors_of("B", count)[:, 0].tolist()
    with pytest.raises(StoreWentBack, match="went back to an earlier state of pools/"):
        await past.store.check_pool(stale.pool)


async def test_a_pool_that_lost_its_last_clips_is_read_anew_and_that_is_told(past: Past, caplog):
    cache = PoolCache(past.store)
    before = await past.note()
    await past.append("A")
    await cache.fresh(past.pool.pool_id)
    await go_back(past.client, before)
    assert (await cache.fresh(past.pool.pool_id)).row_count == 6
    went_back, cost = caplog.messages
    assert went_back.endswith('deploy/REDIS.md, "When it goes back"')
    assert cost.endswith("9 clips were seen before it went back, 6 are there now")


async def test_a_pool_that_went_back_to_before_what_was_never_read_is_kept(past: Past):
    cache = PoolCache(past.store)
    known = await cache.fresh(past.pool.pool_id)
    before = await past.note()
    await past.append("A")
    await go_back(past.client, before)
    await past.append("B")
    assert await cache.fresh(past.pool.pool_id) is known
    assert len(await cache.load(known)) == 9


async def test_a_name_that_was_lost_is_lost_in_memory_too(past: Past):
    cache = PoolCache(past.store)
    before = await past.note()
    await past.store.rename_clip(past.pool, "clip-2", "of A")
    await cache.fresh(past.pool.pool_id)
    await go_back(past.client, before)
    await past.store.rename_clip(past.pool, "clip-2", "of B")
    assert (await cache.fresh(past.pool.pool_id)).clips[2].clip_id == "of B"


async def test_a_pool_that_goes_back_while_it_is_read_is_of_one_piece(past: Past, redis_url: str):
    class GoesBack(RedisStore):
        """Goes back once, between the clips and the vectors."""

        has_gone = False

        async def read_vectors(self, pool: Pool, *args):
            if not self.has_gone:
                self.has_gone = True
                await go_back(past.client, before)
                await past.append("B", 600)
            return await super().read_vectors(pool, *args)

    before = await past.note()
    await past.append("A", 600)
    store = GoesBack.of_url(redis_url)
    cache = PoolCache(store)
    with pytest.raises(StoreWentBack):
        await cache.load(await cache.fresh(past.pool.pool_id))
    found = await cache.fresh(past.pool.pool_id)
    assert {clip.clip_id[0] for clip in list(found.clips)[6:]} == {"B"}
    assert (await cache.load(found))[6:, 0].tolist() == vectors_of("B", 600)[:, 0].tolist()
    await store.close()


async def test_a_change_by_a_pool_that_went_back_is_refused(past: Past):
    before = await past.note()
    await past.append("A")
    stale = await past.store.read_pool(past.pool.pool_id)
    await go_back(past.client, before)
    await past.append("B")
    with pytest.raises(StoreWentBack):
        await past.store.append_clips(stale, *new_clips(2, first=50))
    for read in (past.store.read_clips, past.store.read_changes, past.store.read_vectors):
        with pytest.raises(StoreWentBack):
            await read(stale, 0, 3)
    assert (await past.store.read_pool(past.pool.pool_id)).row_count == 9


async def test_an_append_after_one_that_was_lost_is_refused(past: Past):
    before = await past.note()
    first = await past.store.append_clips(past.pool, *new_clips(2, first=10))
    assert (await past.store.append_clips(first.pool, *new_clips(2, first=10))).pool == first.pool
    await go_back(past.client, before)
    with pytest.raises(StoreWentBack):
        await past.store.append_clips(first.pool, *new_clips(2, first=20))


async def test_a_pool_of_an_older_server_gets_its_history_with_its_first_change(past: Past):
    keys = PoolKeys(past.pool.pool_id)
    await past.client.delete(keys.marks)
    known = await past.store.read_pool(past.pool.pool_id)
    await past.store.check_pool(known)
    await past.append("A")
    await past.store.check_pool(known)
    assert await past.client.llen(keys.marks) == 2


async def test_changes_of_other_learners_are_of_the_same_past(store: Store):
    scene = await make_scene(store)
    for number in range(3):
        clips = [Clip(f"more-{number}", f"content-{number}")]
        appended = await store.append_clips(scene.pool, clips, np.zeros((1, DIM), np.float32))
        assert appended.placements == [NEW]
        await store.check_pool(appended.pool)
    await store.check_pool(scene.pool)


async def test_a_view_ahead_of_its_log_is_folded_anew_and_that_is_told(past: Past, caplog):
    cache = TaskCache(past.store)
    before = await past.note()
    await past.label((0, 0), (1, 1))
    await past.train(bias=1.0)
    stale = await cache.fresh(past.task.task_id)
    head = await stale.head(past.store)
    await go_back(past.client, before)
    await past.label((2, 1), (3, 0), (4, 0))
    await past.train(bias=2.0)
    found = await cache.fresh(past.task.task_id)
    assert found.view.rows_in(ClipState.LABELED).tolist() == [2, 3, 4]
    went_back, cost = caplog.messages
    assert went_back.endswith('deploy/REDIS.md, "When it goes back"')
    assert cost.endswith("2 labels were seen before it went back, 3 are there now")
    assert head.biases.tolist() == [1.0, 1.0]
    assert (await found.head(past.store)).biases.tolist() == [2.0, 2.0]


async def test_settings_that_were_lost_are_lost_in_memory_too(past: Past):
    cache = TaskCache(past.store)
    before = await past.note()
    await past.store.update_task(replace(past.task, label_budget=7))
    assert (await cache.fresh(past.task.task_id)).task.label_budget == 7
    await go_back(past.client, before)
    assert (await cache.fresh(past.task.task_id)).task.label_budget is None


async def test_all_that_wait_for_a_log_that_went_back_get_the_same(past: Past):
    cache = TaskCache(past.store)
    before = await past.note()
    await past.label((0, 0))
    await cache.fresh(past.task.task_id)
    await go_back(past.client, before)
    await past.label((5, 1))
    found = await asyncio.gather(*(cache.fresh(past.task.task_id) for _ in range(5)))
    assert len({id(each) for each in found}) == 1
    assert found[0].view.rows_in(ClipState.LABELED).tolist() == [5]


async def test_events_after_one_that_never_was_are_no_log(store: Store):
    scene = await make_scene(store)
    with pytest.raises(StoreWentBack, match="earlier state of tasks/"):
        await store.read_events(scene.task, "0-9999")
    (created,) = await store.read_events(scene.task, START_OF_LOG)
    assert await store.read_events(scene.task, created.event_id) == []


async def test_a_round_of_a_log_that_went_back_is_not_published(past: Past):
    before = await past.note()
    await past.label((0, 0), (1, 1))
    lost = await past.store.begin_round(past.task, "t1", timedelta(minutes=1))
    await go_back(past.client, before)
    await past.label((2, 1), (3, 0))
    ticket = await past.store.begin_round(past.task, "t2", timedelta(minutes=1))
    assert lost is not None
    assert ticket is not None
    # Both have the first fence and the first version.
    assert (lost.fence, lost.head_version) == (ticket.fence, ticket.head_version)
    assert not await past.store.publish_head(lost, a_head(1), a_round(1))
    assert await past.store.publish_head(ticket, a_head(1), a_round(1))


async def _vectors(past: Past) -> list[float]:
    pool = await past.store.read_pool(past.pool.pool_id)
    first_values: list[float] = (await past.store.read_vectors(pool, 0))[:, 0].tolist()
    return first_values


async def test_vectors_that_are_lost_before_their_clips_are_stored_are_written_again(
    past: Past, monkeypatch
):
    store: Any = past.store
    before, chunks = await past.note(), store._chunks
    write = chunks.write

    async def write_and_go_back(*args):
        monkeypatch.setattr(chunks, "write", write)
        written = await write(*args)
        await go_back(past.client, before)
        return written

    monkeypatch.setattr(chunks, "write", write_and_go_back)
    await past.append("A")
    assert (await _vectors(past))[6:] == vectors_of("A", 3)[:, 0].tolist()


async def test_a_store_that_went_back_behind_an_append_still_has_the_vectors_from_before(
    past: Past, monkeypatch
):
    before, vectors = await past.note(), await _vectors(past)
    store: Any = past.store
    change = store._change_pool

    async def change_and_go_back(*args):
        outcome = await change(*args)
        await go_back(past.client, before)
        return outcome

    monkeypatch.setattr(store, "_change_pool", change_and_go_back)
    await past.append("A")
    assert await _vectors(past) == vectors


async def test_a_store_that_went_back_behind_a_deletion_still_has_the_vectors_from_before(
    past: Past, monkeypatch
):
    await past.store.delete_task(past.task.task_id)
    before, vectors = await past.note(), await _vectors(past)
    store: Any = past.store
    delete = store._delete

    async def delete_and_go_back(*args):
        left = await delete(*args)
        await go_back(past.client, before)
        return left

    monkeypatch.setattr(store, "_delete", delete_and_go_back)
    await past.store.delete_pool(past.pool.pool_id)
    assert await _vectors(past) == vectors


async def test_an_append_for_several_is_refused_where_one_of_them_knew_what_was_lost(past: Past):
    before = await past.note()
    first = await past.store.append_clips(past.pool, *new_clips(2, first=10))
    await go_back(past.client, before)
    later = await past.store.append_clips(past.pool, *new_clips(2, first=20))
    for clips in (new_clips(2, first=30), new_clips(2, first=20)):  # new ones, and none
        with pytest.raises(StoreWentBack):
            await past.store.append_clips(
                later.pool, *clips, marks=[past.pool.mark, first.pool.mark]
            )
        await past.store.append_clips(later.pool, *clips, marks=[past.pool.mark])
