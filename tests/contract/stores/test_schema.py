"""The version of the data, on a Redis of its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aloe.learner.adapters.redis.schema import prepare_schema
from aloe.learner.domain.errors import SchemaTooNew
from aloe.local.redis_server import redis_child
from aloe.redis.connecting import connect_redis
from aloe.redis.keys import SCHEMA as SCHEMA_KEY
from aloe.redis.keys import SCHEMA_VERSION


@pytest.fixture
async def client(redis_url: str, tmp_path: Path) -> AsyncIterator[Any]:
    child = redis_child(tmp_path / "data", tmp_path / "redis.sock", tmp_path / "log")
    child.start(timeout_s=30)
    connected = connect_redis(f"unix://{tmp_path / 'redis.sock'}")
    yield connected
    await connected.aclose()
    child.stop()


async def test_an_empty_redis_is_marked_with_the_version(client: Any):
    await prepare_schema(client)
    assert int(await client.get(SCHEMA_KEY)) == SCHEMA_VERSION


async def test_newer_data_is_refused_and_left_alone(client: Any):
    await client.set(SCHEMA_KEY, SCHEMA_VERSION + 1)
    with pytest.raises(SchemaTooNew, match=f"schema {SCHEMA_VERSION + 1}"):
        await prepare_schema(client)
    assert int(await client.get(SCHEMA_KEY)) == SCHEMA_VERSION + 1


async def test_older_data_is_migrated_step_by_step_and_goes_on_where_it_broke_off(client: Any):
    await client.set(SCHEMA_KEY, 1)
    steps: list[str] = []

    async def first(redis: Any) -> None:
        steps.append("1 to 2")
        await redis.set("aloe:example", "2")

    async def broken(redis: Any) -> None:
        raise ConnectionError

    async def second(redis: Any) -> None:
        steps.append("2 to 3")
        await redis.set("aloe:example", "3")

    with pytest.raises(Exception, match="cannot be reached"):
        await prepare_schema(client, version=3, migrations={1: first, 2: broken})
    await prepare_schema(client, version=3, migrations={1: first, 2: second})
    assert steps == ["1 to 2", "2 to 3"]
    assert (await client.get("aloe:example"), int(await client.get(SCHEMA_KEY))) == (b"3", 3)
