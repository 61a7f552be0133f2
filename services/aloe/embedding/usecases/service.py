"""The service put together, from its encoders to the catalog that callers ask."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
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
from aloe.embedding.usecases.bulk import BulkStream
from aloe.embedding.usecases.catalog import Catalog, LazyEmbedder
from aloe.embedding.usecases.embedder import Embedder
from aloe.embedding.usecases.intake import Intake

_REMEDY = "send several calls, or use EmbedStream"

# What the clips between two looks take; below that there is little to give back.
_TRIMMED_BYTES = 32 * 1024 * 1024
_TRIM_EVERY_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """How much the service takes on."""

    max_clip_count: int = 1024
    """Clips taken in at once."""
    max_byte_count: int = 512 * 1024 * 1024
    """Memory that they take."""
    max_sample_count: int = 1_000_000_000
    """Samples, of all channels, that are to be decoded: half a minute or so for each thread."""
    cache_byte_count: int = 64 * 1024 * 1024
    """Embeddings remembered; 0 for none."""
    decode_thread_count: int = 2
    """Each with a process of its own for what needs a decoder."""
    decode_bounds: Bounds = field(default_factory=Bounds)
    """What one recording may cost there."""
    max_stream_count: int = 2_048
    """Streams served at once."""
    stream_idle_s: float = 300.0
    """How long a stream may stand still."""
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
        give_back: Callable[[], None] = lambda: None,
    ) -> None:
        """Take at least one encoder; the first is the default.

        `give_back` returns freed memory to the system; it is called on a thread.
        """
        self._give_back = give_back
        self._trimming: asyncio.Task[None] | None = None
        self._loaded = [encoder for encoder in encoders if not isinstance(encoder, LazyEncoder)]
        self.limits = limits
        self._recorder = recorder or NoRecorder()
        self._shared_cache = shared_cache
        self.budget = Budget(
            {
                "clips": Bound(limits.max_clip_count, remedy=_REMEDY),
                "bytes": Bound(limits.max_byte_count, remedy=_REMEDY),
                "samples": Bound(limits.max_sample_count, remedy=_REMEDY),
            },
            unit_s={"clips": 0.01, "samples": 2e-8},
        )
        self._intake = Intake(self.budget, thread_count=limits.decode_thread_count)
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

    def stream(self, embedder: Embedder, deadline: float) -> BulkStream:
        """Begin a stream of clips."""
        return BulkStream(embedder, self.budget, self._intake, deadline=deadline)

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
        self._trimming = asyncio.create_task(self._trim())

    def stop_streams(self) -> None:
        """Let streams answer what they have taken in and end; else they could go on for ever."""
        self.budget.close()

    async def close(self) -> None:
        """Drop the clips that wait and end the threads."""
        if self._trimming:
            self._trimming.cancel()
        await self._batcher.close()
        self._files.close()
        self._decode_threads.shutdown(cancel_futures=True)
        self._load_thread.shutdown(wait=False, cancel_futures=True)
        if self._shared_cache:
            await self._shared_cache.close()

    async def _trim(self) -> None:
        """Give memory back whenever nothing is left to do after much was."""
        trimmed = 0
        while True:
            await asyncio.sleep(_TRIM_EVERY_S)
            total = self._intake.byte_total
            if total - trimmed >= _TRIMMED_BYTES and not self.budget.used("clips"):
                await asyncio.to_thread(self._give_back)
                trimmed = total

    def _make_deduping(self) -> DedupingBatcher | None:
        cache = self._shared_cache
        if not (self.limits.cache_byte_count or cache):
            return None
        return DedupingBatcher(
            self._batcher,
            max_byte_count=self.limits.cache_byte_count,
            recorder=self._recorder,
            shared=SharedRuns(self._batcher, cache, self._recorder) if cache else None,
        )

    def _embedder(self, encoder: Encoder) -> Embedder:
        info = encoder.info
        decoder = AudioDecoder(
            info.sample_rate_hz, info.max_clip_s, self._files, self.limits.int16_divisor
        )
        return Embedder(
            encoder,
            decode_pool=DecodePool(decoder, self._decode_threads),
            batcher=self._deduping or self._batcher,
            budget=self.budget,
            intake=self._intake,
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
        for size in self.limits.batch.sizes:
            encoder.embed(np.zeros((size, length), dtype=np.float32))

    def _record(self, report: BatchReport) -> None:
        duration_s = report.duration_s / self.limits.concurrent_batch_count
        self.budget.record("clips", report.clip_count, duration_s)
        self._recorder.batch(report)
