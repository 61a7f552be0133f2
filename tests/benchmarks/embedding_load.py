"""The embedding service under more load than it can take, and under load for a long time."""

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

QUEUE_CLIP_COUNT = 256
# Several short clips in a call, so that the encoder is overloaded and not gRPC.
CLIPS_PER_CALL = 16
CLIP_SAMPLES = RATE_HZ // 5
OVERLOAD_FACTOR = 10
IMPATIENT_S = 0.1


class _Crowd:
    """Callers that arrive at a fixed rate, answered or not; every third gives up early."""

    def __init__(self, caller: Caller) -> None:
        rng = np.random.default_rng(3)
        clips = [rng.normal(0, 0.1, CLIP_SAMPLES).astype(np.float32) for _ in range(64)]
        self.requests = [
            request(*(int16_audio(clip) for clip in clips[start : start + CLIPS_PER_CALL]))
            for start in range(0, len(clips), CLIPS_PER_CALL)
        ]
        self._caller = caller
        self._expected: list[bytes] = []
        self.latencies_s: list[float] = []
        self.offered = self.refused = self.given_up = self.wrong = self.lost = 0

    async def run(self, calls_per_s: float, duration_s: float) -> None:
        for message in self.requests:
            response = await self._caller.stub.Embed(message)
            self._expected.append(response.embeddings.values)
        started = time.perf_counter()
        async with asyncio.TaskGroup() as calls:
            while (now := time.perf_counter() - started) < duration_s:
                while self.offered < now * calls_per_s:
                    calls.create_task(self._call(self.offered))
                    self.offered += 1
                await asyncio.sleep(0.005)

    async def _call(self, number: int) -> None:
        which = number % len(self.requests)
        started = time.perf_counter()
        try:
            response = await self._caller.stub.Embed(
                self.requests[which], timeout=IMPATIENT_S if number % 3 == 0 else 60
            )
        except grpc.aio.AioRpcError as error:
            self._count(error.code())
            return
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
        rows = np.frombuffer(response.embeddings.values, "<f4")
        expected = np.frombuffer(self._expected[which], "<f4")
        return bool(np.abs(rows - expected).max() <= 1e-4)


async def overload(encoder: str, duration_s: float) -> dict[str, Any]:
    """Call at ten times the rate that the service can answer."""
    flags = ["--queue-clip-count", str(QUEUE_CLIP_COUNT), "--cache-mb", "0"]
    with running_server(encoder, *flags) as server:
        async with Caller(server.address) as caller:
            crowd = _Crowd(caller)
            capacity = await caller.clips_per_s(crowd.requests, caller_count=6, duration_s=4)
            calls_per_s = OVERLOAD_FACTOR * capacity / CLIPS_PER_CALL
            await _Crowd(caller).run(calls_per_s, 3)
            before_mb = server.resident_mb()
            await crowd.run(calls_per_s, duration_s)
            after_mb = server.resident_mb()
            started = time.perf_counter()
            await caller.stub.Embed(crowd.requests[0])
            first_call_s = time.perf_counter() - started
    clips_per_s = len(crowd.latencies_s) * CLIPS_PER_CALL / duration_s
    return {
        "overload_capacity_clips_per_s": capacity,
        "overload_offered_over_capacity": crowd.offered * CLIPS_PER_CALL / duration_s / capacity,
        "overload_accepted_over_capacity": clips_per_s / capacity,
        "overload_refused": crowd.refused,
        "overload_given_up": crowd.given_up,
        "overload_lost": crowd.lost,
        "overload_wrong": crowd.wrong,
        "overload_p50_s": float(np.quantile(crowd.latencies_s, 0.5)),
        "overload_p99_s": float(np.quantile(crowd.latencies_s, 0.99)),
        "overload_queue_bound_s": QUEUE_CLIP_COUNT / clips_per_s,
        "overload_memory_growth": after_mb / before_mb - 1,
        "overload_first_call_after_s": first_call_s,
    }


async def soak(caller: Caller, server: Server, request_count: int) -> dict[str, Any]:
    """Send clips of random lengths, and compare the service's memory early and late."""
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)
    early_mb = 0.0
    sent = 0

    async def call() -> None:
        nonlocal sent, early_mb
        while sent < request_count:
            sent += 1
            if sent == min(5_000, request_count // 2):
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
