"""A Redis without room: each change fails whole, reading goes on; then all is as before."""

import contextlib
import re
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis.asyncio
from tests.needing_redis import needing_redis

from aloe.learner.adapters.redis.orphans import OrphanSweep
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import LeaseLost, StoreFull, StoreUnavailable
from aloe.learner.domain.events import START_OF_LOG
from aloe.learner.domain.leases import LabelChange
from aloe.local.redis_server import redis_child
from aloe.redis.connecting import connect_blocking
from aloe.redis.repair import examine
from aloe.values.states import ClipState

from .conftest import Scene, make_scene, new_clips, new_pool, new_task
from .time_travel import make_older
from .whole_redis import everything

PAGE = Path(__file__).parents[3] / "deploy" / "REDIS.md"
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[tuple[RedisStore, Any]]:
    """A store of its own and a plain client of its Redis."""
    with needing_redis():
        child = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "redis.log")
    child.start(timeout_s=30)
    url = f"unix://{tmp_path / 'r.sock'}"
    store, client = RedisStore.of_url(url), redis.asyncio.Redis.from_url(url)
    await store.prepare()
    yield store, client
    await client.aclose()
    await store.close()
    child.stop()


async def test_one_that_became_a_replica_says_whose_url_helps(own: tuple[RedisStore, Any]):
    store, client = own
    await client.replicaof("127.0.0.1", 1)
    with pytest.raises(StoreUnavailable, match=r"cannot serve now: .*the URL of the primary"):
        await store.create_pool(new_pool())


def changes(scene: Scene, lease_id: str) -> dict[str, Any]:
    """One change of each kind."""
    store, pool, task = scene.store, scene.pool, scene.task
    minute = timedelta(minutes=1)
    return {
        "create_pool": lambda: store.create_pool(new_pool()),
        "append_clips": lambda: store.append_clips(pool, *new_clips(300, first=100)),
        "create_task": lambda: store.create_task(new_task(pool.pool_id)),
        "update_task": lambda: store.update_task(task),
        "import_labels": lambda: store.import_labels(
            task, [LabelChange(row, ClipState.LABELED, row % 2) for row in (3, 4)]
        ),
        "lease": lambda: store.lease(task, scene.request(max_count=2)),
        "submit": lambda: store.submit(task, "ann", [(lease_id, 1)], uuid.uuid4().hex),
        "release": lambda: store.release(task, "ann", []),
        "renew": lambda: store.renew(task, "ann", [lease_id], minute),
        "begin_round": lambda: store.begin_round(task, "trainer", minute),
    }


async def configure(client: Any, setting: str, value: str) -> None:
    if setting == "replicaof":
        await client.replicaof(*("NO", "ONE") if value == "0" else ("127.0.0.1", value))
    else:
        await client.config_set(setting, value)


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("maxmemory", "1", StoreFull),
        ("min-replicas-to-write", "1", StoreUnavailable),
        ("replicaof", "1", StoreUnavailable),
    ],
)
async def test_every_change_fails_whole_and_every_read_goes_on(own, setting, value, error):
    store, client = own
    scene = await make_scene(store)
    # So that a round is due.
    labels = [LabelChange(row, ClipState.LABELED, row % 2) for row in (0, 1)]
    await store.import_labels(scene.task, labels)
    (lease,) = (await store.lease(scene.task, scene.request())).leases
    await configure(client, setting, value)
    before = await everything(client)
    for name, change in changes(scene, lease.lease_id).items():
        with pytest.raises(error):
            await change()
        assert await everything(client) == before, name
    # A lease that is overdue cannot be ended now, and that must keep nobody from reading.
    await configure(client, setting, "0")
    await make_older(client, scene.task.task_id, timedelta(hours=1))
    await configure(client, setting, value)
    before = await everything(client)
    _, progress = await store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.leased) == (2, 1)
    assert len(await store.read_labels(scene.task)) == 2
    assert await store.read_events(scene.task, START_OF_LOG)
    assert len(await store.read_vectors(scene.pool, 0)) == scene.pool.clip_count
    assert await store.read_clips(scene.pool, 0, 2)
    assert await everything(client) == before
    await configure(client, setting, "0")
    _, progress = await store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.leased) == (2, 0)
    for name, change in changes(scene, lease.lease_id).items():
        if name not in ("submit", "renew"):  # Others may have its clip by then.
            await change()


