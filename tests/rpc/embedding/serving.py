"""A real embedding server on a free port, and what tests say to it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import numpy as np
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from aloe.embedding.audio.clip import EncodedAudio, PcmAudio
from aloe.embedding.ports.encoder import Encoder, LazyEncoder
from aloe.embedding.rpc.servicer import rpc_service
from aloe.embedding.rpc.statuses import status_of
from aloe.embedding.usecases.service import EmbeddingService, ServiceLimits
from aloe.serving.server import RpcServer
from aloe.v1 import audio_pb2
from aloe.v1 import embedding_service_pb2 as pb2
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc
from aloe.wire import arrays

_MESSAGE_BYTES = 64 * 1024 * 1024


@asynccontextmanager
async def serve_at(
    *encoders: Encoder | LazyEncoder, limits: ServiceLimits | None = None, **options: Any
) -> AsyncIterator[str]:
    """Serve encoders and yield the address; the options are EmbeddingService's."""
    service = EmbeddingService(encoders, limits or ServiceLimits(), **options)
    server = RpcServer([rpc_service(service)], status_of=status_of)
    address = await server.start("127.0.0.1:0")
    await server.set_serving()
    try:
        yield address
    finally:
        await server.stop(drain_s=0)
        await service.close()


@asynccontextmanager
async def serve(
    *encoders: Encoder | LazyEncoder, limits: ServiceLimits | None = None, **options: Any
) -> AsyncIterator[Any]:
    """Serve encoders and yield a stub; the options are EmbeddingService's."""
    channel_options = [
        ("grpc.max_receive_message_length", _MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ]
    async with (
        serve_at(*encoders, limits=limits, **options) as address,
        grpc.aio.insecure_channel(address, options=channel_options) as channel,
    ):
        yield pb2_grpc.EmbeddingServiceStub(channel)


def audio(content: EncodedAudio | PcmAudio | bytes) -> audio_pb2.Audio:
    """Write a clip as a message."""
    if isinstance(content, PcmAudio):
        format_name = content.sample_format.name if content.sample_format else "UNSPECIFIED"
        return audio_pb2.Audio(
            pcm=audio_pb2.Pcm(
                sample_rate_hz=content.sample_rate_hz,
                sample_format=audio_pb2.SampleFormat.Value(f"SAMPLE_FORMAT_{format_name}"),
                channel_count=content.channel_count,
                samples=content.samples,
            )
        )
    return audio_pb2.Audio(
        encoded=content.content if isinstance(content, EncodedAudio) else content
    )


def request(*contents: Any, **fields: str) -> pb2.EmbedRequest:
    return pb2.EmbedRequest(clips=[audio(content) for content in contents], **fields)


def matrix(response: pb2.EmbedResponse) -> np.ndarray:
    return arrays.decode_matrix(response.embeddings)


async def stream(
    stub: Any, messages: Iterable[Sequence[Any]], **fields: str
) -> dict[int, pb2.StreamedEmbedding]:
    """Send messages of clips, numbered from 0, and collect what comes back by number."""

    async def requests() -> AsyncIterator[pb2.EmbedStreamRequest]:
        number = 0
        for contents in messages:
            clips = []
            for content in contents:
                clips.append(pb2.StreamedClip(sequence_number=number, audio=audio(content)))
                number += 1
            yield pb2.EmbedStreamRequest(clips=clips, **fields)

    results: dict[int, pb2.StreamedEmbedding] = {}
    async for response in stub.EmbedStream(requests()):
        for result in response.results:
            assert result.sequence_number not in results
            results[result.sequence_number] = result
    return results


def details(status: Any) -> dict[str, Any]:
    """Return the google.rpc details of a status message, by their type's name."""
    found = {}
    for detail in status.details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.RetryInfo,
        ):
            message = kind()
            if detail.Unpack(message):
                found[kind.DESCRIPTOR.name] = message
    return found


def error_details(error: Any) -> dict[str, Any]:
    return details(rpc_status.from_call(error))


def violated_fields(found: dict[str, Any]) -> list[str]:
    return [violation.field for violation in found["BadRequest"].field_violations]
