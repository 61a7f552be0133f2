"""What watchers and connections that do nothing cost a learner.

    python -m tests.load.idle --watchers 10000 --connections 10000 --json

First watchers, spread over some tasks and connections; then connections on which nothing is called.
Each lot is idle for a while, in which the learner's processor time and memory are measured; then
one task changes, and all of its watchers are timed until they know.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from tests.benchmarks.learner_server import LearnerServer, fill_pool, running_learner
from tests.benchmarks.measuring import machine, resident_mb
from tests.load.idle_connections import IdleConnections

from aloe.client import LearnerClient, connect
from aloe.serving.file_limit import raise_file_limit
from aloe.v1 import task_pb2

_DIM, _CLIP_COUNT = 8, 100
_STREAMS_PER_CHANNEL = 200
_OPENED_AT_ONCE = 200
_SPARE_FILES = 200
_WATCH = "/aloe.v1.LearnerService/WatchTask"


class Watchers:
    """Streams of WatchTask that take in whatever comes, as bytes."""

    def __init__(self, address: str, task_ids: Sequence[str]) -> None:
        self._address, self._task_ids = address, task_ids
        self._channels: list[grpc.aio.Channel] = []
        self._reading: list[asyncio.Task[None]] = []
        self.first_s: list[float] = []
        """How long each took to be told its task's state."""
        self.told: dict[str, asyncio.Queue[float]] = {each: asyncio.Queue() for each in task_ids}
        """When a task's watchers were told anything, by time.perf_counter()."""

    async def open(self, count: int) -> None:
        """Open streams, some at a time; return once each was told its task's state."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        for first in range(0, count, _OPENED_AT_ONCE):
            if first % _STREAMS_PER_CHANNEL == 0:
                channel = grpc.aio.insecure_channel(self._address, options)
                self._channels.append(channel)
            numbers = range(first, min(first + _OPENED_AT_ONCE, count))
            await asyncio.gather(*(self._open(self._channels[-1], number) for number in numbers))

    async def _open(self, channel: grpc.aio.Channel, number: int) -> None:
        task_id = self._task_ids[number % len(self._task_ids)]
        request = task_pb2.WatchTaskRequest(task=f"tasks/{task_id}").SerializeToString()
        began = time.perf_counter()
        call: Any = channel.unary_stream(_WATCH)(request)  # type: ignore[arg-type]
        await call.read()
        self.first_s.append(time.perf_counter() - began)
        self._reading.append(asyncio.create_task(self._read(call, task_id)))

    async def _read(self, call: Any, task_id: str) -> None:
        while await call.read() is not grpc.aio.EOF:
            self.told[task_id].put_nowait(time.perf_counter())

    async def close(self) -> None:
        for reading in self._reading:
            reading.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        for channel in self._channels:
            await channel.close()


def processor_s(pid: int) -> float:
    """Processor time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def idle(server: LearnerServer, seconds: float) -> dict[str, float]:
    """Measure a learner while nothing is called."""
    await asyncio.sleep(1)  # until what began has settled
    began, spent = time.perf_counter(), processor_s(server.pid)
    await asyncio.sleep(seconds)
    share = (processor_s(server.pid) - spent) / (time.perf_counter() - began)
    return {"processor": round(share, 4), "memory_mb": round(resident_mb(server.pid), 1)}


@asynccontextmanager
async def watching(
    server: LearnerServer, task_ids: Sequence[str], count: int
) -> AsyncIterator[Watchers]:
    watchers = Watchers(server.address, task_ids)
    try:
        await watchers.open(count)
        yield watchers
    finally:
        await watchers.close()


async def pushed(client: LearnerClient, watchers: Watchers, task_id: str) -> dict[str, float]:
    """Change a task; return how long its watchers took to be told."""
    told = watchers.told[task_id]
    count = len(watchers.first_s) // len(watchers.told)
    began = time.perf_counter()
    await asyncio.to_thread(client.query, task_id, "ann")
    async with asyncio.timeout(60):
        times = [await told.get() - began for _ in range(count)]
    return {
        "told_ms": round(1000 * statistics.median(times), 1),
        "told_last_ms": round(1000 * max(times), 1),
    }


def make_tasks(client: LearnerClient, count: int) -> list[str]:
    generator = np.random.default_rng(1)
    fill_pool(client, "idle", generator.normal(size=(_CLIP_COUNT, _DIM)).astype(np.float32))
    task_ids = [f"idle-{number}" for number in range(count)]
    for task_id in task_ids:
        client.create_task(task_id, "idle", ("no", "yes"))
    return task_ids


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    with running_learner() as server, connect(server.address) as client:
        task_ids = make_tasks(client, arguments.tasks)
        figures: dict[str, Any] = {
            "machine": machine(),
            "tasks": len(task_ids),
            "nothing": await idle(server, arguments.seconds),
        }
        if arguments.watchers:
            async with watching(server, task_ids, arguments.watchers) as watchers:
                first_ms = sorted(1000 * each for each in watchers.first_s)
                figures["watchers"] = {
                    "count": arguments.watchers,
                    "first_ms": round(statistics.median(first_ms), 1),
                    **await idle(server, arguments.seconds),
                    **await pushed(client, watchers, task_ids[0]),
                }
            figures["watchers_gone"] = await idle(server, arguments.seconds)
        if arguments.connections:
            async with IdleConnections(server.address, arguments.connections):
                figures["connections"] = {
                    "count": arguments.connections,
                    **await idle(server, arguments.seconds),
                }
        return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--watchers", type=int, default=10_000, help="streams of WatchTask")
    parser.add_argument(
        "--connections", type=int, default=10_000, help="on which nothing is called"
    )
    parser.add_argument("--tasks", type=int, default=100, help="that the watchers share")
    parser.add_argument("--seconds", type=float, default=10, help="for which each is measured")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()
    limit = raise_file_limit()  # the learner does so by itself
    needed = max(arguments.connections, arguments.watchers // _STREAMS_PER_CHANNEL) + _SPARE_FILES
    if limit < needed:
        sys.stderr.write(f"a process may open {limit:,} files here, {needed:,} are needed\n")
        return 2
    figures = asyncio.run(measure(arguments))
    sys.stdout.write(json.dumps(figures, indent=None if arguments.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
