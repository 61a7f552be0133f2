"""A whole experiment through gRPC, every label on disk, compared with the plain numpy loop."""

import asyncio
import statistics
import time
import uuid
from typing import Any

from tests.benchmarks.learner_plain import Clusters, accuracy, plain_experiment, seed_rows
from tests.benchmarks.learner_server import LearnerServer, clip_id
from tests.benchmarks.measuring import median_ratio

from aloe.client import KnownLabel, RecipeName, connect, connect_async
from aloe.oracle import SimulatedOracle
from aloe.oracle.labeling import label_task


class Experiment:
    """Strict rounds of class-aware smallest margin on a pool that was imported before."""

    def __init__(self, server: LearnerServer, pool_id: str, data: Clusters) -> None:
        self._server, self._pool_id, self._data = server, pool_id, data
        self._classes = [f"class-{index}" for index in range(int(data.classes.max()) + 1)]

    def run(self, round_count: int, seed: int) -> tuple[float, float]:
        """Return seconds from the seed labels to the last label, and the last head's accuracy."""
        task_id = f"t{uuid.uuid4().hex}"
        truth = {clip_id(row): self._classes[index] for row, index in enumerate(self._data.classes)}
        with connect(self._server.address) as client:
            client.create_task(
                task_id, self._pool_id, self._classes, recipe=RecipeName.PAPER, seed=seed
            )
            # Makes the learner read the pool into memory, where the numpy loop has it too.
            client.query(task_id, "warm")
            client.release_leases(task_id, "warm")
            seeds = [clip_id(row) for row in seed_rows(self._data, seed)]
            began = time.perf_counter()
            client.import_labels(task_id, [KnownLabel(each, truth[each]) for each in seeds])
            asyncio.run(self._label(task_id, SimulatedOracle(truth, self._classes), round_count))
            taken_s = time.perf_counter() - began
            client.predict(
                task_id, embeddings=self._data.test_embeddings[:1], min_head_version=round_count
            )
            head = client.export_head(task_id)
        return taken_s, accuracy(self._data, head.weights, head.biases)

    async def _label(self, task_id: str, oracle: Any, round_count: int) -> None:
        async with connect_async(self._server.address) as client:
            await label_task(
                client,
                task_id,
                oracle,
                oracle_id="oracle",
                batch_size=len(self._classes),
                rounds=round_count,
                min_head_version=1,
            )


def rounds_figures(
    server: LearnerServer, pool_id: str, data: Clusters, *, round_count: int, seed_count: int
) -> dict[str, Any]:
    experiment = Experiment(server, pool_id, data)
    ours_s, plain_s, ours_accuracy, plain_accuracy = [], [], [], []
    for seed in range(seed_count):
        taken_s, reached = experiment.run(round_count, seed)
        ours_s.append(taken_s)
        ours_accuracy.append(reached)
        began = time.perf_counter()
        plain_accuracy.append(plain_experiment(data, round_count=round_count, seed=seed))
        plain_s.append(time.perf_counter() - began)
    name = f"rounds_{round_count}"
    return {
        f"{name}_s": statistics.median(ours_s),
        f"{name}_numpy_s": statistics.median(plain_s),
        f"{name}_over_numpy": median_ratio(ours_s, plain_s),
        "accuracies": ours_accuracy,
        "accuracies_numpy": plain_accuracy,
    }
