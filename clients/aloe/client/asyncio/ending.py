"""How a call of grpc.aio ended, in the server's words if it said any.

While grpc.aio sends a stream of requests it has two sources for the status of a call: what the
server says, and "Internal error from Core" where a request could not be sent, which is so whenever
the server has ended the stream. The later one overwrites the other, whichever that is. And where
the end of the requests cannot be sent, grpc.aio cancels the call as if its caller had done so.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

T = TypeVar("T")

_SEND_FAILED = "Internal error from Core"
_LAST_WORD_S = 0.5
"""What the server said comes in the same moment as a failure to send, unless the loop is busy."""
_LOOK_AGAIN_S = 0.002


class Ending:
    """Takes note of the status that a call got from the server, whatever overwrites it."""

    def __init__(self, call: Any) -> None:
        """Take a call that has just begun."""
        self._call = call
        self._status: grpc.aio.AioRpcError | None = None
        # Told of the first status only.
        call.add_done_callback(self._note)

    async def status(self, raised: grpc.RpcError) -> grpc.RpcError:
        """Return the status that came over the wire; what was raised, if there is none."""
        error: Any = raised
        if error.details() != _SEND_FAILED:
            return raised
        until_s = time.monotonic() + _LAST_WORD_S
        while self._status is None and time.monotonic() < until_s:
            await asyncio.sleep(_LOOK_AGAIN_S)
            self._note(self._call)
        return self._status or raised

    def _note(self, call: Any) -> None:
        details = _at_once(call.details())
        if details != _SEND_FAILED:
            metadata = _at_once(call.trailing_metadata())
            self._status = grpc.aio.AioRpcError(_at_once(call.code()), None, metadata, details)


def _at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for, before another status comes."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("a call that is done has its status")


def is_cancelled_by_caller() -> bool:
    """Whether the current task was cancelled, rather than the call that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
