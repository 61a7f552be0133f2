"""A key of a pool that no server of ours wrote: every call says which, and changes nothing else."""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis.asyncio
from tests.needing_redis import needing_redis

from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import StoreDamaged, StoreUnfit
from aloe.learner.domain.pool import EncodedAudio, Pool, content_hash
from aloe.learner.domain.representations.fitting import fit
from aloe.learner.domain.windows import Recording
from aloe.learner.usecases.collecting import DEFAULT_GRACE_S, AudioCollector
from aloe.local.redis_server import redis_child
from aloe.redis.keys import IDENTITY, POOL_IDS, POOL_KINDS, SCHEMA, SCHEMA_VERSION
from aloe.values.representations import Representation

from .conftest import new_clips, new_pool
from .whole_redis import everything


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("damaged")
    with needing_redis():
        child = redis_child(folder / "data", folder / "r.sock", folder / "redis.log")
    child.start(timeout_s=30)
    yield f"unix://{folder / 'r.sock'}"
    child.stop()


@dataclass
class Damaged:
    """A pool of 30 clips, one of them deleted, and a plain client of its Redis."""

    store: RedisStore
    client: Any
    pool: Pool

    def key(self, name: str) -> str:
        return f"aloe:{{pool:{self.pool.pool_id}}}:{name}"

    async def put_wrong_kind(self, key: str) -> None:
        await self.client.delete(key)
        await self.client.xadd(key, {"foreign": "1"})


@pytest.fixture
async def damaged(url: str) -> AsyncIterator[Damaged]:
    store, client = RedisStore.of_url(url), redis.asyncio.Redis.from_url(url)
    await store.prepare()
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(30))
    await store.remove_clips(await store.read_pool(pool.pool_id), ["clip-29"])
    yield Damaged(store, client, await store.read_pool(pool.pool_id))
    async for key in client.scan_iter("aloe:*", count=10_000):
        await client.delete(key)
    await client.aclose()
    await store.close()


NIGHT = Recording("night", "0" * 32, datetime(2026, 5, 4, tzinfo=UTC))
MAP = fit(Representation.LINEAR, np.eye(4, dtype=np.float32), 0)
Call = Callable[[Damaged], Awaitable[Any]]
WRITES: dict[str, Call] = {
    "append": lambda d: d.store.append_clips(d.pool, *new_clips(2, first=100)),
    "remove": lambda d: d.store.remove_clips(d.pool, ["clip-3"]),
    "rename": lambda d: d.store.rename_clip(d.pool, "clip-3", "other"),
    "create": lambda d: d.store.create_pool(d.pool),
    "delete": lambda d: d.store.delete_pool(d.pool.pool_id),
    "add_map": lambda d: d.store.add_map(d.pool, MAP),
    "put_recording": lambda d: d.store.put_recording(d.pool, NIGHT),
    "remove_recordings": lambda d: d.store.remove_recordings(d.pool, ["night"]),
}
READS: dict[str, Call] = {
    "read_pool": lambda d: d.store.read_pool(d.pool.pool_id),
    "read_clips": lambda d: d.store.read_clips(d.pool, 0, 100),
    "read_changes": lambda d: d.store.read_changes(d.pool, 0, 100),
    "read_vectors": lambda d: d.store.read_vectors(d.pool, 0),
    "find_clips": lambda d: d.store.find_clips(d.pool.pool_id, ["clip-0"]),
    "list_map_names": lambda d: d.store.list_map_names(d.pool),
    "read_map": lambda d: d.store.read_map(d.pool.pool_id, MAP.name),
    "list_recording_ids": lambda d: d.store.list_recording_ids(d.pool),
    "read_recordings": lambda d: d.store.read_recordings(d.pool, ["night"]),
}
OF_CLIPS = WRITES.keys() - {"add_map", "put_recording", "remove_recordings"}
NEEDED = {
    "meta": {*WRITES, *READS} - {"find_clips"},
    "clips": {*OF_CLIPS, "read_clips"},
    "rows": {*OF_CLIPS, "find_clips"},
    "chunks": {*OF_CLIPS, "read_vectors"},
    "tasks": {"create", "delete"},
    "contents": {*OF_CLIPS},
    "changes": {*OF_CLIPS, "read_changes"},
    "marks": {*OF_CLIPS},
    "maps": {"create", "delete", "add_map", "read_map", "list_map_names"},
    "recordings": {
        *("create", "delete", "put_recording", "remove_recordings"),
        *("list_recording_ids", "read_recordings"),
    },
}


