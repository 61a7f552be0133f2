"""The RPCs: read the message, call the use case, write the answer."""

import math
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aloe.admission.budget import Budget
from aloe.embedding.rpc import messages
from aloe.embedding.rpc.gates import make_gates
from aloe.embedding.usecases.bulk import BulkStream, NumberedAudio
from aloe.embedding.usecases.catalog import Catalog, LazyEmbedder
from aloe.embedding.usecases.service import EmbeddingService
from aloe.serving.server import Service
from aloe.v1 import embedding_service_pb2 as pb2
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc


def rpc_service(service: EmbeddingService) -> Service:
    """Put the service behind gRPC."""
    return Service(
        pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name,
        EmbeddingServicer(service.catalog, service.budget),
        pb2_grpc.add_EmbeddingServiceServicer_to_server,
        make_gates(service.max_clip_count),
    )


class EmbeddingServicer(pb2_grpc.EmbeddingServiceServicer):
    """EmbeddingService on a catalog of encoders; statuses are made of its exceptions elsewhere."""

    def __init__(self, catalog: Catalog, budget: Budget) -> None:
        self._catalog = catalog
        self._budget = budget

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
        first = await anext(aiter(request_iterator), None)
        if first is None:
            return
        embedder = await self._catalog.find(first.encoder_id, first.fingerprint)
        stream = BulkStream(embedder, self._budget, deadline=_deadline(context))
        async for results in stream.run(_messages(first, request_iterator)):
            yield messages.stream_response(results)


async def _messages(
    first: pb2.EmbedStreamRequest, others: AsyncIterator[pb2.EmbedStreamRequest]
) -> AsyncIterator[Sequence[NumberedAudio]]:
    yield messages.numbered_audios(first)
    async for message in others:
        yield messages.numbered_audios(message)


def _deadline(context: Any) -> float:
    """Return the call's deadline on the batcher's clock."""
    remaining_s = context.time_remaining()
    return math.inf if remaining_s is None else time.monotonic() + remaining_s
