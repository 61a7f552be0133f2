"""A key of a task that no server of ours wrote: every call says which, and changes nothing else."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from tests.needing_redis import needing_redis

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.leases import LabelChange
from aloe.local.redis_server import redis_child
from aloe.redis.keys import TASK_KINDS
from aloe.values.states import ClipState

from .conftest import Scene, make_scene
from .heads import a_head, a_round
from .time_travel import make_older
from .whole_redis import everything

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("damaged")
    with needing_redis():
        child = redis_child(folder / "data", folder / "r.sock", folder / "redis.log")
    child.start(timeout_s=30)
    yield f"unix://{folder / 'r.sock'}"
    child.stop()


@dataclass
class Damaged:
    """A task of which everything is in use, and a plain client of its Redis."""

    scene: Scene
    client: Any
    lease_ids: list[str]
    ticket: Any

    def key(self, name: str) -> str:
        return f"aloe:{{task:{self.scene.task.task_id}}}:{name}"

    async def everything(self) -> dict[bytes, Any]:
        return await everything(self.client)

    async def put_wrong_kind(self, key: str) -> None:
        await self.client.delete(key)
        if key.endswith(":rounds"):
            await self.client.set(key, "foreign")
        else:
            await self.client.rpush(key, "foreign")


@pytest.fixture
async def damaged(url: str, tmp_path: Path) -> AsyncIterator[Damaged]:
    store, client = RedisStore.of_url(url), redis.asyncio.Redis.from_url(url)
    await store.prepare()
    scene = await make_scene(store)
    labels = [LabelChange(row, ClipState.LABELED, row % 2) for row in (0, 1)]
    await store.import_labels(scene.task, labels)
    outcome = await store.lease(scene.task, scene.request(max_count=2))
    ticket = await store.begin_round(scene.task, "trainer", MINUTE)
    yield Damaged(scene, client, [each.lease_id for each in outcome.leases], ticket)
    async for key in client.scan_iter("aloe:{*", count=10_000):
        await client.delete(key)
    await client.aclose()
    await store.close()


Call = Callable[[Damaged], Awaitable[Any]]
WRITES: dict[str, Call] = {
    "create_task": lambda d: d.scene.store.create_task(d.scene.task),
    "update_task": lambda d: d.scene.store.update_task(d.scene.task),
    "import_labels": lambda d: d.scene.store.import_labels(
        d.scene.task, [LabelChange(row, ClipState.LABELED, 1) for row in (2, 5)]
    ),
    "lease": lambda d: d.scene.store.lease(d.scene.task, d.scene.request(max_count=2)),
    "submit": lambda d: d.scene.store.submit(
        d.scene.task, "ann", [(each, 1) for each in d.lease_ids], uuid.uuid4().hex
    ),
    "release": lambda d: d.scene.store.release(d.scene.task, "ann", d.lease_ids),
    "release all": lambda d: d.scene.store.release(d.scene.task, "ann", []),
    "renew": lambda d: d.scene.store.renew(d.scene.task, "ann", d.lease_ids, MINUTE),
    "begin_round": lambda d: d.scene.store.begin_round(d.scene.task, "trainer", MINUTE),
    "publish_head": lambda d: d.scene.store.publish_head(d.ticket, a_head(1), a_round(1)),
    "promote_head": lambda d: d.scene.store.promote_head(d.scene.task, "production", 1),
    "demote_head": lambda d: d.scene.store.demote_head(d.scene.task, "production"),
    "retire_rows": lambda d: d.scene.store.retire_rows(d.scene.task, [0, 2, 5]),
    "delete_task": lambda d: d.scene.store.delete_task(d.scene.task.task_id),
}
READS: dict[str, Call] = {
    "read_task": lambda d: d.scene.store.read_task(d.scene.task.task_id),
    "read_labels": lambda d: d.scene.store.read_labels(d.scene.task),
    "read_events": lambda d: d.scene.store.read_events(d.scene.task, "0-0"),
    "read_head": lambda d: d.scene.store.read_head(d.scene.task, 1),
    "read_rounds": lambda d: d.scene.store.read_rounds(d.scene.task, 1, 1),
    "read_promotions": lambda d: d.scene.store.read_promotions(d.scene.task),
}
OF_HEADS = {"begin_round", "publish_head", "promote_head", "demote_head"}
NEEDED = {
    "meta": {*WRITES, *READS},
    "labels": {*WRITES, "read_labels"} - {"update_task", "release", "release all"} - OF_HEADS,
    "holds": {*WRITES} - {"update_task"} - OF_HEADS,
    "leases": {*WRITES} - {"update_task", "import_labels"} - OF_HEADS,
    "expiries": {*WRITES, "read_task"} - {"update_task"} - OF_HEADS,
    "events": {*WRITES, "read_events"} - (OF_HEADS - {"publish_head"}),
    "heads": {"create_task", "publish_head", "promote_head", "read_head", "delete_task"},
    "rounds": {"create_task", "publish_head", "read_rounds", "delete_task"},
    "promotions": {"create_task", "promote_head", "demote_head", "read_promotions", "delete_task"},
}
"""Which calls cannot do without a key; the others may go on, and then do all of what they do."""


@pytest.mark.parametrize("name", TASK_KINDS)
async def test_a_key_of_another_kind_is_named_and_nothing_is_changed(damaged: Damaged, name: str):
    key = damaged.key(name)
    await damaged.put_wrong_kind(key)
    for call, run in {**WRITES, **READS}.items():
        before = await damaged.everything()
        if call in NEEDED[name]:
            with pytest.raises(StoreDamaged) as caught:
                await run(damaged)
            assert caught.value.key == key, call
            assert await damaged.everything() == before, call


@pytest.mark.parametrize("name", ["holds", "leases", "events"])
async def test_overdue_leases_end_whole_or_not_at_all(damaged: Damaged, name: str):
    await make_older(damaged.client, damaged.scene.task.task_id, timedelta(hours=1))
    await damaged.put_wrong_kind(damaged.key(name))
    for call in ("lease", "submit", "release", "read_task"):
        before = await damaged.everything()
        with pytest.raises(StoreDamaged) as caught:
            await {**WRITES, **READS}[call](damaged)
        assert caught.value.key == damaged.key(name), call
        assert await damaged.everything() == before, call


async def put_field(damaged: Damaged, name: str, field: str, value: str) -> None:
    await damaged.client.hset(damaged.key(name), field, value)


DEEP = '{"a":' + "[" * 100_000
VALUES: list[tuple[str, str, str, set[str]]] = [
    # Key, field ("LEASE" is one that is held), what stands there, calls that must refuse it.
    ("meta", "spec", "{not JSON", {"read_task", "lease", "create_task", "update_task"}),
    ("meta", "spec", "[]", {"read_task", "create_task"}),
    ("meta", "leased", "many", {"read_task", "lease", "submit", "release", "renew"}),
    ("meta", "spent", "1.5", {"read_task", "submit", "import_labels", "retire_rows"}),
    ("meta", "class:1", "one", {"submit", "import_labels"}),
    ("meta", "fence", "x", {"begin_round"}),
    ("meta", "budget", "x", {"lease"}),
    ("meta", "clock", "x", {"lease", "submit"}),
    ("labels", "0", "{", {"read_labels", "retire_rows"}),
    ("labels", "0", '[2, 99, 5, "", ""]', {"read_labels"}),
    ("labels", "0", '["x"]', {"read_labels", "retire_rows"}),
    ("labels", "5", "7", {"read_labels", "import_labels"}),
    ("leases", "LEASE", "{", {"submit", "release", "release all", "renew"}),
    ("leases", "LEASE", "[1]", {"submit", "release", "release all", "renew"}),
    ("holds", "2", "nobody", {"release all", "import_labels", "retire_rows"}),
    ("rounds", "1", "{}", {"read_rounds"}),
    ("heads", "1", "odd", {"read_head"}),
    ("meta", "spec", DEEP, {"read_task", "create_task", "update_task"}),
    ("meta", "leased", "-1", {"read_task"}),
    ("meta", "labeled", str(10**10), {"read_task"}),
    ("meta", "round_version", "-1", {"read_task"}),
    ("meta", "head_version", str(10**12), {"read_task", "submit", "begin_round"}),
    ("meta", "leased", "-1", {"submit", "release", "lease"}),
    ("labels", "0", DEEP, {"read_labels", "retire_rows"}),
    ("labels", "0", '[2, 1, 5, 7, ""]', {"read_labels"}),
    ("leases", "LEASE", DEEP, {"submit", "release", "renew"}),
    ("rounds", "1", DEEP, {"read_rounds"}),
    ("promotions", "production", DEEP, {"read_promotions"}),
    ("promotions", "production", '[["x", 5]]', {"read_promotions"}),
    ("promotions", "production", "[]", {"read_promotions"}),
]
EVENTS = [
    {"kind": "odd", "rows": "[1]"},
    *(
        {"kind": "imported", "rows": "[1]", "states": "[2]", "classes": "[1]"} | wrong
        for wrong in (
            {"rows": DEEP},
            {"states": DEEP},
            {"classes": DEEP},
            {"rows": "[1e9]"},
            {"rows": "[-1]"},
            {"rows": f"[{10**12}]"},
            {"rows": "[1, 2]"},
            {"states": "[300]"},
            {"classes": "[2]"},
            {"oracle": b"\xff"},
            {"head_version": "-1"},
            {"leases": "[1]"},
            {"hashes": "[1]"},
            {"hashes": '["a", "b"]'},
            {"basis": "[]"},
            {"basis": '["7-3",5,2,4,-1,""]'},
            {"basis": '[7,5,2,4,30,""]'},
            {"spec": "{}"},
        )
    ),
]


@pytest.mark.parametrize(("name", "field", "value", "calls"), VALUES)
async def test_a_value_that_is_none_of_ours_is_named(
    damaged: Damaged, name: str, field: str, value: str, calls: set[str]
):
    await put_field(damaged, name, damaged.lease_ids[-1] if field == "LEASE" else field, value)
    before = await damaged.everything()
    for call in sorted(calls):
        with pytest.raises(StoreDamaged, match="doctor --repair") as caught:
            await {**WRITES, **READS}[call](damaged)
        assert caught.value.key == damaged.key(name), call
        assert await damaged.everything() == before, call


@pytest.mark.parametrize("entry", EVENTS)
async def test_an_event_that_is_none_of_ours_is_named(damaged: Damaged, entry: dict[Any, Any]):
    await damaged.client.xadd(damaged.key("events"), entry)
    with pytest.raises(StoreDamaged) as caught:
        await READS["read_events"](damaged)
    assert caught.value.key == damaged.key("events")


@pytest.mark.parametrize("lost", ["heads", "rounds"])
async def test_the_newest_head_does_not_go_missing_unsaid(damaged: Damaged, lost: str):
    await WRITES["publish_head"](damaged)
    await damaged.client.delete(damaged.key(lost))
    call = {"heads": "read_head", "rounds": "read_rounds"}[lost]
    with pytest.raises(StoreDamaged, match=f"{lost[:-1]} 1, the newest one, is missing") as caught:
        await READS[call](damaged)
    assert caught.value.key == damaged.key(lost)


async def test_fewer_labels_than_the_counters_say_are_no_export(damaged: Damaged):
    await damaged.client.hdel(damaged.key("labels"), "0")
    with pytest.raises(StoreDamaged, match="1 labels, and by its counters 2"):
        await READS["read_labels"](damaged)


async def test_a_task_without_settings_is_damaged_and_not_absent(damaged: Damaged):
    await damaged.client.delete(damaged.key("meta"))
    with pytest.raises(StoreDamaged, match="what it belongs to is not there"):
        await WRITES["create_task"](damaged)
    await damaged.client.hset(damaged.key("meta"), "leased", 1)
    for call in ("lease", "read_task"):
        with pytest.raises(StoreDamaged) as caught:
            await {**WRITES, **READS}[call](damaged)
        assert caught.value.key == damaged.key("meta")


@pytest.mark.parametrize("index", ["aloe:tasks", "pool"])
async def test_an_index_of_another_kind_keeps_tasks_from_coming_and_going(
    damaged: Damaged, index: str
):
    pool_id = damaged.scene.task.pool_id
    key = f"aloe:{{pool:{pool_id}}}:tasks" if index == "pool" else index
    kept = await damaged.client.dump(key)
    await damaged.put_wrong_kind(key)
    before = await damaged.everything()
    for call in ("create_task", "delete_task"):
        with pytest.raises(StoreDamaged) as caught:
            await WRITES[call](damaged)
        assert caught.value.key == key
        assert await damaged.everything() == before
    await damaged.client.restore(key, 0, kept, replace=True)
