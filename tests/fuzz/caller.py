"""Makes calls of bytes, many at a time, and says what became of each."""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tests.fuzz.calls import EMBEDDING, Call

IN_FLIGHT = 48
_CHANNELS = 4
_REFUSED_KEPT = 400
_ENDLESS = {"WatchTask", "Watch"}
_MESSAGE_BYTES = 100 << 20
_ENDED_EARLY = "Internal error from Core"
"""What grpc.aio says itself, as INTERNAL, where a call ended while its caller still sent."""
# What gRPC itself says, without details: of messages that are too large, and of calls that end.
_NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
_WITHOUT_REASON = {
    grpc.StatusCode.OK,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call."""

    code: grpc.StatusCode
    reason: str = ""
    message: str = ""


@dataclass(slots=True)
class Tally:
    """What became of all calls."""

    codes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Calls that were answered as none should be."""
    stuck_count: int = 0
    """Calls that had no answer by a deadline of many seconds."""
    without_reason_count: int = 0
    unavailable_count: int = 0

    def add(self, call: Call, outcome: Outcome) -> None:
        """Count a call."""
        self.codes[outcome.code.name] += 1
        self.kinds[call.kind] += 1
        said = f"{call.kind} {call.method.name}: {outcome.code.name} {outcome.message[:200]}"
        if outcome.code in _NEVER:
            self.wrong.append(said)
        elif outcome.code is grpc.StatusCode.UNAVAILABLE:
            self.unavailable_count += 1
            self.wrong.append(said)
        elif outcome.code is grpc.StatusCode.DEADLINE_EXCEEDED and call.timeout_s > 1:
            self.stuck_count += 1
            self.wrong.append(said)
        elif (
            not outcome.reason
            and outcome.code not in _WITHOUT_REASON
            and call.method.full_name.startswith("aloe.")
        ):
            self.without_reason_count += 1
            self.wrong.append(said)


class Caller:
    """Calls both services; an async context."""

    def __init__(self, learner_address: str, embedding_address: str) -> None:
        self._learner_address, self._embedding_address = learner_address, embedding_address
        self._channels: dict[str, list[grpc.aio.Channel]] = {}
        self._turns = itertools.count()

    async def __aenter__(self) -> Self:
        options = [
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        for address in (self._learner_address, self._embedding_address):
            self._channels[address] = [
                grpc.aio.insecure_channel(address, options) for _ in range(_CHANNELS)
            ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for channels in self._channels.values():
            for channel in channels:
                await channel.close()

    async def make_all(self, calls: Iterable[Call], tally: Tally) -> list[Call]:
        """Make calls, IN_FLIGHT at a time; return the last that were refused for what they say."""
        refused: deque[Call] = deque(maxlen=_REFUSED_KEPT)
        waiting = iter(calls)

        async def work() -> None:
            for call in waiting:
                outcome = await self.make(call)
                tally.add(call, outcome)
                # Of a stream, what came before may have been taken.
                if outcome.code is grpc.StatusCode.INVALID_ARGUMENT and len(call.messages) == 1:
                    refused.append(call)

        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(work())
        return [call for call in refused if call.kind != "huge"]

    async def make(self, call: Call) -> Outcome:
        """Make a call and read its answers, the first ones of an endless stream."""
        method = call.method
        sent = _stream(call.messages) if method.client_streaming else call.messages[0]
        answer = self._method(call)(sent, timeout=call.timeout_s)
        if call.cancel_after_s is not None:
            asyncio.get_running_loop().call_later(call.cancel_after_s, answer.cancel)
        try:
            if method.server_streaming:
                async for _ in answer:
                    if method.name in _ENDLESS:
                        answer.cancel()
            else:
                await answer
        except grpc.aio.AioRpcError as error:
            if error.details() == _ENDED_EARLY:
                return Outcome(grpc.StatusCode.CANCELLED)
            return Outcome(error.code(), _reason(error), error.details() or "")
        except asyncio.CancelledError:
            if not answer.cancelled():
                raise
            return Outcome(grpc.StatusCode.CANCELLED)
        return Outcome(grpc.StatusCode.OK)

    def _method(self, call: Call) -> Any:
        method = call.method
        # Health and reflection are asked of both in turn.
        is_embedding = method.containing_service is EMBEDDING
        turn = next(self._turns)
        if not method.full_name.startswith("aloe."):
            is_embedding = turn % 2 == 0
        address = self._embedding_address if is_embedding else self._learner_address
        channel = self._channels[address][turn % _CHANNELS]
        streams = (
            "stream" if method.client_streaming else "unary",
            "stream" if method.server_streaming else "unary",
        )
        service = method.containing_service.full_name
        return getattr(channel, "_".join(streams))(f"/{service}/{method.name}")


async def _stream(messages: Sequence[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


def _reason(error: grpc.aio.AioRpcError) -> str:
    """Return the reason in a status, empty where it has none."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info):
            return str(info.reason)
    return ""
