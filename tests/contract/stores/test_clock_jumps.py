"""The clock of a Redis is put forward and back: nothing is held for longer than it may be."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.needing_clock import needing_clock
from tests.needing_redis import needing_redis
from tests.shifted_clock import ShiftedClock

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.leases import LabelChange
from aloe.local.redis_server import redis_child
from aloe.values.states import ClipState, PoolState

from .conftest import Scene, make_scene

HOUR, MINUTE, HOLD = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=5)
NOW = timedelta(0)


@pytest.fixture
async def shifted(tmp_path: Path) -> AsyncIterator[tuple[Scene, ShiftedClock]]:
    """A store in a Redis of its own, and the clock of that."""
    clock = needing_clock(tmp_path / "clock")
    with needing_redis():
        child = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "redis.log")
    child.command = clock.wrap(child.command)
    child.start(timeout_s=30)
    store = RedisStore.of_url(f"unix://{tmp_path / 'r.sock'}")
    await store.prepare()
    scene = await make_scene(store)
    labels = [LabelChange(row, ClipState.LABELED, row % 2) for row in (0, 1)]
    await store.import_labels(scene.task, labels)
    yield scene, clock
    await store.close()
    child.stop()


async def leased(scene: Scene) -> int:
    _, progress = await scene.store.read_task(scene.task.task_id)
    return progress.leased


async def test_the_round_of_a_dead_trainer_is_taken_over_after_the_clock_was_put_back(shifted):
    scene, clock = shifted
    dead = await scene.store.begin_round(scene.task, "dead", HOLD)
    assert await scene.store.begin_round(scene.task, "heir", HOLD) is None
    clock.set(-HOUR)
    heir = await scene.store.begin_round(scene.task, "heir", HOLD)
    assert heir is not None
    assert dead is not None
    assert (heir.head_version, heir.fence > dead.fence) == (dead.head_version, True)
    # And by the clock of now it holds for as long as any.
    assert await scene.store.begin_round(scene.task, "third", HOLD) is None
    clock.set(-HOUR + 2 * HOLD)
    assert await scene.store.begin_round(scene.task, "third", HOLD) is not None


async def test_a_lease_lasts_no_longer_by_a_clock_that_was_put_back(shifted):
    scene, clock = shifted
    await scene.store.lease(scene.task, scene.request(duration=MINUTE))
    clock.set(-HOUR)
    assert await leased(scene) == 1
    clock.set(-HOUR + MINUTE * 1.1)
    assert await leased(scene) == 0


async def test_a_clock_that_jumps_ahead_ends_leases_once_and_tells_and_the_next_ones_last(shifted):
    scene, clock = shifted
    await scene.store.lease(scene.task, scene.request("ann", duration=MINUTE))
    clock.set(HOUR)
    assert await leased(scene) == 0
    events = await scene.store.read_events(scene.task, "0-0")
    assert [event.kind.name for event in events].count("LEASES_EXPIRED") == 1
    again = await scene.store.lease(scene.task, scene.request("bea", duration=MINUTE))
    assert again.pool_state is PoolState.OPEN
    clock.set(NOW)  # Back, as by NTP.
    assert await leased(scene) == 1
    (lease,) = again.leases
    await scene.store.submit(scene.task, "bea", [(lease.lease_id, 1)], "r")
    other = await scene.store.lease(scene.task, scene.request("cid", duration=MINUTE))
    assert len(other.leases) == 1
    clock.set(MINUTE * 1.1)
    assert await leased(scene) == 0


async def test_renewing_under_a_clock_that_went_back_gives_the_time_that_was_asked_for(shifted):
    scene, clock = shifted
    (lease,) = (await scene.store.lease(scene.task, scene.request(duration=MINUTE))).leases
    clock.set(-HOUR)
    until = await scene.store.renew(scene.task, "ann", [lease.lease_id], MINUTE)
    assert until < lease.expire_time - HOUR + MINUTE
    clock.set(-HOUR + MINUTE * 1.1)
    assert await leased(scene) == 0


async def test_answers_are_replayed_whichever_way_the_clock_went(shifted):
    scene, clock = shifted
    request = scene.request()
    asked = await scene.store.lease(scene.task, request)
    answer = ("ann", [(asked.leases[0].lease_id, 1)], "request")
    submitted = await scene.store.submit(scene.task, *answer)
    for ahead in (-HOUR, HOUR, NOW):
        clock.set(ahead)
        assert await scene.store.lease(scene.task, request) == asked
        assert await scene.store.submit(scene.task, *answer) == submitted