async def test_a_user_with_the_permissions_that_the_page_lists_can_do_everything(
    own, tmp_path: Path
):
    _, client = own
    (listed,) = re.findall(r"`(~aloe:\* [^`]*)`", PAGE.read_text())
    await client.execute_command("ACL", "SETUSER", "aloe", "on", ">x", *listed.split())
    store = RedisStore.of_url(f"unix://aloe:x@{tmp_path / 'r.sock'}")
    await store.prepare()
    scene = await make_scene(store)
    labels = [LabelChange(row, ClipState.LABELED, row % 2) for row in (0, 1)]
    await store.import_labels(scene.task, labels)
    (lease,) = (await store.lease(scene.task, scene.request())).leases
    for change in changes(scene, lease.lease_id).values():
        with contextlib.suppress(LeaseLost):
            await change()
    assert len(await store.read_vectors(scene.pool, 0)) > scene.pool.clip_count
    assert await OrphanSweep(client).sweep() == 0
    await store.delete_task(scene.task.task_id)
    await store.close()


async def test_a_repeat_of_what_was_done_is_answered_without_room(own):
    store, client = own
    scene = await make_scene(store)
    request = scene.request()
    asked = await store.lease(scene.task, request)
    answer = ("ann", [(asked.leases[0].lease_id, 1)], uuid.uuid4().hex)
    submitted = await store.submit(scene.task, *answer)
    await client.config_set("maxmemory", "1")
    assert await store.lease(scene.task, request) == asked
    assert await store.submit(scene.task, *answer) == submitted


async def test_a_learner_starts_on_a_full_redis_and_reads(own, tmp_path: Path):
    store, client = own
    scene = await make_scene(store)
    await client.config_set("maxmemory", "1")
    another = RedisStore.of_url(f"unix://{tmp_path / 'r.sock'}")
    await another.prepare()
    assert (await another.read_task(scene.task.task_id))[0] == scene.task
    await another.close()


@pytest.mark.parametrize("share", [1.05, 0.0])
async def test_what_follows_from_the_rest_is_not_kept_where_little_room_is_left(own, share: float):
    store, client = own
    scene = await make_scene(store)
    await store.append_clips(scene.pool, *new_clips(600, first=100))
    pool = await store.read_pool(scene.pool.pool_id)
    vectors = np.zeros((600, 256), np.float32)
    before = await everything(client)
    used = (await client.info("memory"))["used_memory"]
    await client.config_set("maxmemory", int(share * used) or 1)
    with pytest.raises(StoreFull):
        await store.keep_mapped(pool, "kernel.1.a", 0, vectors)
    assert await store.read_mapped(pool, "kernel.1.a", 0, vectors) == [range(600)]
    assert await everything(client) == before
    await client.config_set("maxmemory", 2 * (used + vectors.nbytes))
    await store.keep_mapped(pool, "kernel.1.a", 0, vectors)
    assert await store.read_mapped(pool, "kernel.1.a", 0, vectors) == [range(510, 600)]


async def test_what_takes_up_room_can_be_deleted_without_any(own):
    store, client = own
    scene = await make_scene(store)
    await client.config_set("maxmemory", "1")
    await store.delete_task(scene.task.task_id)
    await store.delete_pool(scene.pool.pool_id)
    assert [key async for key in client.scan_iter("aloe:{*")] == []
    assert [key async for key in client.scan_iter("aloe:chunk:*")] == []


@pytest.mark.parametrize("room_bytes", [1, 200, 5_000])
async def test_memory_that_ends_in_the_middle_of_a_change_leaves_it_whole_or_undone(
    own, room_bytes: int, tmp_path: Path
):
    store, client = own
    scene = await make_scene(store)
    labels = [LabelChange(row, ClipState.LABELED, row % 2) for row in (0, 1)]
    await store.import_labels(scene.task, labels)
    (lease,) = (await store.lease(scene.task, scene.request())).leases
    done = 0
    with contextlib.closing(connect_blocking(f"unix://{tmp_path / 'r.sock'}")) as looking:
        for name, change in changes(scene, lease.lease_id).items():
            before = await everything(client)
            used = (await client.info("memory"))["used_memory"]
            await client.config_set("maxmemory", used + room_bytes)
            try:
                await change()
                done += 1
            except StoreFull:
                assert await everything(client) == before, name
            await client.config_set("maxmemory", 0)
            assert list(examine(looking, mends=False)) == [], name
    assert done  # Some had begun while there was room.
