"""A Redis that ended because it could not write comes back without ending again at once."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from redis.retry import Retry
from tests.needing_redis import needing_redis

from aloe.local.redis_child import RedisChild
from aloe.local.redis_server import redis_child

START_S = 30.0


@pytest.fixture
def child(tmp_path: Path) -> Iterator[RedisChild]:
    with needing_redis():
        made = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "log")
    made.start(START_S)
    yield made
    made.stop()


@pytest.fixture
def client(child: RedisChild, tmp_path: Path) -> Iterator[Any]:
    path = str(tmp_path / "r.sock")
    with redis.Redis(unix_socket_path=path, retry=Retry(NoBackoff(), 0)) as connected:
        yield connected


def die(child: RedisChild) -> None:
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: not child.is_running)


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_that_was_killed_takes_changes_at_once(child: RedisChild, client: Any):
    client.set("before", 1)
    die(child)
    assert child.restart(START_S) == ""
    client.set("after", 1)
    assert client.get("before") == b"1"


def test_one_that_dies_again_and_again_only_serves_what_reads_for_a_while(
    child: RedisChild, client: Any
):
    client.set("before", 1)
    for said in ("", "Redis ended again and again"):
        die(child)
        assert child.restart(START_S).startswith(said)
    assert child.tend() == "", "the pause is not over"
    with pytest.raises(OutOfMemoryError):
        client.set("meanwhile", 1)
    assert client.get("before") == b"1"
    wait_for(lambda: child.tend() == "Redis takes changes again")
    client.set("after", 1)


def test_on_a_full_disk_it_only_serves_what_reads_until_there_is_room(tmp_path: Path):
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("limits of other processes are a thing of Linux")
    with needing_redis():
        child = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "log")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = str(tmp_path / "r.sock")
    client = redis.Redis(unix_socket_path=path, retry=Retry(NoBackoff(), 0))
    # Both this process and the Redis that it starts may write no larger file.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        child.start(START_S)
        acknowledged = 0
        with contextlib.suppress(RedisConnectionError):
            while True:
                client.rpush("labels", b"x" * 50_000)
                acknowledged += 1
        wait_for(lambda: not child.is_running)
        assert "is full" in child.restart(START_S)
        assert child.tend() == ""
        assert client.llen("labels") == acknowledged
        with pytest.raises(OutOfMemoryError):
            client.rpush("labels", b"x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert child.pid is not None
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert child.tend() == "Redis takes changes again"
    assert client.rpush("labels", b"x") == acknowledged + 1
    client.close()
    child.stop()
