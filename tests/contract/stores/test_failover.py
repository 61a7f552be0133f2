"""A master dies in the middle of labeling: what is lost is no more than deploy/REDIS.md says."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import InvalidInput, LeaseLost, StoreUnavailable
from aloe.learner.domain.leases import Pick
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.task import Task

from .conftest import Scene, new_clips, new_pool, new_task
from .topologies import Deployment, Server, cluster_deployment, sentinel_deployment, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ORACLE_COUNT, CLIP_COUNT = 6, 3_000
RECOVERY_S = 30


@pytest.fixture
def deployment(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path
) -> Iterator[Deployment]:
    make: Callable[[Path], AbstractContextManager[Deployment]] = request.param
    with make(tmp_path) as running:
        yield running


class Labelers:
    """Oracles that lease and answer as fast as they can, and remember what was acknowledged."""

    def __init__(self, store: RedisStore, pool: Pool, task: Task) -> None:
        self._scene = Scene(store, pool, task)
        self.acknowledged: set[int] = set()
        self.stopping = False

    async def run(self, oracle_id: str) -> None:
        while not self.stopping:
            await self._label_one(oracle_id)

    async def _label_one(self, oracle_id: str) -> None:
        ranking = [Pick(row, None, NO_CLASS) for row in range(CLIP_COUNT)]
        request = self._scene.request(oracle_id, ranking=ranking)
        request_id = uuid.uuid4().hex
        store, task = self._scene.store, self._scene.task
        while not self.stopping:
            try:
                outcome = await store.lease(task, request)
                if not outcome.leases:
                    self.stopping = True
                    return
                (lease,) = outcome.leases
                await store.submit(task, oracle_id, [(lease.lease_id, 1)], request_id)
            except StoreUnavailable:
                continue
            except (InvalidInput, LeaseLost):
                # The lease itself was lost in the failover.
                return
            self.acknowledged.add(lease.pick.row)
            return


def master_of(deployment: Deployment, task: Task) -> Server:
    """The server that holds the task's keys."""
    key = f"aloe:{{task:{task.task_id}}}:meta"
    for server in deployment.servers:
        client = server.client
        if client.info()["role"] == "master" and key.encode() in client.keys(key):
            return server
    raise AssertionError


async def lost_in_a_failover(
    deployment: Deployment, replica_count: int
) -> tuple[set[int], set[int]]:
    """Return the rows whose label was acknowledged, and those of them that are lost."""
    store = RedisStore.of_url(deployment.url, replica_count=replica_count)
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(CLIP_COUNT))
    task = await store.create_task(new_task(pool.pool_id))
    labelers = Labelers(store, await store.read_pool(pool.pool_id), task)
    running = [asyncio.create_task(labelers.run(f"oracle-{n}")) for n in range(ORACLE_COUNT)]
    await asyncio.to_thread(wait_until, lambda: len(labelers.acknowledged) > 100)
    pid = master_of(deployment, task).child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    before = len(labelers.acknowledged)
    await asyncio.to_thread(
        wait_until, lambda: len(labelers.acknowledged) > before + 100, RECOVERY_S
    )
    labelers.stopping = True
    await asyncio.gather(*running)
    stored = {label.row for label in await store.read_labels(task)}
    await store.close()
    return labelers.acknowledged, labelers.acknowledged - stored


@pytest.mark.parametrize("deployment", [sentinel_deployment], indirect=True)
async def test_sentinel_with_a_replica_waited_for_loses_no_acknowledged_label(deployment, capsys):
    acknowledged, lost = await lost_in_a_failover(deployment, 1)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(acknowledged)} labels acknowledged, {len(lost)} lost\n")
    assert not lost


@pytest.mark.parametrize("deployment", [cluster_deployment], indirect=True)
async def test_a_cluster_loses_at_most_what_its_replica_had_not_yet(deployment, capsys):
    acknowledged, lost = await lost_in_a_failover(deployment, 0)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(acknowledged)} labels acknowledged, {len(lost)} lost\n")
    # Replication is asynchronous: at most what was under way when the master died.
    assert len(lost) <= 2 * ORACLE_COUNT
