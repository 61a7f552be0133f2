"""Predict compared with an echo of as many bytes; import and loading with a bare Redis client."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import redis
from numpy.typing import NDArray
from tests.benchmarks.echo import ECHO, running_echo, unary
from tests.benchmarks.learner_server import clip_id, fill_pool, running_learner, running_redis
from tests.benchmarks.measuring import median_ratio, seconds

from aloe.client import KnownLabel, RecipeName, connect
from aloe.learner.ports.pools import CHUNK_ROWS
from aloe.v1 import head_pb2
from aloe.wire.arrays import encode_matrix
from aloe.wire.names import task_name

CALLER_COUNT = 32
_PREDICT = "/aloe.v1.LearnerService/Predict"


async def _call_for(
    address: str, method: str, request: bytes, duration_s: float
) -> tuple[float, float]:
    """Call from many callers for a while; return calls/s and the 99th percentile of seconds."""
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
    request = head_pb2.PredictRequest(
        task=task_name(task_id), embeddings=encode_matrix(embedding[None])
    ).SerializeToString()
    with grpc.insecure_channel(learner_address) as channel:
        reply_byte_count = len(unary(channel, _PREDICT)(request))
    ours, echo, echo_on_our_loop = [], [], []
    for _ in range(repeats):
        ours.append(asyncio.run(_call_for(learner_address, _PREDICT, request, duration_s)))
        # A new echo each turn: for its whole life a process may be a fifth faster than another.
        with running_echo(folder, reply_byte_count) as echo_address:
            echo.append(asyncio.run(_call_for(echo_address, ECHO, request, duration_s)))
        with running_echo(folder, reply_byte_count, on_our_loop=True) as echo_address:
            found = asyncio.run(_call_for(echo_address, ECHO, request, duration_s))
            echo_on_our_loop.append(found)
    return {
        "predict_calls_per_s": statistics.median(rate for rate, _ in ours),
        "echo_calls_per_s": statistics.median(rate for rate, _ in echo),
        "predict_over_echo": median_ratio([r for r, _ in ours], [r for r, _ in echo]),
        "predict_over_echo_on_uvloop": median_ratio(
            [r for r, _ in ours], [r for r, _ in echo_on_our_loop]
        ),
        "predict_p99_ms": 1e3 * statistics.median(p99 for _, p99 in ours),
        "predict_p99_over_echo": median_ratio([p for _, p in ours], [p for _, p in echo]),
    }


def storing_figures(embeddings: NDArray[np.float32], *, repeats: int) -> dict[str, float]:
    """Import pools and load them again, compared with a bare client that moves the same bytes.

    Each side of each turn has a new Redis: an emptied one would reuse its memory and take the bytes
    three times as fast, and a pool is not usually imported into such a one.
    """
    blobs = [
        embeddings[begin : begin + CHUNK_ROWS].tobytes()
        for begin in range(0, len(embeddings), CHUNK_ROWS)
    ]
    turns = [
        _store_once(embeddings, blobs, ours_first=number % 2 == 0) for number in range(repeats)
    ]
    write_s, import_s, read_s, load_s, start_s = zip(*turns, strict=True)
    byte_count = embeddings.nbytes
    return {
        "import_mb_per_s": byte_count / 1e6 / statistics.median(import_s),
        "import_over_redis": median_ratio(write_s, import_s),
        "load_mb_per_s": byte_count / 1e6 / statistics.median(load_s),
        "load_over_redis": median_ratio(load_s, read_s),
        "learner_start_s": statistics.median(start_s),
    }


def _store_once(
    embeddings: NDArray[np.float32], blobs: Sequence[bytes], *, ours_first: bool
) -> tuple[float, float, float, float, float]:
    """Return seconds: bare writing, importing, bare reading, loading, starting the learner."""
    if ours_first:
        import_s, load_s, start_s = _import_and_load(embeddings)
        write_s, read_s = _write_and_read(blobs)
    else:
        write_s, read_s = _write_and_read(blobs)
        import_s, load_s, start_s = _import_and_load(embeddings)
    return write_s, import_s, read_s, load_s, start_s


def _write_and_read(blobs: Sequence[bytes]) -> tuple[float, float]:
    with running_redis() as (url, _folder), redis.Redis.from_url(url) as bare:
        bare.config_set("auto-aof-rewrite-percentage", 0)
        write_s = seconds(lambda: [bare.set(f"bare:{n}", blob) for n, blob in enumerate(blobs)])
        # By a new process, like the restarted learner: both must get new memory for what they read.
        command = [sys.executable, "-m", "tests.benchmarks.learner_serving", url, str(len(blobs))]
        read_s = float(subprocess.run(command, check=True, capture_output=True).stdout)
    return write_s, read_s


def _read(url: str, blob_count: int) -> float:
    """Return the seconds that a bare client takes to read the blobs, all kept in memory."""
    with redis.Redis.from_url(url) as bare:
        bare.ping()
        return seconds(lambda: [bare.get(f"bare:{n}") for n in range(blob_count)])


def _import_and_load(embeddings: NDArray[np.float32]) -> tuple[float, float, float]:
    with running_learner() as server:
        with redis.Redis.from_url(server.redis_url) as bare:
            # A rewrite of the log would fall into some turns only, on either side.
            bare.config_set("auto-aof-rewrite-percentage", 0)
        with connect(server.address) as client:
            import_s = seconds(partial(fill_pool, client, "pool", embeddings))
            client.create_task("task", "pool", ["a", "b"], recipe=RecipeName.PAPER)
            # With a head: what it reads is read before the first query is answered.
            known = [KnownLabel(clip_id(row), "ab"[row % 2]) for row in range(4)]
            version = client.import_labels("task", known).head_version or 0
            client.query("task", "warm", min_head_version=version)
        server.learner.stop()
        server.start()
        with connect(server.address) as client:
            load_s = seconds(partial(client.query, "task", "oracle"))
        return import_s, load_s, server.start_s


if __name__ == "__main__":
    sys.stdout.write(str(_read(sys.argv[1], int(sys.argv[2]))))
