"""A pool that heads read by a map: its first query, the first one after a restart, memory."""

import time
from typing import Any

import redis
from tests.benchmarks.learner_plain import clusters
from tests.benchmarks.learner_server import LearnerServer, clip_id, fill_pool, running_learner
from tests.benchmarks.measuring import resident_mb, seconds

from aloe.client import KnownLabel, LearnerClient, connect

_SETTLED_S = 4.0
"""So long a learner does nothing before its memory is measured."""


def mapped_figures(clip_count: int, dim: int, class_count: int) -> dict[str, Any]:
    """Measure in learners of their own; _over_pool is memory beyond an idle learner."""
    data = clusters(clip_count, dim, class_count)
    classes = [f"class-{index}" for index in range(class_count)]
    pool_mb = data.embeddings.nbytes / 2**20
    known = [KnownLabel(clip_id(row), classes[data.classes[row]]) for row in range(60)]
    with running_learner() as server, redis.Redis.from_url(server.redis_url) as bare:
        with connect(server.address) as client:
            fill_pool(client, "pool", data.embeddings)
            client.create_task("task", "pool", classes)
        stored_mb = _redis_mb(bare)
        figures: dict[str, Any] = {}
        for name in ("first_start", "second_start"):
            server.learner.stop()
            server.start()
            idle_mb = resident_mb(server.pid)
            with connect(server.address) as client:
                figures[f"{name}_query_s"] = seconds(lambda: client.query("task", "ann"))
                if name == "first_start":
                    _train(client, known)
                client.query("task", "ann")
            figures |= {f"{name}_{k}": v for k, v in _memory(server, idle_mb, pool_mb).items()}
        figures["redis_mb_added_over_pool"] = (_redis_mb(bare) - stored_mb) / pool_mb
    return figures


def _train(client: LearnerClient, known: list[KnownLabel]) -> None:
    version = client.import_labels("task", known).head_version or 0
    client.query("task", "ann", min_head_version=version)


def _memory(server: LearnerServer, idle_mb: float, pool_mb: float) -> dict[str, float]:
    time.sleep(_SETTLED_S)
    resident = resident_mb(server.pid)
    return {
        "idle_mb": idle_mb,
        "resident_mb": resident,
        "peak_mb": resident_mb(server.pid, peak=True),
        "memory_over_pool": (resident - idle_mb) / pool_mb,
    }


def _redis_mb(bare: redis.Redis) -> float:
    return int(bare.info("memory")["used_memory"]) / 2**20
