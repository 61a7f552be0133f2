"""The service put together: encoders in, a gRPC servicer out."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from aloe.embedding.admission import Admission
from aloe.embedding.audio import AudioDecoder
from aloe.embedding.batcher import Batcher, BatchReport
from aloe.embedding.catalog import Catalog
from aloe.embedding.decoding import DecodePool
from aloe.embedding.dedupe import DedupingBatcher
from aloe.embedding.embedder import Embedder
from aloe.embedding.encoder import Encoder
from aloe.embedding.limits import ServiceLimits
from aloe.embedding.servicer import EmbeddingServicer
from aloe.serving.server import Service
from aloe.v1 import embedding_service_pb2, embedding_service_pb2_grpc


class EmbeddingService:
    """Everything between the encoders and gRPC. Made and used on one event loop."""

    def __init__(self, encoders: Sequence[Encoder], limits: ServiceLimits) -> None:
        """Take at least one encoder; the first is the default."""
        self._encoders = encoders
        self._limits = limits
        self._admission = Admission(
            max_clip_count=limits.max_clip_count, max_byte_count=limits.max_byte_count
        )
        self._batcher = Batcher(limits.batch, on_batch=self._record)
        self._deduping = DedupingBatcher(self._batcher, max_byte_count=limits.cache_byte_count)
        self._decode_threads = ThreadPoolExecutor(limits.decode_thread_count, "decode")
        catalog = Catalog([self._embedder(encoder) for encoder in encoders])
        self.grpc = Service(
            embedding_service_pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name,
            EmbeddingServicer(catalog, self._admission),
            embedding_service_pb2_grpc.add_EmbeddingServiceServicer_to_server,
        )

    async def warm_up(self) -> None:
        """Run every encoder once at every batch size: the first run of a shape is slow."""
        for encoder in self._encoders:
            info = encoder.info
            length = info.length_policy.canonical_length(info.sample_rate_hz)
            for size in self._limits.batch.sizes:
                batch = np.zeros((size, length), dtype=np.float32)
                await asyncio.to_thread(encoder.embed, batch)

    def stop_streams(self) -> None:
        """Let streams end with what they have taken in: they could go on for ever."""
        self._admission.close()

    async def close(self) -> None:
        """Drop what waits and end the threads."""
        await self._batcher.close()
        self._decode_threads.shutdown(cancel_futures=True)

    def _embedder(self, encoder: Encoder) -> Embedder:
        info = encoder.info
        decoder = AudioDecoder(info.sample_rate_hz, info.max_clip_s, self._limits.int16_divisor)
        return Embedder(
            encoder,
            decode_pool=DecodePool(decoder, self._decode_threads),
            batcher=self._deduping if self._limits.cache_byte_count else self._batcher,
            admission=self._admission,
        )

    def _record(self, report: BatchReport) -> None:
        self._admission.record(report.clip_count, report.duration_s)
