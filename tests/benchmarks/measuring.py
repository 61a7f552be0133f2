"""Measuring two sides in turns, and naming the machine that they ran on."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def machine() -> str:
    """Describe the processor, the cores and the memory."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0].partition(":")[2].strip() if models else name
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} x {name}, {memory_gb:.0f} GB, {platform.system()}"


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(repeats: int, *works: Callable[[], object]) -> list[list[float]]:
    """Run each work once unmeasured, then all in turn `repeats` times; return seconds of each."""
    for work in works:
        work()
    timings: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, taken in zip(works, timings, strict=True):
            taken.append(seconds(work))
    return timings


def median_ratio(ours: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median ratio of measurements made right after each other."""
    return statistics.median(one / other for one, other in zip(ours, floor, strict=True))


def resident_mb(pid: int, *, peak: bool = False) -> float:
    """Return the resident memory of a process, now or at its peak so far."""
    field = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)
