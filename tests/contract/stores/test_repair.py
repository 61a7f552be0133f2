"""`aloe doctor --repair`: what was damaged is mended, labels come back, and learners go on."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from tests.needing_redis import needing_redis

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.class_changes import changed_classes
from aloe.learner.domain.events import START_OF_LOG, TaskView
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import LabelChange
from aloe.local.redis_server import redis_child
from aloe.redis.connecting import connect_blocking
from aloe.redis.keys import IDENTITY, POOL_IDS, POOL_KINDS, SCHEMA, TASK_IDS, TASK_KINDS
from aloe.redis.repair import Damage, examine
from aloe.values.classes import AddClass, MergeClass
from aloe.values.labels import LabelMode
from aloe.values.states import ClipState

from .conftest import Scene, make_scene, new_task
from .heads import a_head, a_round
from .whole_redis import everything


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("repair")
    with needing_redis():
        child = redis_child(folder / "data", folder / "r.sock", folder / "redis.log")
    child.start(timeout_s=30)
    yield f"unix://{folder / 'r.sock'}"
    child.stop()


@dataclass
class Mended:
    """A pool and a task of which everything is in use, and clients of their Redis."""

    scene: Scene
    client: Any
    blocking: Any

    def task_key(self, name: str) -> str:
        return f"aloe:{{task:{self.scene.task.task_id}}}:{name}"

    def pool_key(self, name: str) -> str:
        return f"aloe:{{pool:{self.scene.pool.pool_id}}}:{name}"

    def look(self) -> list[Damage]:
        return list(examine(self.blocking, mends=False))

    def mend(self) -> list[Damage]:
        """Mend what is found, and what was hidden by it; return the first look."""
        found = list(examine(self.blocking, mends=True))
        list(examine(self.blocking, mends=True))
        return found

    async def labels(self) -> dict[int, tuple[ClipState, int, str, bool]]:
        task, _ = await self.scene.store.read_task(self.scene.task.task_id)
        stored = await self.scene.store.read_labels(task)
        return {
            each.row: (each.state, each.class_index, each.oracle_id, each.is_audit)
            for each in stored
        }

    async def works(self) -> None:
        """Go through labeling once more."""
        store = self.scene.store
        task, before = await store.read_task(self.scene.task.task_id)
        await store.read_events(task, START_OF_LOG)
        pool = await store.read_pool(task.pool_id)
        assert len(list(await store.read_clips(pool, 0, 100))) == pool.row_count
        assert len(await store.read_vectors(pool, 0)) == pool.row_count
        free = await store.lease(task, self.scene.request("eve"))
        assert len(free.leases) == 1
        outcome = await store.submit(task, "eve", [(free.leases[0].lease_id, 0)], "again")
        assert outcome.label_count == before.labeled + 1


@pytest.fixture
async def mended(url: str, tmp_path: Path) -> AsyncIterator[Mended]:
    store, client = RedisStore.of_url(url), redis.asyncio.Redis.from_url(url)
    await store.prepare()
    scene = await make_scene(store)
    labels = [
        LabelChange(0, ClipState.LABELED, 0, is_audit=True),
        LabelChange(1, ClipState.VALIDATION, 1),
    ]
    await store.import_labels(scene.task, labels)
    (lease,) = (await store.lease(scene.task, scene.request())).leases
    await store.submit(scene.task, "ann", [(lease.lease_id, 1)], "request")
    ticket = await store.begin_round(scene.task, "trainer", timedelta(minutes=1))
    assert ticket is not None
    assert await store.publish_head(ticket, a_head(1), a_round(1))
    await store.promote_head(scene.task, "production", 1)
    await store.promote_head(scene.task, "canary", 1)
    await store.demote_head(scene.task, "canary")
    await store.lease(scene.task, scene.request())
    blocking = connect_blocking(url)
    yield Mended(scene, client, blocking)
    async for key in client.scan_iter("aloe:*", count=10_000):
        await client.delete(key)
    blocking.close()
    await client.aclose()
    await store.close()


async def test_nothing_is_found_where_nothing_is_damaged(mended: Mended):
    before = await everything(mended.client)
    assert mended.look() == []
    assert mended.mend() == []
    assert await everything(mended.client) == before


async def test_restored_heads_are_no_damage_and_stay_where_the_log_is_made_anew(mended: Mended):
    store = mended.scene.store
    task = await store.create_task(new_task(mended.scene.pool.pool_id))
    for version in (3, 7):
        await store.restore_head(task, a_head(version), a_round(version))
    await store.promote_head(task, "production", 3)
    assert mended.look() == []
    await mended.client.delete(f"aloe:{{task:{task.task_id}}}:events")
    mended.mend()
    assert mended.look() == []
    task, progress = await store.read_task(task.task_id)
    view = TaskView(0)
    for event in await store.read_events(task, START_OF_LOG):
        view.apply(event)
    assert (view.head_version, progress.head_version, view.promoted) == (7, 7, {"production": 3})


@pytest.mark.parametrize("name", TASK_KINDS)
async def test_a_key_of_a_task_of_another_kind_is_set_aside_and_no_label_is_lost(
    mended: Mended, name: str
):
    before = await mended.labels()
    key = mended.task_key(name)
    await mended.client.delete(key)
    await mended.client.geoadd(key, (1, 1, "x")) if name != "expiries" else (
        await mended.client.set(key, "foreign")
    )
    stored = await everything(mended.client)
    found = mended.look()
    assert found[0].key == key
    assert "renamed to aloe:damaged:" in found[0].mend
    assert await everything(mended.client) == stored  # A look changes nothing.
    assert [each.found for each in mended.mend()] == [each.found for each in found]
    assert mended.look() == []
    assert await mended.labels() == before
    asides = [each async for each in mended.client.scan_iter("aloe:damaged:*")]
    assert any(each.endswith(key.encode()) for each in asides)
    await mended.works()


@pytest.mark.parametrize("harm", ["gone", "foreign", "unreadable"])
async def test_names_of_heads_come_back_from_the_log(mended: Mended, harm: str):
    store, key = mended.scene.store, mended.task_key("promotions")
    before = await store.read_promotions(mended.scene.task)
    await mended.client.delete(key)
    if harm == "foreign":
        await mended.client.set(key, "foreign")
    elif harm == "unreadable":
        await mended.client.hset(key, "production", "{")
    mended.mend()
    assert mended.look() == []
    task, _ = await store.read_task(mended.scene.task.task_id)
    (found,) = await store.read_promotions(task)
    assert (found.promotion_id, found.head.version) == ("production", 1)
    assert abs(found.head.promote_time - before[0].head.promote_time) < timedelta(seconds=1)


@pytest.mark.parametrize("harmed", ["heads", "events"])
async def test_the_log_says_which_names_are_left(mended: Mended, harmed: str):
    """A name whose head is gone has none; a log that is made anew knows the others."""
    await mended.client.delete(mended.task_key(harmed))
    mended.mend()
    assert mended.look() == []
    store = mended.scene.store
    task, _ = await store.read_task(mended.scene.task.task_id)
    view = TaskView(0)
    for event in await store.read_events(task, START_OF_LOG):
        view.apply(event)
    stored = {each.promotion_id: each.head.version for each in await store.read_promotions(task)}
    assert view.promoted == stored == ({} if harmed == "heads" else {"production": 1})


@pytest.mark.parametrize("name", [name for name in POOL_KINDS if name not in ("meta", "chunks")])
@pytest.mark.parametrize("harm", ["foreign", "gone"])
async def test_what_names_clips_is_made_anew(mended: Mended, name: str, harm: str):
    before = await mended.labels()
    key = mended.pool_key(name)
    await mended.client.delete(key)
    if harm == "foreign":
        await mended.client.xadd(key, {"a": "b"})
    mended.mend()
    assert mended.look() == []
    pool = await mended.scene.store.read_pool(mended.scene.pool.pool_id)
    clips = list(await mended.scene.store.read_clips(pool, 0, 100))
    assert [each.clip_id for each in clips] == [f"clip-{row}" for row in range(6)]
    assert await mended.labels() == before
    await mended.works()


@pytest.mark.parametrize("name", ["meta", "chunks"])
async def test_what_only_a_backup_has_is_told_and_left(mended: Mended, name: str):
    await mended.client.delete(mended.pool_key(name))
    (damage,) = [each for each in mended.look() if each.key == mended.pool_key(name)]
    assert not damage.can_be_mended
    assert "backup" in damage.mend
    clips = await mended.client.lrange(mended.pool_key("clips"), 0, -1)
    mended.mend()
    assert await mended.client.lrange(mended.pool_key("clips"), 0, -1) == clips


@pytest.mark.parametrize("count", [10**20, 10**12, 7, -1])
@pytest.mark.parametrize("field", ["clip_count", "retired_count", "change_count"])
async def test_counts_that_are_wrong_are_set_to_what_is_there(
    mended: Mended, field: str, count: int
):
    await mended.client.hset(mended.pool_key("meta"), field, count)
    assert mended.look()[0].key == mended.pool_key("meta")
    mended.mend()
    assert mended.look() == []
    assert (await mended.scene.store.read_pool(mended.scene.pool.pool_id)).clip_count == 6
    await mended.works()


async def test_a_chunk_of_more_rows_than_there_can_be_is_told_and_no_clips_are_made_up(
    mended: Mended,
):
    await mended.client.lset(mended.pool_key("chunks"), 0, f"0 {10**12} x")
    key = mended.pool_key("chunks")
    assert [each.can_be_mended for each in mended.look() if each.key == key] == [False]
    mended.mend()
    assert await mended.client.llen(mended.pool_key("clips")) == 6


async def test_a_clip_list_shorter_than_its_count_gets_its_clips_back(mended: Mended):
    await mended.client.ltrim(mended.pool_key("clips"), 0, 1)
    (damage,) = mended.look()
    assert damage.found == "it has 2 of 6 clips"
    assert "URIs" in damage.cost
    mended.mend()
    assert mended.look() == []
    pool = await mended.scene.store.read_pool(mended.scene.pool.pool_id)
    clips = list(await mended.scene.store.read_clips(pool, 0, 100))
    assert [each.clip_id for each in clips] == [f"clip-{row}" for row in range(6)]
    await mended.works()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("meta", ["HSET", "labeled", "17"]),
        ("meta", ["HSET", "spent", "x"]),
        ("meta", ["HSET", "class:1", "1.5"]),
        ("meta", ["HSET", "fence", "x"]),
        ("meta", ["HSET", "head_version", "x"]),
        ("meta", ["HSET", "clock", "x"]),
        ("meta", ["HDEL", "spec"]),
        ("meta", ["HDEL", "epoch"]),
        ("labels", ["HDEL", "0"]),
        ("labels", ["HSET", "0", "{"]),
        ("labels", ["HSET", "0", '["x"]']),
        ("holds", ["HSET", "5", "nobody"]),
        ("holds", ["HSET", "0", "nobody"]),
        ("expiries", ["ZREMRANGEBYRANK", 0, -1]),
        ("events", ["XADD", "*", "kind", "odd"]),
        ("meta", ["HDEL", "leased"]),
        ("meta", ["HSET", "labeled", str(10**12)]),
        ("heads", ["HDEL", "1"]),
        ("rounds", ["HDEL", "1"]),
    ],
)
async def test_a_value_that_is_none_of_ours_is_mended_and_no_label_is_lost(
    mended: Mended, name: str, command: list[Any]
):
    before = await mended.labels()
    await mended.client.execute_command(command[0], mended.task_key(name), *command[1:])
    assert mended.look()
    mended.mend()
    assert mended.look() == []
    assert await mended.labels() == before
    await mended.works()


async def test_leases_that_cannot_be_read_are_set_aside_and_their_clips_are_free(mended: Mended):
    leases = mended.task_key("leases")
    for lease_id in await mended.client.hkeys(leases):
        await mended.client.hset(leases, lease_id, "{")
    mended.mend()
    assert mended.look() == []
    _, progress = await mended.scene.store.read_task(mended.scene.task.task_id)
    assert progress.leased == 0
    await mended.works()


@pytest.mark.parametrize("key", [SCHEMA, IDENTITY, POOL_IDS, TASK_IDS])
async def test_marks_and_indexes_of_all_data_are_mended(mended: Mended, url: str, key: str):
    await mended.client.delete(key)
    await mended.client.xadd(key, {"a": "b"})
    assert mended.look()[0].key == key
    mended.mend()
    assert mended.look() == []
    store = RedisStore.of_url(url)
    await store.prepare()
    assert await store.list_pool_ids() == [mended.scene.pool.pool_id]
    assert await store.list_task_ids(None) == [mended.scene.task.task_id]
    await store.close()


async def test_vectors_that_are_gone_are_told(mended: Mended):
    (key,) = [each async for each in mended.client.scan_iter("aloe:chunk:*")]
    await mended.client.delete(key)
    (damage,) = mended.look()
    assert (damage.key, damage.can_be_mended) == (key.decode(), False)


async def test_what_learners_make_anew_is_deleted_where_it_is_of_another_kind(mended: Mended):
    await mended.client.set("aloe:mapped:p:e:c:kernel.1.a", b"whole")
    assert mended.look() == []
    await mended.client.rpush("aloe:mapped:p:e:c:kernel.1.b", "x")
    (found,) = mended.mend()
    assert (found.key, found.can_be_mended) == ("aloe:mapped:p:e:c:kernel.1.b", True)
    assert mended.look() == []
    assert [key async for key in mended.client.scan_iter("aloe:mapped:*")] == [
        b"aloe:mapped:p:e:c:kernel.1.a"
    ]


@pytest.mark.parametrize("field", ["counts_as", "class_mark", "classes_labeled", None])
async def test_what_labels_of_classes_count_as_is_made_anew(mended: Mended, field: str | None):
    store, names = mended.scene.store, mended.scene.task.classes
    for change in (AddClass("maybe"), AddClass("never"), MergeClass("maybe", names[0])):
        task, _ = await store.read_task(mended.scene.task.task_id)
        table = changed_classes(task.class_table, change, task.create_time)
        await store.change_classes(task.reclassed(table, str(change)), teaches=True)
    assert mended.look() == []
    meta = mended.task_key("meta")
    before = await mended.client.hgetall(meta)
    assert before[b"counts_as"] == b"[0,1,0,3]"
    await (mended.client.hdel(meta, field) if field else mended.client.delete(meta))
    assert meta in {each.key for each in mended.mend()}
    after = await mended.client.hgetall(meta)
    told = b"counts_as", b"class_mark", b"classes_labeled", b"spec"
    assert [after[each] for each in told] == [before[each] for each in told]
    await mended.works()


async def test_sets_of_labels_come_back_and_are_counted(mended: Mended):
    store, sets = mended.scene.store, (ClassSet((0,), (1,)), ClassSet((), (0, 1)))
    task = await store.create_task(
        new_task(mended.scene.pool.pool_id, label_mode=LabelMode.MULTIPLE)
    )
    await store.import_labels(
        task,
        [LabelChange(row, ClipState.LABELED, -1, class_set=each) for row, each in enumerate(sets)],
    )
    assert mended.look() == []
    key = f"aloe:{{task:{task.task_id}}}"
    await mended.client.hdel(f"{key}:labels", 1)
    await mended.client.hset(f"{key}:meta", "class:0;1", 7)
    await mended.client.hset(f"{key}:meta", "classes_labeled", 9)
    told = " ".join(each.found for each in mended.mend())
    assert "labels are missing" in told
    assert "classes_labeled is 9 and should be 2" in told
    assert mended.look() == []
    assert [each.class_set for each in await store.read_labels(task)] == list(sets)
