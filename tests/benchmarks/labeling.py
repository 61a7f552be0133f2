"""Query and SubmitLabels by many oracles through two learners, compared with the bare scripts.

    python -m tests.benchmarks.labeling --json

Everything runs on the cores of this machine: oracles, two learners, Redis with appendfsync always.
A pair is one Query and one SubmitLabels. The floor is the same two scripts, called by a plain Redis
client with the same concurrency; the echo is two gRPC calls a pair to two servers that do nothing.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import numpy as np
from tests.benchmarks.echo import ECHO, running_echo, unary

from aloe.client import Answer, AsyncLearnerClient, NewClip, RecipeName, connect_async
from aloe.learner.adapters.redis.task_scripts import TaskKeys, milliseconds, task_script
from aloe.learner.ports.tasks import REQUEST_LIFE
from aloe.local import LocalStack, StackOptions
from aloe.local.redis_server import redis_child
from aloe.redis.connecting import connect_redis

ORACLE_COUNT, TASK_COUNT, DIM = 64, 8, 32
CLASSES = ("no", "yes")
RANKING_LENGTH = 33
"""How many ranked clips a learner sends to the script for a query of one clip."""
MESSAGE_BYTES = 120
"""About the size of the requests and responses of Query and SubmitLabels."""


@dataclass(frozen=True, slots=True)
class Sizes:
    clip_count: int
    seconds: float
    repetitions: int


class Counter:
    """Counts pairs for some seconds."""

    def __init__(self, seconds: float) -> None:
        self._ends, self._began, self.pairs = time.perf_counter() + seconds, time.perf_counter(), 0

    @property
    def is_running(self) -> bool:
        return time.perf_counter() < self._ends

    def per_second(self) -> float:
        return self.pairs / (time.perf_counter() - self._began)


async def run_oracles(seconds: float, pair: Callable[[int], Awaitable[None]]) -> float:
    """Let every oracle do pairs of Query and SubmitLabels; return pairs per second."""
    counter = Counter(seconds)

    async def oracle(number: int) -> None:
        while counter.is_running:
            await pair(number)
            counter.pairs += 1

    await asyncio.gather(*(oracle(number) for number in range(ORACLE_COUNT)))
    return counter.per_second()


async def pairs_through_learners(
    clients: list[AsyncLearnerClient], sizes: Sizes, *, training: bool
) -> float:
    """Return pairs per second over gRPC; heads are trained only where both classes are labeled."""
    prefix = uuid.uuid4().hex[:8]
    tasks = [f"{prefix}-{number}" for number in range(TASK_COUNT)]
    for task_id in tasks:
        await clients[0].create_task(task_id, "clips", CLASSES, recipe=RecipeName.PAPER)

    async def pair(number: int) -> None:
        client, task_id = clients[number % len(clients)], tasks[number % TASK_COUNT]
        oracle_id = f"oracle-{number}"
        asked = await client.query(task_id, oracle_id)
        label = CLASSES[number // TASK_COUNT % 2] if training else CLASSES[0]
        await client.submit_labels(
            task_id, oracle_id, [Answer(lease.lease_id, label) for lease in asked.leases]
        )

    rate = await run_oracles(sizes.seconds, pair)
    for task_id in tasks:
        await clients[0].delete_task(task_id)
    return rate


async def pairs_of_bare_scripts(url: str, sizes: Sizes) -> float:
    """Return pairs per second of lease.lua and submit.lua, called by a plain client."""
    redis = connect_redis(url)
    lease, submit, create = (
        task_script(redis.execute_command, name) for name in ("lease", "submit", "create_task")
    )
    tasks = [uuid.uuid4().hex for _ in range(TASK_COUNT)]
    for task_id in tasks:
        await create(TaskKeys(task_id).for_script(), "epoch", "{}", "")
    taken = [0] * TASK_COUNT
    hashes = f"{'0' * 32}\n" * RANKING_LENGTH

    async def pair(number: int) -> None:
        place, oracle_id = number % TASK_COUNT, f"oracle-{number}"
        keys = TaskKeys(tasks[place])
        # Starts about where the free clips are, as a ranking from a fresh view does.
        first = max(0, taken[place] - ORACLE_COUNT)
        rows = range(first, first + RANKING_LENGTH)
        ranking = json.dumps([[row, None, -1] for row in rows])
        taken[place] += 1
        reply = json.loads(
            await lease(
                keys.for_script(f"query:{uuid.uuid4().hex}"), "epoch", oracle_id, ranking, "1", 1,
                300_000, uuid.uuid4().hex, milliseconds(REQUEST_LIFE), 0, "cold start",
                hashes, "{}",
            )
        )  # fmt: skip
        answers = json.dumps([[each[0], 0] for each in reply["leases"]])
        await submit(
            keys.for_script(f"submit:{uuid.uuid4().hex}"), "epoch", oracle_id, answers,
            milliseconds(REQUEST_LIFE), "",
        )  # fmt: skip

    rate = await run_oracles(sizes.seconds, pair)
    await redis.aclose()
    return rate


async def pairs_of_echoes(addresses: list[str], sizes: Sizes) -> float:
    """Return pairs per second of two gRPC calls to a server that only answers."""
    channels = [grpc.aio.insecure_channel(address) for address in addresses]
    calls = [unary(channel, ECHO) for channel in channels]

    async def pair(number: int) -> None:
        for _ in range(2):
            await calls[number % len(calls)](bytes(MESSAGE_BYTES))

    rate = await run_oracles(sizes.seconds, pair)
    for channel in channels:
        await channel.close()
    return rate


async def measure(
    stack: LocalStack, bare_url: str, echo_addresses: list[str], sizes: Sizes
) -> dict[str, Any]:
    """Measure scripts, echo and learners in turn; return ratios of medians, and all rates."""
    vectors = np.random.default_rng(0).normal(size=(sizes.clip_count, DIM)).astype(np.float32)
    clients = [connect_async(address) for address in stack.learner_addresses]
    await clients[0].create_pool("clips", encoder_fingerprint="random", embedding_dim=DIM)
    await clients[0].import_clips(
        "clips", [NewClip(f"c{row}", embedding=vector) for row, vector in enumerate(vectors)]
    )
    bare, echo, quiet, busy = [], [], [], []
    for _ in range(sizes.repetitions):
        bare.append(await pairs_of_bare_scripts(bare_url, sizes))
        echo.append(await pairs_of_echoes(echo_addresses, sizes))
        quiet.append(await pairs_through_learners(clients, sizes, training=False))
        busy.append(await pairs_through_learners(clients, sizes, training=True))
    for client in clients:
        await client.close()
    return {
        "pairs_over_scripts": round(median(quiet) / median(bare), 3),
        "pairs_over_scripts_while_training": round(median(busy) / median(bare), 3),
        "pairs_over_echo": round(median(quiet) / median(echo), 3),
        "echo_over_scripts": round(median(echo) / median(bare), 3),
        "pairs_per_s": {
            "scripts": [round(rate) for rate in bare],
            "echoes": [round(rate) for rate in echo],
            "learners": [round(rate) for rate in quiet],
            "learners_while_training": [round(rate) for rate in busy],
        },
        "oracles": ORACLE_COUNT,
        "tasks": TASK_COUNT,
        "learners": len(clients),
        "clips": sizes.clip_count,
        "machine": {
            "cores": os.cpu_count(),
            "load": [round(load, 2) for load in os.getloadavg()],
            "python": platform.python_version(),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    arguments = parser.parse_args()
    sizes = Sizes(2_000, 1.0, 1) if arguments.quick else Sizes(20_000, 6.0, 3)
    with tempfile.TemporaryDirectory(prefix="aloe-bench-") as name:
        folder = Path(name)
        bare = redis_child(folder / "bare", folder / "bare.sock", folder / "bare.log")
        bare.start(timeout_s=30)
        try:
            with (
                LocalStack(StackOptions(learner_count=2, data_dir=folder / "stack")) as stack,
                running_echo(folder, MESSAGE_BYTES) as first,
                running_echo(folder, MESSAGE_BYTES) as second,
            ):
                bare_url = f"unix://{folder / 'bare.sock'}"
                found = asyncio.run(measure(stack, bare_url, [first, second], sizes))
        finally:
            bare.stop()
    sys.stdout.write(json.dumps(found, indent=None if arguments.json else 2) + "\n")


if __name__ == "__main__":
    main()
