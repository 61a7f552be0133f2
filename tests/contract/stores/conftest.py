"""Every store, fresh: the suite runs once over each."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.leases import Basis, LeaseRequest, Pick
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.values.strategies import QueryStrategy

from .topologies import cluster_deployment, sentinel_deployment

DIM = 4


@pytest.fixture(scope="session")
def sentinel_url(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sentinel_deployment(tmp_path_factory.mktemp("sentinel")) as deployment:
        yield deployment.url


@pytest.fixture(scope="session")
def cluster_url(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster_deployment(tmp_path_factory.mktemp("cluster")) as deployment:
        yield deployment.url


@pytest.fixture(
    params=[
        "memory",
        "redis_url",
        pytest.param("sentinel_url", marks=pytest.mark.slow),
        pytest.param("cluster_url", marks=pytest.mark.slow),
    ]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made: Store = MemoryStore()
    if request.param != "memory":
        # Waiting for the replica is as much as Sentinel can promise.
        replica_count = int(request.param == "sentinel_url")
        url = request.getfixturevalue(request.param)
        made = RedisStore.of_url(url, replica_count=replica_count)
    await made.prepare()
    yield made
    await made.close()


@dataclass
class Scene:
    """A pool of some clips and a task on it, under ids of their own."""

    store: Store
    pool: Pool
    task: Task

    def request(self, oracle_id: str = "ann", **changes: object) -> LeaseRequest:
        """A request for one lease that ranks all clips in order."""
        fields: dict[str, object] = {
            "oracle_id": oracle_id,
            "ranking": [Pick(row, -row / 8, NO_CLASS) for row in range(self.pool.row_count)],
            "basis": Basis("0-0", self.pool.row_count, 0, 1, self.pool.row_count, ""),
            "max_count": 1,
            "duration": timedelta(minutes=5),
            "request_id": uuid.uuid4().hex,
            "head_version": 0,
            "query_strategy": QueryStrategy(),
        }
        return LeaseRequest(**(fields | changes))  # type: ignore[arg-type]


def new_pool(pool_id: str | None = None) -> Pool:
    return Pool(
        pool_id or uuid.uuid4().hex,
        EncoderInfo("logmel", "f" * 16, DIM),
        keep_audio=False,
        epoch=uuid.uuid4().hex,
        create_time=datetime.now(UTC),
    )


def new_task(pool_id: str, **changes: object) -> Task:
    fields: dict[str, object] = {
        "task_id": uuid.uuid4().hex,
        "pool_id": pool_id,
        "classes": ("no", "yes"),
        "epoch": uuid.uuid4().hex,
        "create_time": datetime.now(UTC),
    }
    return Task(**(fields | changes))  # type: ignore[arg-type]


def new_clips(count: int, *, first: int = 0) -> tuple[list[Clip], np.ndarray]:
    clips = [
        Clip(f"clip-{n}", f"hash-{n}", f"file:///{n}.wav") for n in range(first, first + count)
    ]
    numbers = np.arange(first, first + count, dtype=np.float32)
    return clips, np.repeat(numbers[:, None], DIM, axis=1)


async def make_scene(store: Store) -> Scene:
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(6))
    task = await store.create_task(new_task(pool.pool_id))
    return Scene(store, await store.read_pool(pool.pool_id), task)


@pytest.fixture
async def scene(store: Store) -> Scene:
    return await make_scene(store)
