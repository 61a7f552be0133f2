"""`python -m tests.benchmarks.embedding`: the served encoder against the bare one.

Both sides are measured in turns within one run; figures called _over_ compare them. The callers run
in this process and share the processors with the service.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.embedding_load import overload, soak
from tests.benchmarks.embedding_server import (
    RATE_HZ,
    Bare,
    Caller,
    Float32Array,
    Server,
    int16_audio,
    load_bare,
    request,
    running_server,
)

CALLER_COUNT = 32
BATCH_SIZES = (8, 16, 32, 64)
CLIPS_PER_REQUEST = 8
STREAM_CLIP_COUNT = 3_000


def noise(rng: np.random.Generator, sample_count: int) -> Float32Array:
    return rng.normal(0, 0.1, sample_count).astype(np.float32)


def bare_clips_per_s(
    call: Callable[[Float32Array], Float32Array], size: int, duration_s: float
) -> float:
    batch = np.stack([noise(np.random.default_rng(0), RATE_HZ)] * size)
    call(batch)
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < duration_s:
        call(batch)
        count += size
    return count / (time.perf_counter() - started)


def sorted_clips_per_s(bare: Bare, clips: Sequence[Float32Array], size: int) -> float:
    """Embed clips in this process in batches of one canonical length; return clips per second."""
    policy = bare.encoder.info.length_policy
    started = time.perf_counter()
    canonical = sorted((policy.canonical(clip) for clip in clips), key=lambda clip: clip.size)
    for _, group in groupby(canonical, key=lambda clip: clip.size):
        equal = list(group)
        for start in range(0, len(equal), size):
            bare.call(np.stack(equal[start : start + size]))
    return len(clips) / (time.perf_counter() - started)


class Benchmark:
    """Measures both sides in turns."""

    def __init__(self, bare: Bare, caller: Caller, *, repeats: int, duration_s: float) -> None:
        self._bare = bare
        self._caller = caller
        self._repeats = repeats
        self._duration_s = duration_s
        rng = np.random.default_rng(1)
        self._clips = [int16_audio(noise(rng, RATE_HZ)) for _ in range(256)]
        speeds = {size: bare_clips_per_s(bare.call, size, duration_s / 4) for size in BATCH_SIZES}
        self.best_size = max(speeds, key=lambda size: speeds[size])

    async def throughput(self) -> dict[str, Any]:
        """Compare 1 s clips per second: one per request, several per request, and in a stream."""
        single = [request(clip) for clip in self._clips]
        several = [
            request(*self._clips[start : start + CLIPS_PER_REQUEST])
            for start in range(0, len(self._clips), CLIPS_PER_REQUEST)
        ]
        rows = []
        for _ in range(self._repeats):
            half_s = self._duration_s / 2
            bare = self._bare_clips_per_s(self._bare.call)
            compiled = self._bare_clips_per_s(self._bare.encoder.embed)
            one = await self._calls(single, CALLER_COUNT, half_s * 2)
            many = await self._calls(several, CALLER_COUNT // CLIPS_PER_REQUEST * 2, half_s * 2)
            stream = await self._stream_clips_per_s()
            bare = (bare + self._bare_clips_per_s(self._bare.call)) / 2
            rows.append((bare, compiled, one, many, stream))
        bares, compileds, ones, manys, streams = zip(*rows, strict=True)
        return {
            "bare_clips_per_s": statistics.median(bares),
            "compiled_clips_per_s": statistics.median(compileds),
            "throughput_over_bare": ratio(ones, bares),
            "several_clips_over_bare": ratio(manys, bares),
            "stream_over_bare": ratio(streams, bares),
            "throughput_over_compiled": ratio(ones, compileds),
            "stream_over_compiled": ratio(streams, compileds),
        }

    async def mixed(self) -> dict[str, Any]:
        """Compare clips per second where clips last 0.2 to 10 s."""
        rng = np.random.default_rng(2)
        clips = [noise(rng, length) for length in rng.integers(RATE_HZ // 5, 10 * RATE_HZ, 400)]
        requests = [request(int16_audio(clip)) for clip in clips]
        sorted_clips_per_s(self._bare, clips[:100], self.best_size)
        await self._calls(requests, CALLER_COUNT, self._duration_s)
        bare, served = [], []
        for _ in range(self._repeats):
            bare.append(sorted_clips_per_s(self._bare, clips, self.best_size))
            served.append(await self._calls(requests, CALLER_COUNT, self._duration_s * 2))
        return {
            "mixed_bare_clips_per_s": statistics.median(bare),
            "mixed_over_bare": ratio(served, bare),
        }

    async def latency(self) -> dict[str, Any]:
        """Compare the latency of a call for a 1 s clip, one call at a time."""
        clip, message = noise(np.random.default_rng(0), RATE_HZ), request(self._clips[0])
        bare_ms, served_ms = [], []
        for _ in range(100 * self._repeats):
            started = time.perf_counter()
            self._bare.call(clip[np.newaxis])
            middle = time.perf_counter()
            await self._caller.stub.Embed(message)
            served_ms.append((time.perf_counter() - middle) * 1e3)
            bare_ms.append((middle - started) * 1e3)
        return {
            "bare_latency_ms": statistics.median(bare_ms),
            "latency_over_bare_ms": statistics.median(served_ms) - statistics.median(bare_ms),
        }

    async def exactness(self, folder: Path) -> dict[str, Any]:
        """Compare the embeddings of recordings in a stream with those of each one alone."""
        from aloe.v1 import audio_pb2

        files = sorted(folder.glob("*.wav"))  # noqa: ASYNC240
        clips = [audio_pb2.Audio(encoded=path.read_bytes()) for path in files]
        started = time.perf_counter()
        batched = await self._caller.stream(clips)
        stream_s = time.perf_counter() - started
        delta = 0.0
        for number, clip in enumerate(clips):
            alone = await self._caller.stub.Embed(request(clip))
            row = np.frombuffer(alone.embeddings.values, "<f4")
            delta = max(delta, float(np.abs(row - batched[number]).max()))
        return {"recordings": len(clips), "recordings_stream_s": stream_s, "max_abs_delta": delta}

    def _bare_clips_per_s(self, call: Callable[[Float32Array], Float32Array]) -> float:
        return bare_clips_per_s(call, self.best_size, self._duration_s / 2)

    async def _calls(self, requests: Any, caller_count: int, duration_s: float) -> float:
        return await self._caller.clips_per_s(
            requests, caller_count=caller_count, duration_s=duration_s
        )

    async def _stream_clips_per_s(self) -> float:
        clips = (self._clips * (STREAM_CLIP_COUNT // len(self._clips) + 1))[:STREAM_CLIP_COUNT]
        started = time.perf_counter()
        rows = await self._caller.stream(clips)
        return len(rows) / (time.perf_counter() - started)


def ratio(served: Sequence[float], bare: Sequence[float]) -> float:
    """Return the median ratio of measurements made right after each other."""
    return statistics.median(one / other for one, other in zip(served, bare, strict=True))


async def measure(options: argparse.Namespace, server: Server, bare: Bare) -> dict[str, Any]:
    async with Caller(server.address) as caller:
        benchmark = Benchmark(bare, caller, repeats=options.repeats, duration_s=options.duration_s)
        figures: dict[str, Any] = {"best_batch_size": benchmark.best_size}
        figures |= await benchmark.throughput()
        figures |= await benchmark.latency()
        figures |= await benchmark.mixed()
        if options.recordings:
            figures |= await benchmark.exactness(options.recordings)
        if options.soak_requests:
            figures |= await soak(caller, server, options.soak_requests)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.embedding")
    parser.add_argument("--encoder", default="logmel")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--duration-s", type=float, default=4.0)
    parser.add_argument("--recordings", type=Path, help="folder of WAV files to compare exactly")
    parser.add_argument("--overload-s", type=float, default=0, help="seconds at 10 times capacity")
    parser.add_argument("--soak-requests", type=int, default=0)
    options = parser.parse_args()
    bare = load_bare(options.encoder)
    figures: dict[str, Any] = {
        "machine": f"{os.cpu_count()} x {platform.processor() or platform.machine()}",
        "load_average": os.getloadavg()[0],
        "callers": f"{CALLER_COUNT} in the benchmark's process, on the same processors",
        "encoder": bare.encoder.info.encoder_id,
        "length_policy": str(bare.encoder.info.length_policy),
    }
    # Without a cache, since the same clips are sent again and again.
    with running_server(options.encoder, "--cache-mb", "0") as server:
        figures["start_s"] = server.start_s
        figures |= asyncio.run(measure(options, server, bare))
    if options.overload_s:
        figures |= asyncio.run(overload(options.encoder, options.overload_s))
    sys.stdout.write(json.dumps(figures) if options.json else table(figures))
    sys.stdout.write("\n")


def table(figures: dict[str, Any]) -> str:
    return "\n".join(
        f"{name:30} {figure:.4g}" if isinstance(figure, float) else f"{name:30} {figure}"
        for name, figure in figures.items()
    )


if __name__ == "__main__":
    main()
