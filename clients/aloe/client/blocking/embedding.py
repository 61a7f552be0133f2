"""The blocking client of the embedding service."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from queue import SimpleQueue
from typing import Any, Self

import grpc

from aloe.client import types
from aloe.client.blocking.runner import SyncRunner
from aloe.client.calls.endpoint import StreamBroken
from aloe.client.operations import encoders
from aloe.client.operations.chunks import group
from aloe.client.operations.embed_window import MESSAGE_CLIP_COUNT, EmbedWindow
from aloe.client.operations.keyed_clips import KeyedClips
from aloe.v1 import embedding_service_pb2 as pb
from aloe.v1.embedding_service_pb2_grpc import EmbeddingServiceStub


class EmbeddingClient:
    """Calls an embedding service. Made by connect_embedding(); `with` closes it.

    Sharing, errors and repeats are as with LearnerClient.
    """

    def __init__(self, target: str, options: types.ConnectOptions) -> None:
        self._runner = SyncRunner(EmbeddingServiceStub, target, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that run fail."""
        self._runner.close()

    def get_encoder(
        self, encoder_id: str = "", *, timeout: timedelta | None = None
    ) -> types.Encoder:
        """Describe an encoder, the server's default one if none is named."""
        return self._runner.run(encoders.get_encoder(encoder_id), timeout)

    def list_encoders(self, *, timeout: timedelta | None = None) -> tuple[types.Encoder, ...]:
        """Describe every encoder of the server, the default one first."""
        return self._runner.run(encoders.list_encoders(), timeout)

    def embed(
        self,
        clips: Sequence[types.Audio],
        *,
        encoder_id: str = "",
        fingerprint: str = "",
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.Embeddings:
        """Embed clips, any number of them, all or none. In embed_stream each fails alone.

        Args:
            clips: the recordings, read as they are sent.
            encoder_id: empty for the server's default.
            fingerprint: EncoderMismatch is raised where the encoder has another; empty takes any.
            on_progress: told, now and then, how many clips are done so far.
            timeout: of each call of up to 64 clips.
        """
        running = encoders.EmbedRun(
            clips,
            encoder_id=encoder_id,
            fingerprint=fingerprint,
            max_clip_bytes=self._runner.endpoint.max_clip_bytes,
            on_progress=on_progress,
        )
        for part in self._runner.run_divided(running.operations(), timeout):
            running.add(part)
        return running.finish()

    def embed_stream(
        self,
        clips: Iterable[tuple[str, types.Audio]],
        *,
        encoder_id: str = "",
        fingerprint: str = "",
        timeout: timedelta | None = None,
    ) -> Iterator[types.EmbeddedClip]:
        """Embed any number of clips; yield results as they are ready, in any order.

        A clip that fails has a result that says so and stops nothing. Clips are read as the
        window of some hundred that are under way allows.

        Args:
            clips: a key of your own and the recording, each.
            encoder_id: empty for the server's default.
            fingerprint: EncoderMismatch is raised where the encoder has another; empty takes any.
            timeout: how long the server may be away before Unavailable is raised.
        """
        keyed = KeyedClips(self._runner.endpoint.max_clip_bytes)
        batches = group(keyed.encode(clips), max_count=MESSAGE_CLIP_COUNT)
        window = EmbedWindow(encoder_id, fingerprint)
        for result in self._results(batches, window, timeout):
            yield from keyed.take_unread()
            yield keyed.parse(result)
        yield from keyed.take_unread()

    def _results(
        self,
        batches: Iterator[list[pb.StreamedClip]],
        window: EmbedWindow,
        timeout: timedelta | None,
    ) -> Iterator[pb.StreamedEmbedding]:
        schedule = self._runner.endpoint.outage_schedule(timeout)
        feed = _Feed(batches, window)
        while feed.fill():
            call = self._runner.start("EmbedStream", feed.reopened(), timeout_s=None)
            try:
                while (response := self._next_response(call, feed)) is not None:
                    schedule.progressed()
                    yield from window.settle(response)
                    feed.fill()
            except StreamBroken as broken:
                delay_s = schedule.delay_s(broken.error)
            else:
                return
            finally:
                feed.end_stream()
                call.cancel()
            time.sleep(delay_s)

    def _next_response(self, call: Any, feed: "_Feed") -> pb.EmbedStreamResponse | None:
        endpoint = self._runner.endpoint
        try:
            response: pb.EmbedStreamResponse | None = next(call, None)
        except grpc.RpcError as error:
            raise StreamBroken(endpoint.translate(error, "EmbedStream")) from error
        if response is None and not feed.is_done:
            raise StreamBroken(endpoint.ended_early("EmbedStream"))
        return response


class _Feed:
    """Sends what the window takes."""

    def __init__(self, batches: Iterator[list[pb.StreamedClip]], window: EmbedWindow) -> None:
        self._batches = batches
        self._window = window
        self._requests: SimpleQueue[pb.EmbedStreamRequest | None] = SimpleQueue()
        self._is_ended = False

    @property
    def is_done(self) -> bool:
        """Whether every clip there is has its result."""
        return self._is_ended and self._window.is_empty

    def fill(self) -> bool:
        """Take and send clips until the window is full; return whether results are to come."""
        while self._window.is_open and not self._is_ended:
            batch = next(self._batches, None)
            self._is_ended = batch is None
            self._requests.put(None if batch is None else self._window.admit(batch))
        return not self._window.is_empty

    def reopened(self) -> Iterator[pb.EmbedStreamRequest]:
        """Begin a new stream of requests with those that have no answer."""
        self._requests = SimpleQueue()
        for request in self._window.resend():
            self._requests.put(request)
        if self._is_ended:
            self.end_stream()
        return iter(self._requests.get, None)

    def end_stream(self) -> None:
        self._requests.put(None)
