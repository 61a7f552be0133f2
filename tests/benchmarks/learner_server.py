"""A learner with a durable Redis of its own, and no embedding service: clips are vectors."""

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloe.client import LearnerClient, NewClip
from aloe.local.child import Child
from aloe.local.redis_server import redis_child

FINGERPRINT = "benchmark"


@dataclass(slots=True)
class LearnerServer:
    """A learner as a child process, on a Redis that runs already."""

    folder: Path
    redis_url: str
    address: str = ""
    start_s: float = 0.0
    learner: Child = field(init=False)

    def __post_init__(self) -> None:
        self.learner = Child(
            "the learner",
            [sys.executable, "-m", "aloe.learner", "--address", "127.0.0.1:0"],
            log_path=self.folder / "learner.log",
            ready=self._listens,
            environment={"ALOE_LEARNER_REDIS_URL": self.redis_url},
        )

    def start(self) -> None:
        """Start or restart the learner, and wait until it serves."""
        began = time.perf_counter()
        self.learner.start(timeout_s=120)
        self.start_s = time.perf_counter() - began

    def _listens(self, child: Child) -> bool:
        line = child.read_line()
        if line is None or " listening on " not in line:
            return False
        self.address = line.rpartition(" ")[2]
        return True

    @property
    def pid(self) -> int:
        assert self.learner.pid is not None
        return self.learner.pid


@contextmanager
def running_redis() -> Iterator[tuple[str, Path]]:
    """Run a Redis that has every write on disk before it answers; yield its URL and its folder."""
    with tempfile.TemporaryDirectory(prefix="aloe-benchmark-") as name:
        folder = Path(name)
        socket_path = folder / "redis.sock"
        child = redis_child(folder / "redis", socket_path, folder / "redis.log")
        child.start(timeout_s=60)
        try:
            yield f"unix://{socket_path}", folder
        finally:
            child.stop()


@contextmanager
def running_learner() -> Iterator[LearnerServer]:
    with running_redis() as (redis_url, folder):
        server = LearnerServer(folder, redis_url)
        try:
            server.start()
            yield server
        finally:
            server.learner.stop()


def clip_id(row: int) -> str:
    return f"clip-{row:07d}"


def clips(embeddings: NDArray[np.float32]) -> Iterable[NewClip]:
    return (NewClip(clip_id(row), embedding=embedding) for row, embedding in enumerate(embeddings))


def fill_pool(client: LearnerClient, pool_id: str, embeddings: NDArray[np.float32]) -> None:
    client.create_pool(pool_id, encoder_fingerprint=FINGERPRINT, embedding_dim=embeddings.shape[1])
    client.import_clips(pool_id, clips(embeddings))
