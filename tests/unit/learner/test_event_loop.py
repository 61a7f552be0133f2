import asyncio
import socket
import subprocess
import sys

import pytest

from aloe.learner import event_loop
from aloe.learner.adapters.redis.scripts import guarded
from aloe.learner.domain.errors import StoreUnavailable


async def loop_module() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_the_learner_runs_on_uvloop():
    pytest.importorskip("uvloop", reason="uvloop is not for Windows")
    assert event_loop.run(loop_module()).startswith("uvloop")


def test_without_uvloop_it_runs_on_the_loop_of_asyncio():
    program = (
        "import asyncio, sys\n"
        "sys.modules['uvloop'] = None  # as if it were not installed\n"
        "from aloe.learner import event_loop\n"
        "async def main(): print(type(asyncio.get_running_loop()).__module__)\n"
        "event_loop.run(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("asyncio."), done.stderr


def test_what_the_coroutine_raises_reaches_the_caller():
    async def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        event_loop.run(fail())


def test_a_write_to_a_connection_that_is_lost_says_that_redis_is_away():
    pytest.importorskip("uvloop", reason="uvloop is not for Windows")

    @guarded
    async def send() -> None:
        here, there = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=here)
        there.close()
        writer.transport.abort()
        await asyncio.sleep(0)
        writer.writelines([b"PING\r\n"])

    with pytest.raises(StoreUnavailable, match="lost"):
        event_loop.run(send())
