"""Predict against a bare echo of the same bytes; import and loading against a bare Redis client."""

import asyncio
import statistics
import time
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import redis
from numpy.typing import NDArray
from tests.benchmarks.echo import ECHO, running_echo, unary
from tests.benchmarks.learner_server import LearnerServer, fill_pool
from tests.benchmarks.measuring import median_ratio, seconds

from aloe.client import connect
from aloe.learner.ports import CHUNK_ROWS
from aloe.v1 import learner_service_pb2 as pb
from aloe.wire.arrays import encode_matrix
from aloe.wire.names import task_name

CALLER_COUNT = 32
_PREDICT = "/aloe.v1.LearnerService/Predict"


async def _call_for(
    address: str, method: str, request: bytes, duration_s: float
) -> tuple[float, float]:
    """Call from many callers for a while; return calls/s and the 99th percentile in seconds."""
    latencies_s: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        call = unary(channel, method)
        await call(request)
        began = time.perf_counter()

        async def caller() -> None:
            while (start := time.perf_counter()) < began + duration_s:
                await call(request)
                latencies_s.append(time.perf_counter() - start)

        await asyncio.gather(*(caller() for _ in range(CALLER_COUNT)))
        taken_s = time.perf_counter() - began
    return len(latencies_s) / taken_s, float(np.percentile(latencies_s, 99))


def predict_figures(
    learner_address: str,
    task_id: str,
    embedding: NDArray[np.float32],
    folder: Path,
    *,
    repeats: int,
    duration_s: float,
) -> dict[str, float]:
    request = pb.PredictRequest(
        task=task_name(task_id), embeddings=encode_matrix(embedding[None])
    ).SerializeToString()
    with grpc.insecure_channel(learner_address) as channel:
        reply_byte_count = len(unary(channel, _PREDICT)(request))
    ours, echo = [], []
    for _ in range(repeats):
        ours.append(asyncio.run(_call_for(learner_address, _PREDICT, request, duration_s)))
        # One process is a fifth faster or slower than the next, for as long as it lives.
        with running_echo(folder, reply_byte_count) as echo_address:
            echo.append(asyncio.run(_call_for(echo_address, ECHO, request, duration_s)))
    return {
        "predict_calls_per_s": statistics.median(rate for rate, _ in ours),
        "echo_calls_per_s": statistics.median(rate for rate, _ in echo),
        "predict_over_echo": median_ratio([r for r, _ in ours], [r for r, _ in echo]),
        "predict_p99_ms": 1e3 * statistics.median(p99 for _, p99 in ours),
        "predict_p99_over_echo": median_ratio([p for _, p in ours], [p for _, p in echo]),
    }


def storing_figures(
    server: LearnerServer, embeddings: NDArray[np.float32], *, repeats: int
) -> dict[str, float]:
    """Import pools and load them again, against a bare client that moves the same blobs."""
    bare = redis.Redis.from_url(server.redis_url)
    blobs = [
        embeddings[begin : begin + CHUNK_ROWS].tobytes()
        for begin in range(0, len(embeddings), CHUNK_ROWS)
    ]
    write_s, import_s, read_s, load_s = [], [], [], []
    for number in range(repeats):
        pool_id, task_id = f"stored-{number}", f"stored-task-{number}"
        write_s.append(seconds(lambda: [bare.set(f"bare:{n}", b) for n, b in enumerate(blobs)]))
        with connect(server.address) as client:
            import_s.append(seconds(partial(fill_pool, client, pool_id, embeddings)))
            client.create_task(task_id, pool_id, ["a", "b"])
        server.learner.stop()
        server.start()
        read_s.append(seconds(lambda: [bare.get(f"bare:{n}") for n in range(len(blobs))]))
        with connect(server.address) as client:
            load_s.append(seconds(partial(client.query, task_id, "oracle")))
            client.delete_task(task_id)
            client.delete_pool(pool_id)
        bare.delete(*(f"bare:{n}" for n in range(len(blobs))))
    byte_count = embeddings.nbytes
    return {
        "import_mb_per_s": byte_count / 1e6 / statistics.median(import_s),
        "import_over_redis": median_ratio(write_s, import_s),
        "load_mb_per_s": byte_count / 1e6 / statistics.median(load_s),
        "load_over_redis": median_ratio(load_s, read_s),
        "learner_start_s": server.start_s,
    }
