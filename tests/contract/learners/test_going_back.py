"""Redis goes back to an earlier state under living learners: labels may be lost, never moved."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tests.contract.learners.worlds import World, content_of, world_on

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.clip_changes import FoundClip
from aloe.learner.domain.errors import (
    HeadVersionUnknown,
    LeaseLost,
    PoolNotFound,
    StoreDamaged,
    StoreWentBack,
    TaskNotFound,
)
from aloe.learner.domain.pool import NamedClip, Pool
from aloe.learner.usecases.label_import import KnownLabel
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.predicting import NamedClips
from aloe.values.representations import Representation
from aloe.values.states import EventKind, Split

OLD, A, B = range(20), range(100, 120), range(201, 221)
"""Contents. Those of A and B at the same row have different truths."""

pytestmark = pytest.mark.timeout(60)


def names(prefix: str, contents: Sequence[int]) -> list[str]:
    return [f"{prefix}{place}" for place in range(len(contents))]


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with world_on(redis_url, uuid.uuid4().hex) as world:
        await world.create()
        await world.add(names("old", OLD), OLD)
        yield world


async def trained(world: World) -> int:
    """Label two clips and wait for the head."""
    outcome = await world.answer(await world.query(6))
    version = outcome.head_version
    assert version is not None
    await predicted(world, 0, version)
    return version


async def predicted(world: World, at: int = 0, version: int = 0) -> Any:
    return await world.learners[at].predictor.predict(
        world.task_id, NamedClips([NamedClip(world.pool_id, "old0")]), min_head_version=version
    )


async def script_count(world: World) -> int:
    stats = await world.client.info("commandstats")
    return int(stats["cmdstat_evalsha"]["calls"])


async def test_an_oracle_that_heard_a_lost_clip_labels_no_other(world: World):
    before = await world.note()
    await world.add(names("clip", A), A)
    # Both learners know A; oracles hold some of it.
    heard = [await world.query(15, at, f"early-{at}") for at in (0, 1)]
    await world.go_back(before)
    await world.add(names("clip", B), B, at=1)
    for at, clips in enumerate(heard):
        with pytest.raises(LeaseLost, match=r"answers\[0\]\.lease_id.*went back"):
            await world.answer(clips, at, f"early-{at}")
    seen: set[int] = set()
    while clips := await world.query(7, at=len(seen) % 2):
        assert seen.isdisjoint(map(content_of, (each.clip for each in clips)))
        seen |= {content_of(each.clip) for each in clips}
        await world.answer(clips, at=1)
    assert seen == {*OLD, *B}
    assert (await world.labels(0)).keys() == (await world.labels(1)).keys() == seen


async def test_query_and_predict_go_on_at_once(world: World):
    before = await world.note()
    await world.add(names("clip", A), A)
    await trained(world)
    await world.go_back(before)
    count = await script_count(world)
    async with asyncio.timeout(5):
        # What is not there any more was leased at first, and is not told.
        assert {content_of(each.clip) for each in await world.query(20)} <= set(OLD)
        with pytest.raises(HeadVersionUnknown):
            await predicted(world, version=1)
    assert await script_count(world) - count < 60


async def test_a_head_that_was_lost_is_trained_on_what_is_there_now(world: World):
    before = await world.note()
    await trained(world)
    lost = await predicted(world)
    await world.go_back(before)
    await world.answer(await world.query(12, at=1), at=1)
    await world.query(1)  # Predict alone may be a moment behind.
    found = await predicted(world, version=1)
    other = await predicted(world, at=1, version=1)
    assert found.probabilities.tolist() == other.probabilities.tolist()
    assert found.probabilities.tolist() != lost.probabilities.tolist()


async def test_a_query_that_is_repeated_does_not_give_what_was_lost(world: World):
    before = await world.note("pool")
    await world.add(names("clip", A), A)
    first = await world.query(30, request_id="r")
    assert any(content_of(each.clip) in A for each in first)
    # As in a cluster: the pool alone goes back, and the answer to the request is still known.
    await world.go_back(before)
    await world.add(names("clip", B), B, at=1)
    again = await world.query(30, request_id="r")
    assert {content_of(each.clip) for each in again} <= {*OLD, *B}
    await world.answer(again)
    await world.labels()


async def test_labels_of_a_part_of_the_pool_that_was_lost_are_taken_off_and_told(
    world: World, caplog: pytest.LogCaptureFixture
):
    before = await world.note("pool")
    await world.add(names("clip", A), A)
    while clips := await world.query(10):
        await world.answer(clips)
    await world.go_back(before)
    await world.add(names("clip", B[:10]), B[:10], at=1)
    for at in (0, 1):  # Nobody has settled yet: what is exported is true all the same.
        assert (await world.labels(at)).keys() == set(OLD)
    rest = []
    while clips := await world.query(4, at=1):
        rest += [content_of(each.clip) for each in clips]
        await world.answer(clips, at=1)
    assert sorted(rest) == list(B[:10])
    state = await world.learners[0].tasks.get(world.task_id)
    assert (state.progress.labeled, state.clip_count) == (30, 30)
    history = await world.learners[0].tasks.events(world.task_id, "0-0", 1_000)
    dropped = [each for each in history.events if each.kind is EventKind.LABELS_DROPPED]
    assert sum(len(each.rows) for each in dropped) == len(A)
    assert "20 clips were taken off" in caplog.text
    for event in history.events:
        for place, row in enumerate(event.rows):
            if event.content_hashes and history.has_clip(event, place):
                assert history.clips[row].content_hash == event.content_hashes[place]


async def test_training_goes_on_without_the_labels_of_lost_clips(world: World):
    before = await world.note("pool")
    await world.add(names("clip", A), A)
    version = await trained(world)
    while clips := await world.query(10):
        await world.answer(clips)
    await world.go_back(before)
    version = (await world.learners[0].tasks.get(world.task_id)).progress.promised_head_version
    async with asyncio.timeout(20):
        for at in (1, 0):
            await predicted(world, at, version)
        await world.query(1, at=1)
        version = (await world.learners[1].tasks.get(world.task_id)).progress.promised_head_version
        await predicted(world, 1, version)
    last = (await world.learners[1].tasks.head(world.task_id, str(version))).trained
    assert last.label_count == len(OLD)


async def test_clips_that_come_back_can_be_asked_for(world: World):
    before = await world.note("pool")
    await world.learners[0].pools.delete_clips(world.pool_id, ["old3", "old4"])
    assert len(await world.query(30, at=1)) == 18
    await world.go_back(before)
    again = await world.query(30, at=1, oracle_id="bob")
    assert sorted(each.clip.clip_id for each in again) == ["old3", "old4"]
    await world.learners[1].pools.delete_clips(world.pool_id, ["old5"])
    state = await world.learners[0].tasks.get(world.task_id)
    assert (state.progress.retired, state.clip_count) == (1, 19)


async def test_labels_that_the_task_alone_lost_can_be_given_again(world: World):
    before = await world.note("task")
    await world.answer(await world.query(8))
    await world.learners[0].pools.delete_clips(world.pool_id, ["old3"])
    await world.go_back(before)
    assert await world.labels() == {}
    while clips := await world.query(5, at=1):
        await world.answer(clips, at=1)
    assert (await world.labels()).keys() == {*OLD} - {3}


@pytest.mark.parametrize("when", ["before they are found", "found", "set"])
async def test_known_labels_of_clips_that_are_lost_meanwhile_are_refused(redis_url: str, when: str):
    class GoesBack(RedisStore):
        """Goes back at one of the steps of ImportLabels, which takes its time then."""

        keeps_order = False
        world: World
        before: Any = None

        async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
            if self.before and when == "before they are found":
                # They come after the pool was read, and are lost as soon as they are found.
                await self.world.add(names("clip", A), A, at=1)
            found = await super().find_clips(pool_id, clip_ids)
            if when != "set":
                await self.lose()
            return found

        async def import_labels(self, *args: Any, **options: Any) -> Any:
            await self.lose()
            return await super().import_labels(*args, **options)

        async def lose(self) -> None:
            if self.before:
                self.before, before = None, self.before
                await self.world.go_back(before)
                await self.world.add(names("clip", B), B, at=1)

    async with world_on(redis_url, uuid.uuid4().hex, GoesBack) as world:
        await world.create()
        await world.add(names("old", OLD), OLD)
        store = world.stores[0]
        assert isinstance(store, GoesBack)
        store.world, before = world, await world.note()
        if when != "before they are found":
            await world.add(names("clip", A), A)
        store.before = before
        known = [KnownLabel(world.pool_id, f"clip{n}", "even", Split.TRAIN) for n in (0, 2, 4)]
        importer = world.learners[0].label_importer
        if when == "before they are found":
            # Found anew, they are what they are now.
            await importer.import_labels(world.task_id, known)
            assert (await world.learners[1].tasks.get(world.task_id)).progress.labeled == 3
            return
        with pytest.raises(StoreWentBack):
            await importer.import_labels(world.task_id, known)
        assert await world.labels(1) == {}
        assert len(await world.query(50, at=1)) == 40


async def test_an_import_of_which_a_part_is_lost_fails(redis_url: str):
    class GoesBack(RedisStore):
        """Goes back after its first append."""

        world: World
        before: Any = None

        async def append_clips(self, *args: Any, **options: Any) -> Any:
            appended = await super().append_clips(*args, **options)
            if self.before is not None:
                self.before, before = None, self.before
                await self.world.go_back(before)
            return appended

    async with world_on(redis_url, uuid.uuid4().hex, GoesBack) as world:
        await world.create()
        await world.add(names("old", OLD), OLD)
        store = world.stores[0]
        assert isinstance(store, GoesBack)
        store.world, store.before = world, await world.note()
        many = range(1_000, 6_000)
        with pytest.raises(StoreWentBack):
            await world.add(names("many", many), many)
        report = await world.add(names("many", many), many)
        assert report.imported_count + report.existing_count == len(many)
        assert (await world.learners[1].pools.get(world.pool_id)).clip_count == 5_020


async def test_a_task_and_a_pool_that_never_were_are_not_found(world: World):
    await world.query(3)
    empty = await world.note()
    await world.go_back(type(empty)(empty.patterns, {}))
    for at in (0, 1):
        with pytest.raises(TaskNotFound):
            await world.query(3, at)
        with pytest.raises((PoolNotFound, TaskNotFound)):
            await predicted(world, at)
    await world.create()
    await world.add(names("old", B), B, at=1)
    heard = await world.query(20)
    assert {content_of(each.clip) for each in heard} == set(B)
    await world.answer(heard)
    assert len(await world.labels(1)) == 20


async def test_a_task_whose_map_is_lost_is_asked_on_and_mended_by_its_next_head(redis_url: str):
    async with world_on(redis_url, uuid.uuid4().hex) as world:
        await world.create(representation=Representation.LINEAR)
        await world.add(names("old", OLD), OLD)
        version = await trained(world)
        head = (await world.learners[0].tasks.head(world.task_id, "")).head
        await world.client.hdel(f"aloe:{{pool:{world.pool_id}}}:maps", head.map_name)
        with pytest.raises(StoreDamaged, match=head.map_name):
            await predicted(world, 1)
        leased = await world.query(4, 1)
        assert len(leased) == 4
        version = (await world.answer(leased, 1)).head_version or 0
        assert not (await predicted(world, 1, version)).failures


async def test_a_map_that_is_lost_once_it_was_listed_is_no_damage(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    before, store = await world.note(), world.stores[0]
    await world.add(names("clip", A), A)
    pool = await PoolCache(store).fresh(world.pool_id)
    assert await PoolMaps(store).current(pool, Representation.KERNEL)
    listed = store.list_map_names

    async def list_and_lose(pool: Pool) -> list[str]:
        found = await listed(pool)
        await world.go_back(before)
        return found

    monkeypatch.setattr(store, "list_map_names", list_and_lose)
    with pytest.raises(StoreWentBack):
        await PoolMaps(store).current(pool, Representation.KERNEL)


async def test_picks_among_clips_that_were_lost_are_told_as_not_to_be_made_again(world: World):
    await trained(world)
    before = await world.note("pool")
    lost, other = range(20, 40), range(-20, 0)
    await world.add(names("clip", lost), lost)
    assert {content_of(each.clip) for each in await world.query(30)} & set(lost)
    await world.go_back(before)
    await world.add(names("clip", other), other, at=1)
    assert len(await world.query(4, at=1)) == 4
    *_, found = [each async for each in world.learners[1].replaying.replay(world.task_id)]
    assert found.difference_count == 0
    assert (found.pick_count, found.unknown_count) == (6 + 4, 30)
    assert "the store went back" in found.unknown_text
