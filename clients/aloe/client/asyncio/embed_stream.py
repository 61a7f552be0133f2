"""EmbedStream in an event loop: sends and reads at once, and starts again where it breaks."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import grpc

from aloe.client.asyncio.ending import Ending
from aloe.client.asyncio.runner import AsyncRunner
from aloe.client.calls.endpoint import StreamBroken
from aloe.client.operations.embed_window import EmbedWindow
from aloe.v1 import embedding_service_pb2 as pb


async def embed_batches(
    runner: AsyncRunner,
    batches: AsyncIterable[Sequence[pb.StreamedClip]],
    *,
    encoder_id: str,
    fingerprint: str,
    timeout: timedelta | None,
) -> AsyncIterator[list[pb.StreamedEmbedding]]:
    """Embed clips as they came over the wire; yield results as they are ready, in any order.

    Audio and the errors of single clips are left untouched. While the window is full (512 clips or
    16 MB without a result) no batch is taken. Where the stream breaks, the clips without a result
    are sent again; what `batches` raises is raised here.

    Args:
        runner: of a client of the embedding service.
        batches: some clips each, about 2 MB, their sequence numbers unique in the whole.
        encoder_id: empty for the server's default.
        fingerprint: EncoderMismatch is raised where the encoder has another; empty takes any.
        timeout: how long the server may be away before Unavailable is raised.
    """
    feed = _Feed(batches, EmbedWindow(encoder_id, fingerprint))
    schedule = runner.endpoint.outage_schedule(timeout)
    try:
        while await feed.has_clips():
            call = runner.start("EmbedStream", feed.reopened(), timeout_s=None)
            try:
                async for results in _results(call, feed, runner):
                    schedule.progressed()
                    yield results
            except StreamBroken as broken:
                delay_s = schedule.delay_s(broken.error)
            else:
                return
            finally:
                call.cancel()
            await asyncio.sleep(delay_s)
    finally:
        feed.cancel()


async def _results(
    call: Any, feed: "_Feed", runner: AsyncRunner
) -> AsyncIterator[list[pb.StreamedEmbedding]]:
    ending = Ending(call)
    read: asyncio.Task[Any] | None = None
    try:
        while True:
            read = read or asyncio.create_task(call.read())
            await asyncio.wait({read, *feed.pulls()}, return_when=asyncio.FIRST_COMPLETED)
            feed.send_pulled()
            if read.done():
                response = await _response_of(read, ending, runner)
                read = None
                if response is not grpc.aio.EOF:
                    yield feed.window.settle(response)
                elif feed.is_done:
                    return
                else:
                    raise StreamBroken(runner.endpoint.ended_early("EmbedStream"))
    finally:
        if read is not None:
            _drop(read)


async def _response_of(read: "asyncio.Task[Any]", ending: Ending, runner: AsyncRunner) -> Any:
    """Return what was read, EOF at the end.

    Raises:
        StreamBroken: the call failed.
    """
    try:
        return read.result()
    except (grpc.RpcError, asyncio.CancelledError) as raised:
        raise StreamBroken(await runner.failure("EmbedStream", raised, ending)) from raised


class _Feed:
    """Sends what the window takes.

    A batch that is being waited for when a stream breaks goes into the next stream.
    """

    def __init__(
        self, batches: AsyncIterable[Sequence[pb.StreamedClip]], window: EmbedWindow
    ) -> None:
        self.window = window
        self._batches = aiter(batches)
        self._pull: asyncio.Task[Sequence[pb.StreamedClip] | None] | None = None
        self._requests: asyncio.Queue[pb.EmbedStreamRequest | None] = asyncio.Queue()
        self._is_ended = False

    @property
    def is_done(self) -> bool:
        """Whether every clip there is has its result."""
        return self._is_ended and self.window.is_empty

    async def has_clips(self) -> bool:
        """Wait for clips to send; return whether there are any."""
        while self.window.is_empty and not self._is_ended:
            await asyncio.wait(self.pulls())
            self.send_pulled()
        return not self.window.is_empty

    def pulls(self) -> "list[asyncio.Task[Sequence[pb.StreamedClip] | None]]":
        """Return the wait for the next batch, if the window takes one."""
        if self._is_ended or not self.window.is_open:
            return []
        if self._pull is None:
            self._pull = asyncio.create_task(self._next_batch())
        return [self._pull]

    def send_pulled(self) -> None:
        """Send the batch that was waited for, if it is there."""
        if self._pull is None or not self._pull.done():
            return
        pull, self._pull = self._pull, None
        batch = pull.result()
        self._is_ended = batch is None
        self._requests.put_nowait(None if batch is None else self.window.admit(batch))

    def reopened(self) -> AsyncIterator[pb.EmbedStreamRequest]:
        """Begin a new stream of requests with those that have no answer."""
        self._requests = asyncio.Queue()
        for request in self.window.resend():
            self._requests.put_nowait(request)
        if self._is_ended:
            self._requests.put_nowait(None)
        return self._drain(self._requests)

    def cancel(self) -> None:
        if self._pull is not None:
            _drop(self._pull)

    async def _next_batch(self) -> Sequence[pb.StreamedClip] | None:
        return await anext(self._batches, None)

    @staticmethod
    async def _drain(
        requests: "asyncio.Queue[pb.EmbedStreamRequest | None]",
    ) -> AsyncIterator[pb.EmbedStreamRequest]:
        while (request := await requests.get()) is not None:
            yield request


def _drop(task: "asyncio.Task[Any]") -> None:
    if not task.cancel() and not task.cancelled():
        task.exception()  # asyncio logs an exception that nobody has asked for
