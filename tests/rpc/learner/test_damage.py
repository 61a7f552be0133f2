"""Over the wire: what is damaged of one pool or task is told, and the others go on."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.rpc.learner.scenes import Scene, make_scene

from aloe.client import AsyncLearnerClient, DataLoss, LearnerClient
from aloe.local import LocalStack
from aloe.redis.connecting import connect_blocking
from aloe.v1 import pool_pb2


@pytest.fixture
def redis(stack: LocalStack) -> Iterator[Any]:
    client = connect_blocking(stack.redis_url)
    yield client
    client.close()


@pytest.fixture
def harmed(client: LearnerClient, redis: Any) -> Iterator[Scene]:
    """A task on a pool whose counter of clips is none."""
    scene = make_scene(client, 4)
    meta = f"aloe:{{pool:{scene.pool_id}}}:meta"
    whole = redis.hget(meta, "clip_count")
    redis.hset(meta, "clip_count", 10**20)
    yield scene
    redis.hset(meta, "clip_count", whole)


async def test_lists_name_what_is_damaged_beside_the_others(
    client: LearnerClient, async_client: AsyncLearnerClient, scene: Scene, harmed: Scene
):
    key = f"aloe:{{pool:{harmed.pool_id}}}:meta"
    for pools in (client.list_pools(), await async_client.list_pools()):
        ids = [pool.pool_id for pool in pools]
        assert scene.pool_id in ids
        assert harmed.pool_id not in ids
        (error,) = pools.unreadable
        assert isinstance(error, DataLoss)
        assert error.metadata == {"key": key, "resource": f"pools/{harmed.pool_id}"}
    for tasks in (client.list_tasks(), await async_client.list_tasks()):
        assert scene.task_id in [task.task_id for task in tasks]
        (error,) = tasks.unreadable
        assert error.metadata == {"key": key, "resource": f"tasks/{harmed.task_id}"}
    assert client.list_tasks(scene.pool_id).unreadable == ()


def test_a_page_that_begins_or_ends_with_what_is_damaged_leads_to_the_next(
    raw: Any, scene: Scene, harmed: Scene
):
    seen, damaged, token = [], 0, ""
    while True:
        page = raw.ListPools(pool_pb2.ListPoolsRequest(page_size=1, page_token=token))
        assert len(page.pools) + len(page.unreadable) == 1
        seen += [pool.name for pool in page.pools]
        damaged += len(page.unreadable)
        token = page.next_page_token
        if not token:
            break
    assert damaged == 1
    assert len(seen) == len({*seen})
    assert f"pools/{scene.pool_id}" in seen


def test_a_call_on_what_is_damaged_says_which_key(client: LearnerClient, harmed: Scene):
    key = f"aloe:{{pool:{harmed.pool_id}}}:meta"
    calls = (
        lambda: client.get_pool(harmed.pool_id),
        lambda: client.get_task(harmed.task_id),
        lambda: client.list_tasks(harmed.pool_id),
        lambda: client.query(harmed.task_id, "ann"),
        lambda: client.delete_pool(harmed.pool_id),
    )
    for call in calls:
        with pytest.raises(DataLoss) as caught:
            call()
        assert (caught.value.reason, caught.value.metadata["key"]) == ("STORE_DAMAGED", key)
