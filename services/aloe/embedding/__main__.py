"""`python -m aloe.embedding`: builds the service from its settings and runs it."""

import asyncio
import gc
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from aloe.embedding.adapters.loading import EncoderSource, load_encoders
from aloe.embedding.adapters.manifest import read_manifest
from aloe.embedding.adapters.prometheus import PrometheusRecorder
from aloe.embedding.adapters.redis_cache import RedisCache
from aloe.embedding.adapters.tensorflow_runtime import place_tensorflow
from aloe.embedding.encoder import Encoder, LazyEncoder
from aloe.embedding.errors import ConfigurationError
from aloe.embedding.length_policy import parse_length_policy
from aloe.embedding.limits import BatchLimits, ServiceLimits
from aloe.embedding.precision import Precision
from aloe.embedding.settings import Settings

_CONFIGURATION_EXIT_CODE = 2
# How long the event loop may keep an inference thread waiting for Python's lock between batches.
_SWITCH_INTERVAL_S = 0.0005

_log = logging.getLogger("aloe.embedding")


def main() -> None:
    """Run until SIGINT or SIGTERM; exit code 2 and one line on stderr for a wrong configuration."""
    # Else gRPC's own log says at length what our one line says. It reads this when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from aloe.serving.server import AddressInUse

    try:
        settings = _read_settings(sys.argv[1:])
        logging.basicConfig(
            level=settings.log_level,
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            stream=sys.stderr,
        )
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        asyncio.run(_run(settings))
    except (ConfigurationError, AddressInUse) as error:
        _exit(f"aloe.embedding: {error}", _CONFIGURATION_EXIT_CODE)
    except KeyboardInterrupt:  # before the handlers were in place
        _exit("", 0)


def _read_settings(arguments: list[str]) -> Settings:
    try:
        return CliApp.run(Settings, arguments, cli_exit_on_error=False)
    except ValidationError as error:
        faults = [
            f"{_flag(fault['loc'])} is {fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ConfigurationError(f"{'; '.join(faults)} (see --help)") from error
    except SettingsError as error:
        raise ConfigurationError(f"{' '.join(str(error).split())} (see --help)") from error


def _flag(location: tuple[int | str, ...]) -> str:
    return f"--{location[0]}".replace("_", "-") if location else "the configuration"


async def _run(settings: Settings) -> None:
    from aloe.embedding.convert import status_of
    from aloe.embedding.service import EmbeddingService
    from aloe.serving.server import RpcServer, wait_for_signal

    recorder = PrometheusRecorder() if settings.metrics_address else None
    redis_url = settings.cache_redis_url.get_secret_value()
    shared_cache = RedisCache(redis_url, ttl_s=settings.cache_ttl_s) if redis_url else None
    stopped = asyncio.create_task(wait_for_signal())
    started = time.monotonic()
    loading = asyncio.create_task(asyncio.to_thread(_load, settings))
    await asyncio.wait([stopped, loading], return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        # Nothing is served yet, and a thread inside TensorFlow cannot be stopped.
        _exit("", 0)
    encoders, batch_count = loading.result()
    limits = replace(_limits(settings), concurrent_batch_count=batch_count)
    service = EmbeddingService(encoders, limits, recorder=recorder, shared_cache=shared_cache)
    server = RpcServer([service.grpc], status_of=status_of)
    try:
        address = await server.start(settings.address)
        if recorder:
            url = recorder.serve(settings.metrics_address, service.queue_depths)
            _log.info("metrics are at %s", url)
        await service.warm_up()
        # What start-up left behind stays for good: the garbage collector need not walk it again.
        gc.collect()
        gc.freeze()
        await server.set_serving()
        _announce(encoders, address, time.monotonic() - started)
        await stopped
    finally:
        service.stop_streams()
        await server.stop(drain_s=settings.drain_s)
        await service.close()
    if service.is_loading:
        _exit("", 0)


def _load(settings: Settings) -> tuple[list[Encoder | LazyEncoder], int]:
    """Load the encoders; return them, and how many batches to run at once."""
    sources = _sources(settings)
    batch_count = place_tensorflow(
        settings.device,
        thread_count=settings.inference_thread_count,
        batch_count=settings.concurrent_batch_count,
        precision=settings.precision,
    )
    return load_encoders(sources), batch_count


def _announce(encoders: Sequence[Encoder | LazyEncoder], address: str, start_s: float) -> None:
    for encoder in encoders:
        what = encoder.encoder_id if isinstance(encoder, LazyEncoder) else encoder.info
        _log.info("%s hosts %s", address, what)
    _log.info("%s is ready after %.1f s", address, start_s)
    # `aloe up` and tests wait for this line.
    sys.stdout.write(f"aloe.embedding listening on {address}\n")
    sys.stdout.flush()


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
        cache_byte_count=settings.cache_mb * 1024 * 1024,
        decode_thread_count=settings.decode_thread_count,
        int16_divisor=settings.int16_divisor,
        batch=(
            BatchLimits(sizes=(settings.max_batch_size,))
            if settings.deterministic
            else BatchLimits().up_to(settings.max_batch_size)
        ),
    )


def _exit(message: str, code: int) -> None:
    """End at once: threads of a half-started service must not delay it."""
    if message:
        sys.stderr.write(message + "\n")
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
