"""The faults of a store: its memory full, its disk full, in the ways that a machine allows."""

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import redis

from aloe.local import LocalStack, StackOptions, find_redis_server
from aloe.local.redis_server import redis_child

_MEMORY_LEFT_BYTES = 200_000
_DISK_LEFT_BYTES = 100_000
_DISK_BYTES = 64 * 1024**2
_START_S = 60.0


class NotHere(Exception):
    """This machine does not allow the fault."""


class StoreFault(Protocol):
    """A fault and the system that it befalls."""

    @contextmanager
    def system(self, folder: Path) -> Iterator[LocalStack]:
        """Run a system on which it can be caused. Raises NotHere."""

    def begin(self) -> None:
        """Cause it: before long the store has no room."""

    def end(self) -> None:
        """Give the store room again, and nothing else: it must come back by itself."""


def _options(folder: Path, redis_url: str = "") -> StackOptions:
    return StackOptions(data_dir=folder, redis_url=redis_url, learner_count=2)


@dataclass
class MemoryFull(StoreFault):
    """`maxmemory` is reached, and nothing may be evicted."""

    _client: Any = None

    @contextmanager
    def system(self, folder: Path) -> Iterator[LocalStack]:
        with LocalStack(_options(folder)) as stack:
            self._client = redis.Redis.from_url(stack.redis_url)
            yield stack
            self._client.close()

    def begin(self) -> None:
        used = self._client.info("memory")["used_memory"]
        self._client.config_set("maxmemory", used + _MEMORY_LEFT_BYTES)

    def end(self) -> None:
        self._client.config_set("maxmemory", 0)


@dataclass
class DiskFull(StoreFault):
    """A small disk of its own, with Redis, audio and logs, is filled by others."""

    _filler: Path = Path()

    @contextmanager
    def system(self, folder: Path) -> Iterator[LocalStack]:
        with small_disk(folder), LocalStack(_options(folder / "data")) as stack:
            self._filler = folder / "filler"
            yield stack

    def begin(self) -> None:
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        os.truncate(self._filler, self._filler.stat().st_size - _DISK_LEFT_BYTES)

    def end(self) -> None:
        self._filler.unlink()


@dataclass
class DiskFullUnderAnother(DiskFull):
    """The same, to a Redis that others run with `appendfsync everysec`: it goes on, refusing."""

    @contextmanager
    def system(self, folder: Path) -> Iterator[LocalStack]:
        with ExitStack() as ending:
            ending.enter_context(small_disk(folder))
            sockets = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="aloe-")))
            child = redis_child(folder / "redis", sockets / "r.sock", sockets / "log")
            child.command += ["--appendfsync", "everysec"]
            child.start(_START_S)
            ending.callback(child.stop)
            self._filler = folder / "filler"
            options = _options(sockets / "data", f"unix://{sockets / 'r.sock'}")
            yield ending.enter_context(LocalStack(options))


@dataclass
class FileLimit(StoreFault):
    """The append-only file may not grow; needs no rights, and no probe beside it sees it."""

    _stack: LocalStack | None = None
    _limit: Path = Path()
    _aof: list[Path] = field(default_factory=list)

    @contextmanager
    def system(self, folder: Path) -> Iterator[LocalStack]:
        if not hasattr(resource, "prlimit"):
            raise NotHere("limits of other processes are a thing of Linux")
        self._limit = folder / "limit"
        self._wrap(folder / "bin")
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{folder / 'bin'}:{path}"
        try:
            with LocalStack(_options(folder / "data")) as stack:
                self._stack = stack
                self._aof = sorted((folder / "data" / "redis").rglob("*.aof"))
                yield stack
        finally:
            os.environ["PATH"] = path

    def begin(self) -> None:
        size = max(path.stat().st_size for path in self._aof)
        # A shell counts in blocks of 512 bytes.
        blocks = (size + _DISK_LEFT_BYTES) // 512
        self._limit.write_text(str(blocks))
        self._limit_to(blocks * 512)

    def end(self) -> None:
        self._limit.unlink()
        self._limit_to(None)

    def _wrap(self, folder: Path) -> None:
        """Put a redis-server on the PATH that starts the real one under the limit."""
        real = find_redis_server()
        folder.mkdir(parents=True)
        wrapper = folder / "redis-server"
        wrapper.write_text(
            f'#!/bin/sh\n[ -e "{self._limit}" ] && ulimit -S -f "$(cat "{self._limit}")"\n'
            f'exec "{real}" "$@"\n'
        )
        wrapper.chmod(0o755)

    def _limit_to(self, size: int | None) -> None:
        assert self._stack is not None
        pid = self._stack.pids["Redis"]
        if pid is not None:
            limit_files(pid, size)


STORE_FAULTS: dict[str, type[StoreFault]] = {
    "memory_full": MemoryFull,
    "disk_full": DiskFull,
    "disk_full_everysec": DiskFullUnderAnother,
    "file_limit": FileLimit,
}


def limit_files(pid: int, size: int | None) -> None:
    """Bound the size of the files that a process writes; None does not."""
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        soft = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def small_disk(folder: Path, size_bytes: int = _DISK_BYTES) -> Iterator[None]:
    """Mount a small disk in memory on a folder. Raises NotHere where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotHere(str(error)) from error
    if done.returncode:
        raise NotHere(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
