"""The service put together: encoders in, a gRPC servicer out."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from aloe.embedding.admission import Admission
from aloe.embedding.audio import AudioDecoder
from aloe.embedding.batcher import Batcher
from aloe.embedding.catalog import Catalog, LazyEmbedder
from aloe.embedding.decoding import DecodePool
from aloe.embedding.dedupe import DedupingBatcher
from aloe.embedding.embedder import Embedder
from aloe.embedding.encoder import Encoder, LazyEncoder
from aloe.embedding.errors import ConfigurationError, EncoderNotLoaded
from aloe.embedding.limits import ServiceLimits
from aloe.embedding.recorder import BatchReport, NoRecorder, Recorder
from aloe.embedding.servicer import EmbeddingServicer
from aloe.embedding.shared_cache import SharedCache, SharedRuns
from aloe.serving.server import Service
from aloe.v1 import embedding_service_pb2, embedding_service_pb2_grpc

_log = logging.getLogger(__name__)


class EmbeddingService:
    """Everything between the encoders and gRPC. Made and used on one event loop."""

    def __init__(
        self,
        encoders: Sequence[Encoder | LazyEncoder],
        limits: ServiceLimits,
        *,
        recorder: Recorder | None = None,
        shared_cache: SharedCache | None = None,
    ) -> None:
        """Take at least one encoder; the first is the default."""
        self._loaded = [encoder for encoder in encoders if not isinstance(encoder, LazyEncoder)]
        self._limits = limits
        self._recorder = recorder or NoRecorder()
        self._shared_cache = shared_cache
        self._admission = Admission(
            max_clip_count=limits.max_clip_count, max_byte_count=limits.max_byte_count
        )
        self._batcher = Batcher(
            limits.batch, on_batch=self._record, thread_count=limits.concurrent_batch_count
        )
        self._deduping = self._make_deduping()
        self._decode_threads = ThreadPoolExecutor(limits.decode_thread_count, "decode")
        # One at a time: what TensorFlow does while it loads is not for several threads.
        self._load_thread = ThreadPoolExecutor(1, "load")
        self._loading_count = 0
        catalog = Catalog(
            [
                self._lazy_embedder(encoder)
                if isinstance(encoder, LazyEncoder)
                else self._embedder(encoder)
                for encoder in encoders
            ]
        )
        self.grpc = Service(
            embedding_service_pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name,
            EmbeddingServicer(catalog, self._admission),
            embedding_service_pb2_grpc.add_EmbeddingServiceServicer_to_server,
        )

    @property
    def is_loading(self) -> bool:
        """Whether an encoder is being loaded, on a thread that nothing can stop."""
        return self._loading_count > 0

    def queue_depths(self) -> Mapping[str, int]:
        """Return how many clips wait, by encoder. From any thread."""
        idle = {encoder.info.encoder_id: 0 for encoder in self._loaded}
        return {**idle, **self._batcher.queue_depths()}

    async def warm_up(self) -> None:
        """Run every loaded encoder once at every batch size: the first run of a shape is slow."""
        for encoder in self._loaded:
            await asyncio.to_thread(self._run_every_size, encoder)

    def stop_streams(self) -> None:
        """Let streams end with what they have taken in: they could go on for ever."""
        self._admission.close()

    async def close(self) -> None:
        """Drop what waits and end the threads."""
        await self._batcher.close()
        self._decode_threads.shutdown(cancel_futures=True)
        self._load_thread.shutdown(wait=False, cancel_futures=True)
        if self._shared_cache:
            await self._shared_cache.close()

    def _make_deduping(self) -> DedupingBatcher | None:
        cache = self._shared_cache
        if not (self._limits.cache_byte_count or cache):
            return None
        return DedupingBatcher(
            self._batcher,
            max_byte_count=self._limits.cache_byte_count,
            recorder=self._recorder,
            shared=SharedRuns(self._batcher, cache, self._recorder) if cache else None,
        )

    def _embedder(self, encoder: Encoder) -> Embedder:
        info = encoder.info
        decoder = AudioDecoder(info.sample_rate_hz, info.max_clip_s, self._limits.int16_divisor)
        return Embedder(
            encoder,
            decode_pool=DecodePool(decoder, self._decode_threads),
            batcher=self._deduping or self._batcher,
            admission=self._admission,
            recorder=self._recorder,
        )

    def _lazy_embedder(self, lazy: LazyEncoder) -> LazyEmbedder:
        async def make() -> Embedder:
            loop = asyncio.get_running_loop()
            self._loading_count += 1
            try:
                encoder = await loop.run_in_executor(self._load_thread, self._load, lazy)
            except ConfigurationError as error:
                raise EncoderNotLoaded(
                    f"encoder {lazy.encoder_id} cannot be loaded: {error}"
                ) from error
            finally:
                self._loading_count -= 1
            self._loaded.append(encoder)
            return self._embedder(encoder)

        return LazyEmbedder(lazy.encoder_id, lazy.max_clip_s, make)

    def _load(self, lazy: LazyEncoder) -> Encoder:
        started = time.monotonic()
        _log.info("loading %s, which is asked for the first time", lazy.encoder_id)
        encoder = lazy.load()
        self._run_every_size(encoder)
        _log.info("loaded %s after %.1f s", encoder.info, time.monotonic() - started)
        return encoder

    def _run_every_size(self, encoder: Encoder) -> None:
        info = encoder.info
        length = info.length_policy.canonical_length(info.sample_rate_hz)
        for size in self._limits.batch.sizes:
            encoder.embed(np.zeros((size, length), dtype=np.float32))

    def _record(self, report: BatchReport) -> None:
        duration_s = report.duration_s / self._limits.concurrent_batch_count
        self._admission.record(report.clip_count, duration_s)
        self._recorder.batch(report)
