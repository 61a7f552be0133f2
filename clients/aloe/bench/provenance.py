"""What a result depends on beside what was asked for."""

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("aloe-speech", "grpcio", "numba", "numpy", "scipy", "soxr", "tensorflow")


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
