"""Versions and machine: what a result depends on beside the spec."""

import contextlib
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

UNKNOWN = "unknown"
"""Stands for versions and machine of runs that an early version made, which kept neither."""
_PACKAGES = ("aloe-speech", "grpcio", "numba", "numpy", "scipy", "soxr", "tensorflow")


def about_process() -> dict[str, Any]:
    """Return what is kept with each run that this process makes."""
    return {"versions": versions(), "machine": machine()}


def merged(processes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge what is known of the processes that made some runs: a list where they differ."""
    found: dict[str, list[Any]] = {"versions": [], "machine": []}
    for process in processes:
        for key, values in found.items():
            if (value := process.get(key, UNKNOWN)) not in values:
                values.append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def machine() -> dict[str, str | int]:
    """Return on what kind of machine this runs; not which one."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count() or 1,
    }
