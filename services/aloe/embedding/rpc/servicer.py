"""The RPCs: read the message, call the use case, write the answer."""

import math
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from aloe.embedding.rpc import messages
from aloe.embedding.rpc.gates import make_gates
from aloe.embedding.usecases.bulk import BulkStream, NumberedAudio
from aloe.embedding.usecases.catalog import LazyEmbedder
from aloe.embedding.usecases.service import EmbeddingService
from aloe.serving.idle import IdleBound
from aloe.serving.server import Service
from aloe.v1 import embedding_service_pb2 as pb2
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc


def rpc_service(service: EmbeddingService) -> Service:
    """Put the service behind gRPC."""
    return Service(
        pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name,
        EmbeddingServicer(service),
        pb2_grpc.add_EmbeddingServiceServicer_to_server,
        make_gates(service.limits.max_clip_count, service.limits.max_stream_count),
        remedy="several embedding services, such as one for each learner, share the load",
    )


class EmbeddingServicer(pb2_grpc.EmbeddingServiceServicer):
    """EmbeddingService on a catalog of encoders; statuses are made of its exceptions elsewhere."""

    def __init__(self, service: EmbeddingService) -> None:
        self._service, self._catalog = service, service.catalog

    async def GetEncoder(
        self, request: pb2.GetEncoderRequest, context: Any
    ) -> pb2.GetEncoderResponse:
        embedder = await self._catalog.find(request.encoder_id)
        return pb2.GetEncoderResponse(encoder=messages.encoder(embedder.info))

    async def ListEncoders(
        self, request: pb2.ListEncodersRequest, context: Any
    ) -> pb2.ListEncodersResponse:
        return pb2.ListEncodersResponse(
            encoders=[
                messages.unloaded_encoder(embedder)
                if isinstance(embedder, LazyEmbedder)
                else messages.encoder(embedder.info)
                for embedder in self._catalog.all()
            ]
        )

    async def Embed(self, request: pb2.EmbedRequest, context: Any) -> pb2.EmbedResponse:
        embedder = await self._catalog.find(request.encoder_id, request.fingerprint)
        done = await embedder.embed(messages.audios(request.clips), deadline=_deadline(context))
        context.set_trailing_metadata((("server-timing", messages.server_timing(done)),))
        return messages.embed_response(done.clips, embedder.info)

    async def EmbedStream(
        self, request_iterator: AsyncIterator[pb2.EmbedStreamRequest], context: Any
    ) -> AsyncIterator[pb2.EmbedStreamResponse]:
        idle = IdleBound(context, self._service.limits.stream_idle_s)
        work = _StreamWork()
        with idle.watch(lambda: work.is_under_way):
            first = await anext(aiter(request_iterator), None)
            if first is None:
                return
            work.is_preparing = True
            embedder = await self._catalog.find(first.encoder_id, first.fingerprint)
            work.stream = stream = self._service.stream(embedder, _deadline(context))
            async for results in stream.run(_messages(first, request_iterator, idle)):
                idle.moved()
                yield messages.stream_response(results)
                idle.moved()


@dataclass(slots=True)
class _StreamWork:
    """What is done for a stream."""

    stream: BulkStream | None = None
    is_preparing: bool = False
    """Before there is a stream: the encoder may have to be loaded."""

    @property
    def is_under_way(self) -> bool:
        return self.stream.is_working if self.stream else self.is_preparing


async def _messages(
    first: pb2.EmbedStreamRequest,
    others: AsyncIterator[pb2.EmbedStreamRequest],
    idle: IdleBound,
) -> AsyncIterator[Sequence[NumberedAudio]]:
    yield messages.numbered_audios(first)
    async for message in others:
        idle.moved()
        yield messages.numbered_audios(message)


def _deadline(context: Any) -> float:
    """Return the call's deadline on the batcher's clock."""
    remaining_s = context.time_remaining()
    return math.inf if remaining_s is None else time.monotonic() + remaining_s
