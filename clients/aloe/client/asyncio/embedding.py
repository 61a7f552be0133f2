"""The asyncio client of the embedding service."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Self

from aloe.client import types
from aloe.client.asyncio.embed_stream import embed_batches
from aloe.client.asyncio.runner import AsyncRunner
from aloe.client.operations import encoders
from aloe.client.operations.chunks import group
from aloe.client.operations.embed_window import MESSAGE_CLIP_COUNT
from aloe.client.operations.keyed_clips import KeyedClips
from aloe.v1 import embedding_service_pb2 as pb
from aloe.v1.embedding_service_pb2_grpc import EmbeddingServiceStub


class AsyncEmbeddingClient:
    """EmbeddingClient for asyncio: the same methods, awaited. Made by connect_embedding_async().

    The tasks of one event loop may share a client; threads and processes may not.
    """

    def __init__(self, target: str, options: types.ConnectOptions) -> None:
        self.runner = AsyncRunner(EmbeddingServiceStub, target, options)
        """For servers that pass audio on as it came over the wire."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.runner.close()

    async def get_encoder(
        self, encoder_id: str = "", *, timeout: timedelta | None = None
    ) -> types.Encoder:
        return await self.runner.run(encoders.get_encoder(encoder_id), timeout)

    async def list_encoders(self, *, timeout: timedelta | None = None) -> tuple[types.Encoder, ...]:
        return await self.runner.run(encoders.list_encoders(), timeout)

    async def embed(
        self,
        clips: Sequence[types.Audio],
        *,
        encoder_id: str = "",
        fingerprint: str = "",
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.Embeddings:
        running = encoders.EmbedRun(
            clips,
            encoder_id=encoder_id,
            fingerprint=fingerprint,
            max_clip_bytes=self.runner.endpoint.max_clip_bytes,
            on_progress=on_progress,
        )
        async for part in self.runner.run_divided(running.operations(), timeout):
            running.add(part)
        return running.finish()

    async def embed_stream(
        self,
        clips: Iterable[tuple[str, types.Audio]] | AsyncIterable[tuple[str, types.Audio]],
        *,
        encoder_id: str = "",
        fingerprint: str = "",
        timeout: timedelta | None = None,
    ) -> AsyncIterator[types.EmbeddedClip]:
        keyed = KeyedClips(self.runner.endpoint.max_clip_bytes)
        results = embed_batches(
            self.runner,
            _batches(keyed, clips),
            encoder_id=encoder_id,
            fingerprint=fingerprint,
            timeout=timeout,
        )
        async for chunk in results:
            for unread in keyed.take_unread():
                yield unread
            for result in chunk:
                yield keyed.parse(result)
        for unread in keyed.take_unread():
            yield unread


async def _batches(
    keyed: KeyedClips,
    clips: Iterable[tuple[str, types.Audio]] | AsyncIterable[tuple[str, types.Audio]],
) -> AsyncIterator[Sequence[pb.StreamedClip]]:
    """Encode clips off the loop; those that come one by one are sent one by one."""
    if isinstance(clips, AsyncIterable):
        async for clip in clips:
            yield await asyncio.to_thread(list, keyed.encode([clip]))
        return
    chunks = group(keyed.encode(clips), max_count=MESSAGE_CLIP_COUNT)
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
