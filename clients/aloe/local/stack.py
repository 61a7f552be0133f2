"""All of ALOE on this machine: Redis, the embedding service and the learner service."""

import contextlib
import importlib.util
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self

from aloe.local.child import Child, ChildFailed
from aloe.local.data_folder import forget_redis, note_redis, take_folder
from aloe.local.redis_server import check_redis, redis_child
from aloe.wire.addresses import is_loopback

_RESTART_PAUSE_S = 0.2
_MAX_FAILED_STARTS = 5
_EMBEDDING = "the embedding service"
_START_S, _EMBEDDING_START_S = 180.0, 300.0
_NEEDED = {
    "aloe.embedding": ("tensorflow", "embedding"),
    "aloe.learner": ("redis", "learner"),
}
HearFiles = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What to start, and where."""

    encoder: str | None = "logmel"
    """A name, a folder or a URL, as the embedding service takes it; None does not start that
    service."""
    data_dir: Path | None = None
    """Holds Redis's data, audio and logs; None for a temporary folder, removed at the end."""
    redis_url: str = ""
    """Of a Redis that runs already; empty starts one."""
    learner_address: str = "127.0.0.1:0"
    """Of the first learner; the others take free ports on the same host."""
    learner_count: int = 1
    """Learners on the same Redis; any of them serves any call. With 0, no Redis is started."""
    embedding_address: str = "127.0.0.1:0"
    embedding_flags: tuple[str, ...] = ()
    """Further flags for the embedding service."""
    audio_uri_prefixes: tuple[str, ...] = ()
    """Clients may name audio by a URI below one of these."""
    hear_files: HearFiles = "auto"
    """Whether clips may be heard from the files of this machine that they were imported from; auto:
    if only this machine can connect."""


