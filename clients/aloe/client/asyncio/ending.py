"""How a call of grpc.aio ended, in the server's words if it said any.

While grpc.aio sends a stream of requests it has two sources for the status of a call: what the
server says, and "Internal error from Core" where a request could not be sent, which is so whenever
the server has ended the stream. The later one overwrites the other, whichever that is. And where
the end of the requests cannot be sent, grpc.aio cancels the call as if its caller had done so.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import grpc

T = TypeVar("T")

_SEND_FAILED = "Internal error from Core"
_LAST_WORD_S = 0.5
"""The status that explains a failure to send comes in the same moment, if the loop is not busy."""


class Ending:
    """Takes note of every status that a call gets."""

    def __init__(self, call: Any) -> None:
        """Take a call that has just begun."""
        self._status: grpc.aio.AioRpcError | None = None
        self._is_known = asyncio.Event()
        # Called once for each status, although its name does not say so.
        call.add_done_callback(self._note)

    async def status(self, raised: grpc.RpcError) -> grpc.RpcError:
        """Return the status that came over the wire; what was raised, if there is none."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_known.wait(), _LAST_WORD_S)
        return self._status or raised

    def _note(self, call: Any) -> None:
        code, details = _at_once(call.code()), _at_once(call.details())
        if details != _SEND_FAILED:
            metadata = _at_once(call.trailing_metadata())
            self._status = grpc.aio.AioRpcError(code, None, metadata, details)
            self._is_known.set()


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
