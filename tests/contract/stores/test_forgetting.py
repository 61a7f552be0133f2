"""What stores forget, and when; on stores for which time can pass."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import redis.asyncio

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import LeaseLost
from aloe.learner.ports.tasks import ENDED_LEASE_LIFE, REQUEST_LIFE

from .conftest import Scene, make_scene
from .time_travel import Clock, make_older

MARGIN = timedelta(minutes=1)
"""More than a test takes."""


@dataclass
class AgingScene:
    scene: Scene
    pass_time: Callable[[timedelta], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
async def aging(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[AgingScene]:
    clock, client = Clock(), redis.asyncio.Redis.from_url(redis_url)
    in_memory = request.param == "memory"
    store = MemoryStore(clock) if in_memory else RedisStore.of_url(redis_url)
    scene = await make_scene(store)

    async def pass_time(duration: timedelta) -> None:
        clock.now += duration
        if not in_memory:
            await make_older(client, scene.task.task_id, duration)

    yield AgingScene(scene, pass_time)
    await store.close()
    await client.aclose()


async def leased_count(scene: Scene) -> int:
    return (await scene.store.read_task(scene.task.task_id))[1].leased


async def test_a_lease_ends_when_its_time_is_over(aging: AgingScene):
    scene, duration = aging.scene, timedelta(hours=1)
    await scene.store.lease(scene.task, scene.request(duration=duration))
    await aging.pass_time(duration - MARGIN)
    assert await leased_count(scene) == 1
    await aging.pass_time(MARGIN)
    assert await leased_count(scene) == 0


@pytest.mark.parametrize("how", ["answered", "released", "expired"])
async def test_a_lease_is_remembered_for_a_while_after_it_ended(aging: AgingScene, how: str):
    scene, duration = aging.scene, timedelta(hours=1)
    (lease,) = (await scene.store.lease(scene.task, scene.request(duration=duration))).leases
    if how == "answered":
        await scene.store.submit(scene.task, "ann", [(lease.lease_id, 0)], "r0")
    elif how == "released":
        await scene.store.release(scene.task, "ann", [])
    else:
        await aging.pass_time(duration)
        assert await leased_count(scene) == 0
    await aging.pass_time(ENDED_LEASE_LIFE - MARGIN)
    # Nothing of this changes what is stored, and so when the lease is forgotten.
    assert await scene.store.release(scene.task, "ann", [lease.lease_id]) == 0
    await aging.pass_time(MARGIN)
    with pytest.raises(LeaseLost, match="no lease of this task has that id"):
        await scene.store.release(scene.task, "ann", [lease.lease_id])


async def test_the_reply_to_a_request_is_remembered_for_a_while(aging: AgingScene):
    scene = aging.scene
    request = scene.request(max_count=2, duration=timedelta(days=3))
    first = await scene.store.lease(scene.task, request)
    answer = [(first.leases[0].lease_id, 0)]
    counted = await scene.store.submit(scene.task, "ann", answer, "r")
    assert counted.changed_count == 1
    await aging.pass_time(REQUEST_LIFE - MARGIN)
    again = await scene.store.lease(scene.task, request)
    assert [each.lease_id for each in again.leases] == [each.lease_id for each in first.leases]
    assert await scene.store.submit(scene.task, "ann", answer, "r") == counted
    await aging.pass_time(MARGIN)
    anew = await scene.store.lease(scene.task, request)
    assert [each.pick.row for each in anew.leases] == [2, 3]
    assert (await scene.store.submit(scene.task, "ann", answer, "r")).changed_count == 0
