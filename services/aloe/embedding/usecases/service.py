"""The service put together, from its encoders to the catalog that callers ask."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from aloe.admission.budget import Bound, Budget
from aloe.audio.isolation import Bounds, IsolatedDecoder
from aloe.embedding.audio.decode_pool import DecodePool
from aloe.embedding.audio.decoder import AudioDecoder
from aloe.embedding.batching.batcher import Batcher
from aloe.embedding.batching.dedupe import DedupingBatcher
from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.batching.shared_runs import SharedRuns
from aloe.embedding.domain.errors import ConfigurationError, EncoderNotLoaded
from aloe.embedding.ports.encoder import Encoder, LazyEncoder
from aloe.embedding.ports.recorder import BatchReport, NoRecorder, Recorder
from aloe.embedding.ports.shared_cache import SharedCache
from aloe.embedding.usecases.catalog import Catalog, LazyEmbedder
from aloe.embedding.usecases.embedder import Embedder

_REMEDY = "send several calls, or use EmbedStream"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """How much the service takes on."""

    max_clip_count: int = 1024
    """Clips taken in at once."""
    max_byte_count: int = 512 * 1024 * 1024
    """Memory that they take."""
    cache_byte_count: int = 64 * 1024 * 1024
    """Embeddings remembered; 0 for none."""
    decode_thread_count: int = 2
    """Each with a process of its own for what needs a decoder."""
    decode_bounds: Bounds = field(default_factory=Bounds)
    """What one recording may cost there."""
    int16_divisor: float = 32_768.0
    batch: BatchLimits = field(default_factory=BatchLimits)
    concurrent_batch_count: int = 1


class EmbeddingService:
    """The catalog of encoders, and what all encoders share. Made and used on one event loop."""

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
        self.budget = Budget(
            {
                "clips": Bound(limits.max_clip_count, remedy=_REMEDY),
                "bytes": Bound(limits.max_byte_count, remedy=_REMEDY),
            },
            paced_by="clips",
        )
        self._batcher = Batcher(
            limits.batch, on_batch=self._record, thread_count=limits.concurrent_batch_count
        )
        self._deduping = self._make_deduping()
        self._decode_threads = ThreadPoolExecutor(limits.decode_thread_count, "decode")
        self._files = IsolatedDecoder(limits.decode_thread_count, limits.decode_bounds)
        # One thread: TensorFlow is not made for several that load at the same time.
        self._load_thread = ThreadPoolExecutor(1, "load")
        self.catalog = Catalog(
            [
                self._lazy_embedder(encoder)
                if isinstance(encoder, LazyEncoder)
                else self._embedder(encoder)
                for encoder in encoders
            ]
        )

    @property
    def max_clip_count(self) -> int:
        """Clips taken in at once."""
        return self._limits.max_clip_count

    def queue_depths(self) -> Mapping[str, int]:
        """Return how many clips wait, by encoder. From any thread."""
        idle = {encoder.info.encoder_id: 0 for encoder in self._loaded}
        return {**idle, **self._batcher.queue_depths()}

    async def warm_up(self) -> None:
        """Start the decoders, and run every loaded encoder once at every batch size.

        The first run of a shape is slow.

        Raises:
            NoDecoder: a decoder cannot be started.
        """
        await asyncio.to_thread(self._files.start)
        for encoder in self._loaded:
            await asyncio.to_thread(self._run_every_size, encoder)

    def stop_streams(self) -> None:
        """Let streams answer what they have taken in and end; else they could go on for ever."""
        self.budget.close()

    async def close(self) -> None:
        """Drop the clips that wait and end the threads."""
        await self._batcher.close()
        self._files.close()
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
        decoder = AudioDecoder(
            info.sample_rate_hz, info.max_clip_s, self._files, self._limits.int16_divisor
        )
        return Embedder(
            encoder,
            decode_pool=DecodePool(decoder, self._decode_threads),
            batcher=self._deduping or self._batcher,
            budget=self.budget,
            recorder=self._recorder,
        )

    def _lazy_embedder(self, lazy: LazyEncoder) -> LazyEmbedder:
        async def make() -> Embedder:
            loop = asyncio.get_running_loop()
            try:
                encoder = await loop.run_in_executor(self._load_thread, self._load, lazy)
            except ConfigurationError as error:
                raise EncoderNotLoaded(
                    f"encoder {lazy.encoder_id} cannot be loaded: {error}"
                ) from error
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
        self.budget.pace.record(report.clip_count, duration_s)
        self._recorder.batch(report)
