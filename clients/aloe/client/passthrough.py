"""Embedding of audio as it came over the wire, for servers that pass it on without reading it.

Not part of the public interface of this library: the learner service uses it.
"""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import timedelta

from aloe.client.asyncio.embed_stream import embed_batches
from aloe.client.asyncio.embedding import AsyncEmbeddingClient
from aloe.client.calls.translate import error_of_status
from aloe.client.operations import encoders
from aloe.client.types import Embeddings
from aloe.v1 import audio_pb2, embedding_service_pb2

__all__ = ["embed", "embed_stream", "error_of_status"]


async def embed(
    client: AsyncEmbeddingClient,
    clips: Sequence[audio_pb2.Audio],
    *,
    encoder_id: str = "",
    fingerprint: str = "",
    timeout: timedelta | None = None,
) -> Embeddings:
    """Do what AsyncEmbeddingClient.embed does; violations name "clips[i]...", as there."""
    operation = encoders.embed(clips, encoder_id=encoder_id, fingerprint=fingerprint)
    return await client.runner.run(operation, timeout)


def embed_stream(
    client: AsyncEmbeddingClient,
    batches: AsyncIterable[Sequence[embedding_service_pb2.StreamedClip]],
    *,
    encoder_id: str = "",
    fingerprint: str = "",
    timeout: timedelta | None = None,
) -> AsyncIterator[list[embedding_service_pb2.StreamedEmbedding]]:
    """Embed any number of clips; yield results as they are ready, in any order.

    Audio and the errors of single clips pass through untouched. While the window is full (512
    clips or 16 MB without a result) no batch is taken. Where the stream breaks, the clips without
    a result are sent again; what `batches` raises is raised here.

    Args:
        client: of the embedding service.
        batches: some clips each, about 2 MB, their sequence numbers unique in the whole.
        encoder_id: empty for the server's default.
        fingerprint: EncoderMismatch is raised where the encoder has another; empty takes any.
        timeout: how long the server may be away before Unavailable is raised.
    """
    return embed_batches(
        client.runner, batches, encoder_id=encoder_id, fingerprint=fingerprint, timeout=timeout
    )
