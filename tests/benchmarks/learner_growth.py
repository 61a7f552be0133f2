"""How the time of a Query, and the memory, grow with the pool and the classes."""

import statistics
from collections.abc import Sequence
from typing import Any

from tests.benchmarks.learner_kernels import scoring_figures
from tests.benchmarks.learner_plain import Clusters, clusters
from tests.benchmarks.learner_server import (
    LearnerServer,
    clip_id,
    fill_pool,
    running_learner,
)
from tests.benchmarks.measuring import resident_mb, seconds

from aloe.client import KnownLabel, LbfgsRecipe, RecipeName, connect


def query_figures(
    server: LearnerServer, pool_id: str, data: Clusters, *, repeats: int
) -> dict[str, float]:
    """Time the first Query after a new head, which scores the pool, and the next one."""
    classes = [f"class-{index}" for index in range(int(data.classes.max()) + 1)]
    task_id = f"query-{pool_id}"
    first_s, next_s = [], []
    with connect(server.address) as client:
        client.create_task(
            task_id, pool_id, classes, recipe=RecipeName.PAPER, head_recipe=LbfgsRecipe(1.0)
        )
        client.query(task_id, "oracle")
        for number in range(repeats):
            begin = 60 * number
            seeds = [
                KnownLabel(clip_id(row), classes[data.classes[row]])
                for row in range(begin, begin + 60)
            ]
            version = client.import_labels(task_id, seeds).head_version
            client.predict(
                task_id, embeddings=data.test_embeddings[:1], min_head_version=version or 0
            )
            first_s.append(seconds(lambda: client.query(task_id, "oracle")))
            next_s.append(seconds(lambda: client.query(task_id, "oracle")))
        client.delete_task(task_id)
    return {
        "query_after_head_ms": 1e3 * statistics.median(first_s),
        "query_again_ms": 1e3 * statistics.median(next_s),
    }


def growth_table(
    clip_counts: Sequence[int], class_counts: Sequence[int], dim: int, *, repeats: int
) -> list[dict[str, Any]]:
    """Measure each pool size in a learner of its own; _over_pool is memory beyond an idle one."""
    rows = []
    for clip_count in clip_counts:
        pool_mb = clip_count * dim * 4 / 2**20
        with running_learner() as server:
            for class_count in class_counts:
                data = clusters(clip_count, dim, class_count)
                if class_count == class_counts[0]:
                    with connect(server.address) as client:
                        fill_pool(client, "pool", data.embeddings)
                    server.learner.stop()
                    server.start()
                    idle_mb = resident_mb(server.pid)
                row: dict[str, Any] = {"clips": clip_count, "classes": class_count}
                row |= query_figures(server, "pool", data, repeats=repeats)
                row["memory_over_pool"] = (resident_mb(server.pid) - idle_mb) / pool_mb
                peak_mb = resident_mb(server.pid, peak=True)
                row["peak_memory_over_pool"] = (peak_mb - idle_mb) / pool_mb
                row["learner_mb"] = resident_mb(server.pid)
                row |= scoring_figures(clip_count, dim, class_count, repeats=repeats, head_count=4)
                rows.append(row)
    return rows
