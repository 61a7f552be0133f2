"""Watches the learners while things break: whether they answer for their health, and their memory.

A learner that was killed or stopped is excused until it has answered once more, but not for ever.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.system import System

LATE_S = 5.0
"""An answer for its health; lenient, for a machine that is busy with other things."""
_BACK_S = 60.0
"""A learner that was killed or stopped must have answered once more."""
_POLL_S = 1.0
_MOST_GROWTH_MB = 1_000.0
_REST_S = 3.0
_REST_SHARE = 0.5
"""Of a core, for a learner of which nobody wants anything."""
_REST_ATTEMPTS = 4


@dataclass
class Watched:
    """What was seen of one learner."""

    longest_health_s: float = 0.0
    """Of those answers that nothing excuses."""
    checks: int = 0
    first_mb: float = 0.0
    most_mb: float = 0.0


class Watch:
    """Over all learners of a system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.findings: list[Finding] = []
        self.watched: Mapping[str, Watched] = {name: Watched() for name in system.learner_pids}

    async def work(self, stopping: asyncio.Event) -> None:
        """Watch until told to stop."""
        async with asyncio.TaskGroup() as watching:
            for name, address in self._system.learner_addresses.items():
                watching.create_task(self._watch(name, address, stopping))

    async def _watch(self, name: str, address: str, stopping: asyncio.Event) -> None:
        watched, last_good_s = self.watched[name], time.monotonic()
        while not stopping.is_set():
            began_s = time.monotonic()
            is_good = await _answers(address)
            now_s = time.monotonic()
            disturbed_s = self._system.disturbed_s[name]
            is_excused = last_good_s <= disturbed_s and now_s - disturbed_s < _BACK_S
            if not is_excused:
                watched.checks += 1
                watched.longest_health_s = max(watched.longest_health_s, now_s - began_s)
                if not is_good or now_s - began_s > LATE_S:
                    self._find(FindingKind.STUCK, name, began_s, "did not answer for its health")
            if is_good:
                last_good_s = began_s
            self._weigh(name, watched)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _POLL_S)

    def _weigh(self, name: str, watched: Watched) -> None:
        now_mb = _memory_mb(self._system.learner_pids[name])
        watched.first_mb = watched.first_mb or now_mb
        if watched.most_mb <= watched.first_mb + _MOST_GROWTH_MB < now_mb:
            self._find(FindingKind.MEMORY_UNBOUNDED, name, time.monotonic(), f"{now_mb:.0f} MB")
        watched.most_mb = max(watched.most_mb, now_mb)

    def _find(self, kind: FindingKind, name: str, at_s: float, text: str) -> None:
        self.findings.append(Finding(kind, f"{name} at {at_s:.3f}: {text}"))


async def find_restless(system: System) -> list[Finding]:
    """Find learners that work on when nobody wants anything of them."""
    shares: dict[str, float] = {}
    for _ in range(_REST_ATTEMPTS):
        before = {name: _processor_s(pid) for name, pid in system.learner_pids.items()}
        await asyncio.sleep(_REST_S)
        shares = {
            name: (_processor_s(pid) - before[name]) / _REST_S
            for name, pid in system.learner_pids.items()
        }
        if max(shares.values()) < _REST_SHARE:
            return []
    return [
        Finding(FindingKind.STUCK, f"{name} takes {share:.0%} of a core at rest")
        for name, share in shares.items()
        if share >= _REST_SHARE
    ]


async def _answers(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            # Of the whole server: that its store is away is an answer as well.
            await health.Check(health_pb2.HealthCheckRequest(), timeout=LATE_S)
        except grpc.aio.AioRpcError:
            return False
    return True


def _memory_mb(pid: int | None) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _processor_s(pid: int | None) -> float:
    """What a process has taken so far, in both modes; 0 where that cannot be told."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100
    return 0.0
