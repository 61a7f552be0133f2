import asyncio

import grpc
import pytest

from aloe.admission.errors import Overloaded
from aloe.serving.receiving import Receiving
from aloe.wire.errors import MalformedValue


class Caller:
    """Sends its request when told to: what a call's context is to those who read it."""

    def __init__(self) -> None:
        self.sent: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def read(self) -> object:
        return await self.sent


def receive(receiving: Receiving, caller: Caller) -> asyncio.Task[bytes]:
    return asyncio.create_task(receiving.receive(caller))


async def test_requests_that_come_are_received():
    receiving, caller = Receiving(), Caller()
    receiving_it = receive(receiving, caller)
    await asyncio.sleep(0)
    caller.sent.set_result(b"request")
    assert await receiving_it == b"request"
    assert not receiving._coming


async def test_a_call_without_a_request_is_at_fault():
    receiving, caller = Receiving(), Caller()
    caller.sent.set_result(grpc.aio.EOF)
    with pytest.raises(MalformedValue, match="has none"):
        await receiving.receive(caller)


async def test_of_too_many_that_stall_the_oldest_are_refused():
    receiving = Receiving(slow_count=2, quick_s=0.02)
    callers = [Caller() for _ in range(4)]
    calls = [receive(receiving, caller) for caller in callers]
    done, waiting = await asyncio.wait(calls, timeout=0.5, return_when=asyncio.ALL_COMPLETED)
    assert done == set(calls[:2])
    for call in done:
        assert isinstance(call.exception(), Overloaded)
        assert not call.cancelling()
    for caller in callers[2:]:
        caller.sent.set_result(b"late")
    assert await asyncio.gather(*waiting) == [b"late", b"late"]


async def test_what_takes_too_long_is_refused():
    receiving = Receiving(quick_s=0.02, longest_s=0.05)
    with pytest.raises(Overloaded, match=r"within 0\.05 s"):
        await asyncio.wait_for(receiving.receive(Caller()), 1)


async def test_a_caller_who_goes_is_cancelled_as_ever():
    receiving = Receiving()
    call = receive(receiving, Caller())
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    assert not receiving._coming