@pytest.mark.parametrize("name", POOL_KINDS)
async def test_a_key_of_another_kind_is_named_and_nothing_is_changed(damaged: Damaged, name: str):
    key = damaged.key(name)
    await damaged.put_wrong_kind(key)
    before = await everything(damaged.client)
    for call in sorted(NEEDED[name]):
        with pytest.raises(StoreDamaged) as caught:
            await {**WRITES, **READS}[call](damaged)
        assert caught.value.key == key, call
        assert await everything(damaged.client) == before, call


async def test_an_append_that_does_not_look_first_is_refused_whole_too(damaged: Damaged):
    await WRITES["append"](damaged)  # The next one goes straight to the script.
    pool = await damaged.store.read_pool(damaged.pool.pool_id)
    await damaged.put_wrong_kind(damaged.key("changes"))
    before = await everything(damaged.client)
    with pytest.raises(StoreDamaged):
        await damaged.store.append_clips(pool, *new_clips(300, first=200))
    assert await everything(damaged.client) == before


DEEP = '{"a":' + "[" * 100_000
VALUES: list[tuple[str, list[Any], set[str]]] = [
    # Key, what is done to it, calls that must refuse it.
    ("clips", ["LTRIM", 0, 9], {"read_clips", "append", "remove"}),
    ("clips", ["LSET", 0, "{"], {"each clip"}),
    ("clips", ["LSET", 3, "7"], {"each clip", "remove", "rename"}),
    ("changes", ["LPOP"], {"read_changes", "append"}),
    ("changes", ["LSET", 0, "x"], {"read_changes"}),
    ("chunks", ["LPOP"], {"read_vectors", "append"}),
    ("chunks", ["LSET", 0, "many"], {"read_vectors", "append", "delete"}),
    ("rows", ["HSET", "clip-0", "first"], {"find_clips"}),
    ("rows", ["HSET", "clip-3", "x y"], {"remove", "rename"}),
    ("contents", ["HSET", "hash-100", "x"], {"append"}),
    ("meta", ["HSET", "spec", "{"], {"read_pool", "create", "delete"}),
    ("meta", ["HSET", "spec", "[]"], {"read_pool"}),
    ("meta", ["HDEL", "spec"], {"read_pool"}),
    ("meta", ["HSET", "clip_count", "x"], {"read_pool"}),
    ("meta", ["HSET", "retired_count", "x"], {"read_pool", "append"}),
    ("meta", ["HSET", "spec", DEEP], {"read_pool", "create", "delete"}),
    ("clips", ["LSET", 3, DEEP], {"each clip", "remove", "rename"}),
    ("clips", ["LSET", 3, '[1, 2, 3, "", null]'], {"each clip", "remove"}),
    ("clips", ["RPUSH", '["clip-x", "hash-x", "", "", null]'], {"read_clips", "append"}),
    ("changes", ["LSET", 0, "-1 []"], {"read_changes"}),
    *(
        ("meta", ["HSET", field, count], {"read_pool", "delete"})
        for field in ("clip_count", "retired_count", "change_count")
        for count in (10**20, 10**12, -1)
    ),
    ("meta", ["HSET", "retired_count", 31], {"read_pool"}),
    ("meta", ["HSET", "last_change", b"\xff"], {"read_pool"}),
    ("tasks", ["SADD", b"\xff"], {"delete", "list_task_ids"}),
    ("contents", ["HSET", "hash-3", 10**12], {"remove"}),
    ("contents", ["HSET", "hash-3", "-1"], {"remove"}),
    ("contents", ["HSET", "hash-3", "7"], {"remove"}),
    ("contents", ["HDEL", "hash-3"], {"remove"}),
    ("contents", ["HSET", "hash-3", "3 31"], {"remove"}),
    ("rows", ["HSET", "clip-3", "-1 hash-3"], {"find_clips three", "remove"}),
    ("chunks", ["LSET", 0, f"0 {10**12} x"], {"read_vectors", "append"}),
]


async def read_each_clip(damaged: Damaged) -> None:
    list(await damaged.store.read_clips(damaged.pool, 0, 100))


