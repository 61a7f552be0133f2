"""`python -m aloe.learner`: builds the service from its settings and runs it."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn

from aloe.client import connect_embedding_async
from aloe.client.errors import InvalidArgument
from aloe.learner.adapters.audio.decoding import WindowDecoder
from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.adapters.audio.reading import WrongPlace, WrongRoot
from aloe.learner.adapters.audio.recording_files import FilesOfRecordings
from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.adapters.prometheus import PrometheusRecorder
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.adapters.remote_encoder import RemoteEncoder
from aloe.learner.bulkheads import SCORING, Threads
from aloe.learner.domain.errors import SchemaTooNew, StoreFull, StoreUnavailable, StoreUnfit
from aloe.learner.domain.warming import warm_up
from aloe.learner.ports.store import Store
from aloe.learner.recorder import NoRecorder, Recorder
from aloe.learner.rpc.servicer import rpc_service
from aloe.learner.rpc.statuses import status_of
from aloe.learner.settings import Settings
from aloe.learner.usecases.import_memory import ImportLimits
from aloe.learner.usecases.learner import Learner
from aloe.serving import entry
from aloe.serving.event_loop import new_event_loop
from aloe.serving.heap import Trimmer, share_heaps
from aloe.serving.settings import WrongSettings
from aloe.wire.addresses import is_loopback

_PREPARE_PAUSE_S = 1.0

_log = logging.getLogger("aloe.learner")


def main() -> NoReturn:
    """Run until SIGINT or SIGTERM."""
    share_heaps()
    entry.run(
        "aloe.learner",
        Settings,
        _build,
        refusals=(InvalidArgument, SchemaTooNew, StoreUnfit),
        new_event_loop=new_event_loop,
    )


async def _build(settings: Settings) -> entry.Lifecycle:
    recorder = PrometheusRecorder() if settings.metrics_address else None
    store = _make_store(settings, recorder or NoRecorder())
    client = connect_embedding_async(settings.embedding)
    audio, decoder = _make_audio_files(settings, store), WindowDecoder()
    recordings = FilesOfRecordings(
        settings.audio_root, store.identity, audio.places, settings.recording_gb * 1024**3
    )
    learner = Learner(
        store,
        RemoteEncoder(client),
        audio,
        lambda: datetime.now(UTC),
        recording_files=recordings,
        recording_decoder=decoder,
        pool_cache_bytes=settings.pool_cache_mb * 1024**2,
        audio_grace_s=settings.audio_grace_h * 3600,
        import_limits=ImportLimits(
            memory_bytes=settings.import_memory_mb * 1024**2, idle_s=settings.import_idle_s
        ),
        recorder=recorder,
        took=Trimmer().took,
    )

    async def prepare() -> None:
        await _warm_up()
        await _prepare(store)
        learner.start()

    async def close() -> None:
        await learner.stop()
        decoder.close()
        recordings.close()
        await client.close()
        await store.close()

    rpc = rpc_service(learner, settings.export_idle_s)
    return entry.Lifecycle(
        rpc=rpc,
        status_of=status_of,
        serve_metrics=(
            partial(
                recorder.serve,
                settings.metrics_address,
                lambda: learner.pool_cache.byte_count,
                rpc.gates.values(),
            )
            if recorder
            else None
        ),
        prepare=prepare,
        close=close,
    )


def _make_audio_files(settings: Settings, store: Store) -> AudioFiles:
    prefixes = tuple(filter(None, map(str.strip, settings.audio_uri_prefixes.split(","))))
    try:
        return AudioFiles(
            settings.audio_root, store.identity, prefixes, hears_files=_hears_files(settings)
        )
    except WrongRoot as error:
        raise WrongSettings(f"--audio-root: {error}") from None
    except WrongPlace as error:
        raise WrongSettings(f"--audio-uri-prefixes (of aloe up: --audio-from): {error}") from None


def _hears_files(settings: Settings) -> bool:
    if settings.hear_files == "auto":
        return is_loopback(settings.address)
    return settings.hear_files == "on"


async def _warm_up() -> None:
    """Have the kernels ready before the first call is taken."""
    began, warming = time.perf_counter(), Threads(SCORING)
    await warming.run(warm_up)
    warming.close()
    _log.info("kernels ready after %.1f s", time.perf_counter() - began)


async def _prepare(store: Store) -> None:
    """Wait for the store as long as it takes."""
    while True:
        try:
            return await store.prepare()
        except (StoreUnavailable, StoreFull) as error:
            _log.warning("waiting for the store: %s", error)
            await asyncio.sleep(_PREPARE_PAUSE_S)


def _make_store(settings: Settings, recorder: Recorder) -> Store:
    url = settings.redis_url.get_secret_value()
    if not url:
        raise WrongSettings(
            "no store: give --redis-url redis://HOST:6379 (or set REDIS_URL), or memory:// to try"
            " it out without one; `aloe up` starts a Redis by itself"
        )
    if url == "memory://":
        return MemoryStore()
    try:
        return RedisStore.of_url(
            url, replica_count=settings.redis_replica_count, tell=recorder.store_warned
        )
    except ValueError as error:
        # The URL may hold a password: it is not repeated.
        raise WrongSettings(f"--redis-url: {error}") from None


if __name__ == "__main__":
    main()