class LocalStack:
    """Starts everything on entering, keeps it running, and ends it on leaving.

    A child that dies is started again at the same address; Redis keeps what it stored. After six
    failed starts in a row it is given up, and on_step is told.
    """

    def __init__(
        self, options: StackOptions, *, on_step: Callable[[str], None] = lambda _: None
    ) -> None:
        self._options, self._on_step = options, on_step
        self._children: list[Child] = []
        self._stopping = threading.Event()
        self._supervisors: list[threading.Thread] = []
        self._runtime_dir = Path(tempfile.mkdtemp(prefix="aloe-"))
        self._data_dir = options.data_dir or self._runtime_dir / "data"
        self._lock: IO[bytes] | None = None
        self.redis_url = options.redis_url
        self.embedding_address = options.embedding_address
        self.learner_addresses: tuple[str, ...] = (options.learner_address,)

    @property
    def learner_address(self) -> str:
        """The address of the first learner."""
        return self.learner_addresses[0]

    @property
    def audio_dir(self) -> Path:
        """The folder of the audio that pools keep."""
        return (self._data_dir / "audio").absolute()

    @property
    def audio_from(self) -> tuple[str, ...]:
        """The places whose audio clients may name by URI; none has a login, else it is refused."""
        return self._options.audio_uri_prefixes

    @property
    def hears_files(self) -> bool:
        """Whether clips may be heard from files of this machine."""
        wanted = self._options.hear_files
        return is_loopback(self._options.learner_address) if wanted == "auto" else wanted == "on"

    @property
    def log_dir(self) -> Path:
        """The folder of the children's logs."""
        return self._data_dir / "logs"

    @property
    def pids(self) -> dict[str, int | None]:
        """The children's process ids by name."""
        return {child.name: child.pid for child in self._children}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        # One thread each: a child that is slow to start must not hold up another.
        for child in self._children:
            supervisor = threading.Thread(target=self._supervise, args=(child,), daemon=True)
            supervisor.start()
            self._supervisors.append(supervisor)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End every child, learners first and Redis last, and remove what is temporary."""
        self._stopping.set()
        for _ in range(2):  # Twice: a supervisor may have started a child meanwhile.
            for child in reversed(self._children):
                child.stop()
            for supervisor in self._supervisors:
                supervisor.join()
        if self._lock:
            forget_redis(self._data_dir)
            self._lock.close()
            self._lock = None
        shutil.rmtree(self._runtime_dir, ignore_errors=True)

    def _start(self) -> None:
        options = self._options
        for module, is_wanted in (
            ("aloe.embedding", options.encoder is not None),
            ("aloe.learner", options.learner_count > 0),
        ):
            package, extra = _NEEDED[module]
            if is_wanted and importlib.util.find_spec(package) is None:
                raise ChildFailed(
                    f"{module} is not installed here: pip install 'aloe-speech[all]' (or [{extra}])"
                )
        if options.learner_count and self.redis_url:
            check_redis(self.redis_url)
        self._lock = take_folder(self._data_dir)
        if options.learner_count and not self.redis_url:
            socket_path = self._runtime_dir / "redis.sock"
            self._launch(
                redis_child(self._data_dir / "redis", socket_path, self.log_dir / "redis.log")
            )
            self.redis_url = f"unix://{socket_path}"
            note_redis(self._data_dir, self.redis_url)
        if options.encoder is not None:
            self.embedding_address = self._launch_service(
                _EMBEDDING,
                "aloe.embedding",
                options.embedding_address,
                ["--encoder", options.encoder, *options.embedding_flags],
                {},
            )
        host = options.learner_address.rpartition(":")[0]
        addresses = [options.learner_address, *[f"{host}:0"] * (options.learner_count - 1)]
        self.learner_addresses = tuple(
            self._launch_learner(number, address)
            for number, address in enumerate(addresses[: options.learner_count], start=1)
        )

    def _launch_learner(self, number: int, address: str) -> str:
        return self._launch_service(
            "the learner" if number == 1 else f"learner {number}",
            "aloe.learner",
            address,
            ["--embedding", self.embedding_address],
            {
                # In the environment: a URL may hold a password, and every user can see arguments.
                "ALOE_LEARNER_REDIS_URL": self.redis_url,
                "ALOE_LEARNER_AUDIO_ROOT": str(self.audio_dir),
                "ALOE_LEARNER_AUDIO_URI_PREFIXES": ",".join(self._options.audio_uri_prefixes),
                "ALOE_LEARNER_HEAR_FILES": "on" if self.hears_files else "off",
            },
        )

    def _launch_service(
        self, name: str, module: str, address: str, flags: list[str], environment: dict[str, str]
    ) -> str:
        found: list[str] = []

        def ready(child: Child) -> bool:
            line = child.read_line()
            if line is None or " listening on " not in line:
                return False
            found.append(line.rpartition(" ")[2])
            return True

        command = [sys.executable, "-m", module, "--address", address, *flags]
        child = Child(
            name,
            command,
            log_path=self.log_dir / f"{name.removeprefix('the ').replace(' ', '-')}.log",
            ready=ready,
            environment={"TF_CPP_MIN_LOG_LEVEL": "2", **environment},
        )
        self._launch(child)
        # A restart takes the same port, so that clients find it again.
        child.command[child.command.index("--address") + 1] = found[0]
        return found[0]

    def _launch(self, child: Child) -> None:
        self._on_step(f"starting {child.name}")
        self._children.append(child)
        child.start(_start_s(child))

    def _supervise(self, child: Child) -> None:
        failed_starts = 0
        while not self._stopping.wait(_RESTART_PAUSE_S):
            told = ""
            if child.is_running:
                told = child.tend()
            else:
                with contextlib.suppress(ChildFailed):
                    told = child.restart(_start_s(child))
                failed_starts = 0 if child.is_running else failed_starts + 1
            if told:
                self._on_step(told)
            if failed_starts > _MAX_FAILED_STARTS:
                self._on_step(f"{child.name} does not start any more; see {self.log_dir}")
                return


def _start_s(child: Child) -> float:
    return _EMBEDDING_START_S if child.name == _EMBEDDING else _START_S