@pytest.mark.parametrize(("name", "command", "calls"), VALUES)
async def test_a_value_that_is_none_of_ours_is_named(
    damaged: Damaged, name: str, command: list[Any], calls: set[str]
):
    await damaged.client.execute_command(command[0], damaged.key(name), *command[1:])
    before = await everything(damaged.client)
    others: dict[str, Call] = {
        "each clip": read_each_clip,
        "list_task_ids": lambda d: d.store.list_task_ids(d.pool.pool_id),
        "find_clips three": lambda d: d.store.find_clips(d.pool.pool_id, ["clip-3"]),
    }
    for call in sorted(calls):
        with pytest.raises(StoreDamaged, match="doctor --repair") as caught:
            await {**WRITES, **READS, **others}[call](damaged)
        assert caught.value.key == damaged.key(name), call
        assert await everything(damaged.client) == before, call


@pytest.mark.parametrize("harm", ["gone", "foreign", "cut"])
async def test_vectors_that_are_lost_or_damaged_are_named(damaged: Damaged, harm: str):
    (key,) = [each async for each in damaged.client.scan_iter("aloe:chunk:*")]
    whole = await damaged.client.get(key)
    await damaged.client.delete(key)
    if harm == "foreign":
        await damaged.client.rpush(key, "x")
    elif harm == "cut":
        await damaged.client.set(key, whole[:-3])
    for call in ("read_vectors", "append"):
        with pytest.raises(StoreDamaged):
            await {**WRITES, **READS}[call](damaged)


async def test_what_a_pool_that_is_gone_left_is_told_before_it_is_made_anew(damaged: Damaged):
    await damaged.client.delete(damaged.key("meta"))
    before = await everything(damaged.client)
    with pytest.raises(StoreDamaged, match="what it belongs to is not there"):
        await WRITES["create"](damaged)
    assert await everything(damaged.client) == before


async def test_an_index_of_another_kind_keeps_pools_from_coming_and_going(damaged: Damaged):
    await damaged.put_wrong_kind(POOL_IDS)
    before = await everything(damaged.client)
    for call in ("create", "delete"):
        with pytest.raises(StoreDamaged) as caught:
            await WRITES[call](damaged)
        assert caught.value.key == POOL_IDS
        assert await everything(damaged.client) == before
    with pytest.raises(StoreDamaged):
        await damaged.store.list_pool_ids()


def make_old(folder: Path) -> None:
    then = time.time() - 2 * DEFAULT_GRACE_S
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


async def collected(damaged: Damaged, folder: Path) -> int:
    """Let a learner look for kept recordings that no pool needs, of which one is there."""
    audio = AudioFiles(str(folder), damaged.store.identity)
    await audio.keep(EncodedAudio(b"recording"), content_hash(EncodedAudio(b"recording")))
    make_old(folder)
    return await AudioCollector(damaged.store, audio, DEFAULT_GRACE_S).collect()


async def test_a_pool_that_is_not_listed_keeps_recordings_from_being_collected(
    damaged: Damaged, tmp_path: Path
):
    await damaged.client.srem(POOL_IDS, damaged.pool.pool_id)
    with pytest.raises(StoreDamaged, match=f"it lacks {damaged.pool.pool_id}") as caught:
        await collected(damaged, tmp_path)
    assert caught.value.key == POOL_IDS
    await damaged.client.sadd(POOL_IDS, damaged.pool.pool_id, "never-created")
    assert await collected(damaged, tmp_path) == 1


async def test_a_pool_of_which_only_the_settings_are_gone_keeps_recordings_from_being_collected(
    damaged: Damaged, tmp_path: Path
):
    await damaged.client.delete(damaged.key("meta"))
    with pytest.raises(StoreDamaged) as caught:
        await collected(damaged, tmp_path)
    assert caught.value.key == damaged.key("meta")


async def test_a_pool_made_in_a_redis_that_was_emptied_is_marked_with_the_version(damaged: Damaged):
    async for key in damaged.client.scan_iter("aloe:*"):
        await damaged.client.delete(key)
    await damaged.store.create_pool(new_pool())
    assert int(await damaged.client.get(SCHEMA)) == SCHEMA_VERSION


@pytest.mark.parametrize("value", ["foreign", "2.5", None])
@pytest.mark.parametrize("key", [SCHEMA, IDENTITY])
async def test_a_foreign_mark_of_all_data_keeps_the_server_from_starting(
    damaged: Damaged, url: str, key: str, value: str | None
):
    await damaged.client.delete(key)
    if value is None:
        await damaged.client.rpush(key, "x")
    elif key == IDENTITY:
        await damaged.client.set(key, f"../{value}")
    else:
        await damaged.client.set(key, value)
    store = RedisStore.of_url(url)
    with pytest.raises(StoreUnfit, match=key):
        await store.prepare()
    await store.close()
