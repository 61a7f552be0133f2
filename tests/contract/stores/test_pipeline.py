"""Commands of many callers share round trips, and nothing else."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from redis.exceptions import ResponseError

from aloe.learner.adapters.redis.pipeline import Pipeline


class CountingRedis(redis.asyncio.Redis):
    """Counts what it sends together."""

    exchange_count = 0

    def pipeline(self, *args, **options):
        self.exchange_count += 1
        return super().pipeline(*args, **options)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[CountingRedis]:
    client: Any = CountingRedis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def key() -> str:
    return f"test:{uuid.uuid4().hex}"


async def test_commands_of_one_moment_share_a_round_trip_in_their_order(client, key):
    run = Pipeline(client)
    replies = await asyncio.gather(*(run("INCR", key) for _ in range(50)))
    assert replies == list(range(1, 51))
    assert client.exchange_count == 1


async def test_a_command_that_fails_fails_its_caller_alone(client, key):
    run = Pipeline(client)
    calls = (run("SET", key, "text"), run("INCR", key), run("GET", key))
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(found[1], ResponseError)
    assert (found[0], found[2]) == (True, b"text")


async def test_what_a_caller_that_has_gone_asked_for_is_not_sent(client, key):
    run = Pipeline(client)
    kept, dropped = asyncio.create_task(run("INCR", key)), asyncio.create_task(run("INCR", key))
    await asyncio.sleep(0)
    dropped.cancel()
    assert await kept == 1
    assert await run("GET", key) == b"1"


async def test_a_server_that_is_away_is_told_to_every_caller(tmp_path):
    client = CountingRedis.from_url(f"unix://{tmp_path}/nobody.sock")
    run = Pipeline(client)
    found = await asyncio.gather(*(run("PING") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [redis.exceptions.ConnectionError] * 3


async def test_what_is_asked_last_is_asked_once_behind_all_of_its_moment(client, key):
    run = Pipeline(client)
    asked = [run.last("GET", key), run("INCR", key), run.last("GET", key), run("INCR", key)]
    assert await asyncio.gather(*asked) == [b"2", 1, b"2", 2]
    assert client.exchange_count == 1
    # And anew at another moment.
    assert list(await asyncio.gather(run("INCR", key), run.last("GET", key))) == [3, b"3"]


async def test_a_caller_that_goes_takes_no_answer_from_those_who_asked_the_same(client, key):
    run = Pipeline(client)
    await run("SET", key, "text")
    gone, kept = (asyncio.create_task(run.last("GET", key)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await kept == b"text"
