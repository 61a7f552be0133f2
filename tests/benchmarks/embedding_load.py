"""What happens to the service under more work than it can do, and under work that never ends."""

import asyncio
import time
from typing import Any

import grpc
import numpy as np
from tests.benchmarks.embedding_server import (
    RATE_HZ,
    Caller,
    Server,
    int16_audio,
    request,
    running_server,
)

from aloe.v1 import embedding_service_pb2 as pb2

QUEUE_CLIP_COUNT = 64
OVERLOAD_CALLER_COUNT = 10 * QUEUE_CLIP_COUNT
IMPATIENT_S = 0.03


class _Crowd:
    """Callers that never wait before they ask again; every third gives up early."""

    def __init__(self, caller: Caller, duration_s: float) -> None:
        rng = np.random.default_rng(3)
        clips = [rng.normal(0, 0.1, RATE_HZ).astype(np.float32) for _ in range(16)]
        self._requests = [request(int16_audio(clip)) for clip in clips]
        self._caller = caller
        self._expected: list[bytes] = []
        self._end = time.perf_counter() + duration_s
        self.latencies_s: list[float] = []
        self.refused = self.given_up = self.wrong = self.lost = 0

    async def run(self) -> None:
        for message in self._requests:
            response = await self._caller.stub.Embed(message)
            self._expected.append(response.embeddings.values)
        await asyncio.gather(*(self._call(number) for number in range(OVERLOAD_CALLER_COUNT)))

    async def _call(self, number: int) -> None:
        impatient = number % 3 == 0
        while time.perf_counter() < self._end:
            which = number % len(self._requests)
            started = time.perf_counter()
            try:
                response = await self._caller.stub.Embed(
                    self._requests[which], timeout=IMPATIENT_S if impatient else 60
                )
            except grpc.aio.AioRpcError as error:
                self._count(error.code())
                continue
            self.latencies_s.append(time.perf_counter() - started)
            self.wrong += not self._is_right(which, response)

    def _count(self, code: grpc.StatusCode) -> None:
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            self.refused += 1
        elif code is grpc.StatusCode.DEADLINE_EXCEEDED:
            self.given_up += 1
        else:
            self.lost += 1

    def _is_right(self, which: int, response: pb2.EmbedResponse) -> bool:
        row = np.frombuffer(response.embeddings.values, "<f4")
        expected = np.frombuffer(self._expected[which], "<f4")
        return bool(np.abs(row - expected).max() <= 1e-4)


async def overload(encoder: str, duration_s: float) -> dict[str, Any]:
    """Ask with ten times as many callers as the queue has places."""
    flags = ["--queue-clip-count", str(QUEUE_CLIP_COUNT), "--cache-mb", "0"]
    with running_server(encoder, *flags) as server:
        async with Caller(server.address) as caller:
            await _Crowd(caller, 3).run()
            before_mb = server.resident_mb()
            crowd = _Crowd(caller, duration_s)
            await crowd.run()
            after_mb = server.resident_mb()
            started = time.perf_counter()
            await caller.stub.Embed(crowd._requests[0])
            idle_s = time.perf_counter() - started
    clips_per_s = len(crowd.latencies_s) / duration_s
    return {
        "overload_accepted_clips_per_s": clips_per_s,
        "overload_refused": crowd.refused,
        "overload_given_up": crowd.given_up,
        "overload_lost": crowd.lost,
        "overload_wrong": crowd.wrong,
        "overload_p99_s": float(np.quantile(crowd.latencies_s, 0.99)),
        "overload_queue_bound_s": QUEUE_CLIP_COUNT / clips_per_s,
        "overload_memory_growth": after_mb / before_mb - 1,
        "overload_first_call_after_s": idle_s,
    }


async def soak(caller: Caller, server: Server, request_count: int) -> dict[str, Any]:
    """Send clips of random lengths, and compare the memory early and late."""
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)
    early_mb = 0.0
    sent = 0

    async def call() -> None:
        nonlocal sent, early_mb
        while sent < request_count:
            sent += 1
            if sent == 5_000:
                early_mb = server.resident_mb()
            length = int(rng.integers(RATE_HZ // 10, noise.size))
            await caller.stub.Embed(request(int16_audio(noise[:length])))

    await asyncio.gather(*(call() for _ in range(32)))
    late_mb = server.resident_mb()
    return {
        "soak_requests": sent,
        "soak_early_mb": early_mb,
        "soak_late_mb": late_mb,
        "soak_memory_growth": late_mb / early_mb - 1,
    }
