"""`python -m aloe.embedding`: builds the service from its settings and runs it."""

import asyncio
import logging
import sys
from dataclasses import replace
from functools import partial
from typing import NoReturn

from aloe.audio.isolation import Bounds, NoDecoder
from aloe.embedding.adapters.loading import EncoderSource, load_encoders
from aloe.embedding.adapters.manifest import read_manifest
from aloe.embedding.adapters.prometheus import PrometheusRecorder
from aloe.embedding.adapters.redis_cache import RedisCache
from aloe.embedding.adapters.tensorflow_runtime import place_tensorflow
from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.domain.length_policy import parse_length_policy
from aloe.embedding.domain.precision import Precision
from aloe.embedding.ports.encoder import Encoder, LazyEncoder
from aloe.embedding.rpc.servicer import rpc_service
from aloe.embedding.rpc.statuses import status_of
from aloe.embedding.settings import Settings
from aloe.embedding.usecases.service import EmbeddingService, ServiceLimits
from aloe.serving import entry
from aloe.serving.heap import give_back

# The longest that an inference thread waits for the event loop to release Python's lock.
_SWITCH_INTERVAL_S = 0.0005

_log = logging.getLogger("aloe.embedding")


def main() -> NoReturn:
    """Run until SIGINT or SIGTERM."""
    entry.run("aloe.embedding", Settings, _build, refusals=(ConfigurationError, NoDecoder))


async def _build(settings: Settings) -> entry.Lifecycle:
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    recorder = PrometheusRecorder() if settings.metrics_address else None
    redis_url = settings.cache_redis_url.get_secret_value()
    shared_cache = RedisCache(redis_url, ttl_s=settings.cache_ttl_s) if redis_url else None
    encoders, batch_count = await asyncio.to_thread(_load, settings)
    limits = replace(_limits(settings), concurrent_batch_count=batch_count)
    service = EmbeddingService(
        encoders,
        limits,
        recorder=recorder,
        shared_cache=shared_cache,
        give_back=give_back,
    )
    rpc = rpc_service(service)
    return entry.Lifecycle(
        rpc=rpc,
        status_of=status_of,
        serve_metrics=(
            partial(
                recorder.serve, settings.metrics_address, service.queue_depths, rpc.gates.values()
            )
            if recorder
            else None
        ),
        prepare=service.warm_up,
        stop_streams=service.stop_streams,
        close=service.close,
    )


def _load(settings: Settings) -> tuple[list[Encoder | LazyEncoder], int]:
    """Load the encoders; return them, and how many batches to run at once."""
    sources = _sources(settings)
    batch_count = place_tensorflow(
        settings.device,
        thread_count=settings.inference_thread_count,
        batch_count=settings.concurrent_batch_count,
        precision=settings.precision,
    )
    encoders = load_encoders(sources)
    for encoder in encoders:
        what = encoder.encoder_id if isinstance(encoder, LazyEncoder) else encoder.info
        _log.info("hosts %s", what)
    return encoders, batch_count


def _sources(settings: Settings) -> list[EncoderSource]:
    preprocessing = f"int16/{settings.int16_divisor:g}"
    if settings.precision is not Precision.FLOAT32:
        preprocessing += f" {settings.precision.value}"
    if settings.manifest:
        return read_manifest(
            settings.manifest, max_clip_s=settings.max_clip_s, preprocessing=preprocessing
        )
    policy = settings.length_policy
    source = EncoderSource(
        settings.encoder,
        max_clip_s=settings.max_clip_s,
        encoder_id=settings.encoder_id,
        length_policy=parse_length_policy(policy) if policy else None,
        preprocessing=preprocessing,
    )
    return [source]


def _limits(settings: Settings) -> ServiceLimits:
    return ServiceLimits(
        max_clip_count=settings.queue_clip_count,
        max_byte_count=settings.queue_mb * 1024 * 1024,
        max_sample_count=settings.queue_sample_count,
        max_stream_count=settings.stream_count,
        stream_idle_s=settings.stream_idle_s,
        cache_byte_count=settings.cache_mb * 1024 * 1024,
        decode_thread_count=settings.decode_thread_count,
        decode_bounds=Bounds(settings.decode_memory_mb * 1024 * 1024, settings.decode_cpu_s),
        int16_divisor=settings.int16_divisor,
        batch=(
            BatchLimits(sizes=(settings.max_batch_size,))
            if settings.deterministic
            else BatchLimits().up_to(settings.max_batch_size)
        ),
    )


if __name__ == "__main__":
    main()
