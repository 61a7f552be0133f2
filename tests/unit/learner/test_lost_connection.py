import asyncio
import socket

import pytest

from aloe.learner.adapters.redis.scripts import guarded
from aloe.learner.domain.errors import StoreUnavailable
from aloe.serving.event_loop import new_event_loop


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

    with (
        asyncio.Runner(loop_factory=new_event_loop) as runner,
        pytest.raises(StoreUnavailable, match="lost"),
    ):
        runner.run(send())
