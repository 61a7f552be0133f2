"""Callers wait for a connection to Redis, and are told where that takes too long."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from aloe.learner.adapters.redis.scripts import guarded
from aloe.learner.domain.errors import Overloaded
from aloe.redis.connecting import connect_blocking, connect_redis
from aloe.redis.waiting import NoConnectionFree, Room

from .conftest import Scene

FEW = Room(connection_count=4, waiting_count=1_000, wait_s=30)
HURRIED = Room(connection_count=1, waiting_count=1, wait_s=0.05)
_LONG_S = 20
DEPLOYMENTS = pytest.mark.parametrize(
    "kind",
    [
        "redis_url",
        pytest.param("sentinel_url", marks=pytest.mark.slow),
        pytest.param("cluster_url", marks=pytest.mark.slow),
    ],
)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(kind)
    return found


def pop(client: Any, key: str) -> Any:
    """Hold a connection until something comes for the key."""
    return client.blpop(key, timeout=_LONG_S / 4)


@DEPLOYMENTS
async def test_many_more_commands_than_connections_all_succeed(url: str):
    client = connect_redis(url, FEW)
    key = f"test:{uuid.uuid4().hex}"
    replies = await asyncio.gather(*(client.incr(key) for _ in range(300)))
    assert sorted(replies) == list(range(1, 301))
    await client.unlink(key)
    await client.aclose()


@DEPLOYMENTS
async def test_who_waits_too_long_or_behind_too_many_is_told_that_redis_is_busy(url: str):
    client = connect_redis(url, HURRIED)
    key = f"test:{uuid.uuid4().hex}"
    await client.unlink(key)
    holder = asyncio.create_task(pop(client, key))
    await asyncio.sleep(0.2)  # until it has the only connection
    waiting = asyncio.create_task(client.get(key))
    await asyncio.sleep(0)
    with pytest.raises(NoConnectionFree, match="in use"):  # at once
        await client.get(key)
    with pytest.raises(NoConnectionFree, match="in use"):  # after a while
        await waiting
    other = connect_redis(url)
    await other.lpush(key, "go on")
    assert (await holder)[1] == b"go on"
    assert await client.get(key) is None
    await other.aclose()
    await client.aclose()


async def test_the_connection_of_a_caller_that_goes_is_given_back(redis_url: str):
    client = connect_redis(redis_url, HURRIED)
    key = f"test:{uuid.uuid4().hex}"
    for _ in range(3):
        caller = asyncio.create_task(pop(client, key))
        await asyncio.sleep(0.02)
        caller.cancel()
        await asyncio.wait({caller})
        assert await client.get(key) is None
    await client.aclose()


async def test_a_thousand_callers_at_once_are_all_served(scene: Scene):
    # Each of these needs a connection; in a cluster, or with replicas to wait for, leases as well.
    calls = [scene.store.read_clips(scene.pool, 0, 6) for _ in range(1_000)]
    leases = [scene.store.lease(scene.task, scene.request(f"o{n}")) for n in range(1_000)]
    clips, outcomes = await asyncio.gather(asyncio.gather(*calls), asyncio.gather(*leases))
    assert all(len(each) == 6 for each in clips)
    assert sum(len(each.leases) for each in outcomes) == 6


async def test_what_cannot_connect_holds_no_connection(tmp_path: Path):
    client = connect_redis(f"unix://{tmp_path / 'nowhere'}", HURRIED)
    for _ in range(3):
        with pytest.raises(RedisConnectionError):
            await client.get("key")
    await client.aclose()


async def test_a_busy_redis_is_not_called_unreachable():
    @guarded
    async def ask() -> None:
        raise NoConnectionFree(FEW)

    with pytest.raises(Overloaded, match="in use") as raised:
        await ask()
    assert raised.value.retry_after_s > 0


def test_threads_wait_for_a_connection(redis_url: str):
    client = connect_blocking(redis_url)
    key = f"test:{uuid.uuid4().hex}"
    with ThreadPoolExecutor(200) as threads:
        list(threads.map(lambda _: client.incr(key), range(2_000)))
    assert int(client.getdel(key)) == 2_000
    client.close()
