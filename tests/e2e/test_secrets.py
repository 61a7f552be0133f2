"""A password in a Redis URL: not in process lists, logs or what anybody says, right or wrong."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import CommandLine
from tests.needing_redis import needing_redis
from tests.rpc.stacks import running_stack

from aloe.local import StackOptions, find_redis_server
from aloe.local.child import Child

PASSWORD = "zebra/2 yak"  # noqa: S105 - a made-up one
QUOTED = "zebra%2F2%20yak"


@pytest.fixture
def guarded_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis that wants that password."""
    with needing_redis():
        server = find_redis_server()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "redis.conf"
    config.write_text(f'port {port}\ndir {tmp_path}\nappendonly yes\nrequirepass "{PASSWORD}"\n')

    def answers(_: Child) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    child = Child("Redis", [str(server), str(config)], log_path=tmp_path / "log", ready=answers)
    child.start(timeout_s=30)
    yield f"redis://:{QUOTED}@127.0.0.1:{port}"
    child.stop()


def check_hidden(text: str) -> None:
    assert "zebra" not in text
    assert "yak" not in text


@pytest.mark.slow
def test_nobody_tells_a_password_that_is_right(guarded_url: str, tmp_path: Path):
    data_dir = tmp_path / "data"
    with running_stack(
        StackOptions(encoder=None, data_dir=data_dir, redis_url=guarded_url)
    ) as stack:
        for pid in filter(None, stack.pids.values()):
            check_hidden(Path(f"/proc/{pid}/cmdline").read_text())
        done = CommandLine(stack.learner_address).run("doctor", "--redis-url", guarded_url)
        check_hidden(done.stdout + done.stderr)
    for log in stack.log_dir.iterdir():
        check_hidden(log.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("module", ["aloe.learner", "aloe.embedding"])
def test_no_service_tells_a_password_that_is_wrong(module: str):
    variable = {
        "aloe.learner": "ALOE_LEARNER_REDIS_URL",
        "aloe.embedding": "ALOE_EMBEDDING_CACHE_REDIS_URL",
    }[module]
    done = subprocess.run(
        [sys.executable, "-m", module, "--address", "127.0.0.1:0"],
        env={**os.environ, variable: "redis://user:12/zebra#yak@127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "redis://HOST:PORT" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    check_hidden(done.stdout + done.stderr)
