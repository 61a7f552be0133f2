"""`python -m aloe.learner`: builds the service from its settings and runs it."""

import asyncio
import gc
import logging
import sys
import time
from datetime import UTC, datetime

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from aloe.client import connect_embedding_async
from aloe.client.errors import InvalidArgument
from aloe.learner import event_loop
from aloe.learner.adapters.audio_folder import AudioFolder
from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.adapters.prometheus import PrometheusRecorder
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.adapters.remote_encoder import RemoteEncoder
from aloe.learner.domain.errors import SchemaTooNew, StoreUnavailable
from aloe.learner.domain.warming import warm_up
from aloe.learner.ports import Store
from aloe.learner.rpc.servicer import LearnerServicer
from aloe.learner.rpc.statuses import status_of
from aloe.learner.settings import Settings
from aloe.learner.usecases.learner import Learner
from aloe.serving.metrics import MetricsUnavailable
from aloe.serving.server import AddressInUse, RpcServer, Service, wait_for_signal
from aloe.v1 import learner_service_pb2, learner_service_pb2_grpc

_CONFIGURATION_EXIT_CODE = 2
_PREPARE_PAUSE_S = 1.0

_log = logging.getLogger("aloe.learner")


class ConfigurationError(Exception):
    """A setting is wrong; one line says which and what would be right."""


def main() -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    try:
        settings = CliApp.run(Settings)
        logging.basicConfig(
            level=settings.log_level,
            stream=sys.stderr,
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )
        event_loop.run(_serve(settings))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        return _fail(f"{name}: {first['msg']}, got {first['input']!r}")
    except (
        AddressInUse,
        ConfigurationError,
        InvalidArgument,
        MetricsUnavailable,
        SchemaTooNew,
        SettingsError,
    ) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        pass
    return 0


async def _serve(settings: Settings) -> None:
    store = _make_store(settings)
    prefixes = tuple(prefix for prefix in settings.audio_uri_prefixes.split(",") if prefix)
    audio = AudioFolder(settings.audio_root, prefixes)
    recorder = PrometheusRecorder() if settings.metrics_address else None
    async with connect_embedding_async(settings.embedding) as client:
        learner = Learner(
            store,
            RemoteEncoder(client),
            audio,
            lambda: datetime.now(UTC),
            pool_cache_bytes=settings.pool_cache_mb * 1024**2,
            recorder=recorder,
        )
        server = RpcServer(
            [
                Service(
                    learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"].full_name,
                    LearnerServicer(learner),
                    learner_service_pb2_grpc.add_LearnerServiceServicer_to_server,
                )
            ],
            status_of=status_of,
        )
        address = await server.start(settings.address)
        if recorder:
            pool_cache = learner.pool_cache
            url = recorder.serve(settings.metrics_address, lambda: pool_cache.byte_count)
            _log.info("metrics are at %s", url)
        await _warm_up()
        # What start-up left behind stays for good: the garbage collector need not walk it again.
        gc.collect()
        gc.freeze()
        # From here on there is something to end in order.
        stopped = asyncio.create_task(wait_for_signal())
        if await _prepared(store, stopped):
            learner.start()
            await server.set_serving()
            print(f"aloe.learner listening on {address}", flush=True)  # noqa: T201
            await stopped
        await server.stop(drain_s=settings.drain_s)
        await learner.stop()
    await store.close()


async def _prepared(store: Store, stopped: "asyncio.Task[None]") -> bool:
    """Prepare the store; return False if the process is to stop before that is done."""
    preparing = asyncio.create_task(_prepare(store))
    await asyncio.wait([preparing, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not preparing.done():
        preparing.cancel()
        return False
    preparing.result()
    return True


async def _prepare(store: Store) -> None:
    """Wait for the store as long as it takes; health says NOT_SERVING meanwhile."""
    while True:
        try:
            return await store.prepare()
        except StoreUnavailable as error:
            _log.warning("waiting for the store: %s", error)
            await asyncio.sleep(_PREPARE_PAUSE_S)


async def _warm_up() -> None:
    """Have the kernels ready before the first call is taken."""
    began = time.perf_counter()
    await asyncio.to_thread(warm_up)
    _log.info("kernels ready after %.1f s", time.perf_counter() - began)


def _make_store(settings: Settings) -> Store:
    url = settings.redis_url.get_secret_value()
    if not url:
        raise ConfigurationError(
            "no store: give --redis-url redis://HOST:6379 (or set REDIS_URL), or memory:// to try"
            " it out without one; `aloe up` starts a Redis by itself"
        )
    if url == "memory://":
        return MemoryStore()
    try:
        return RedisStore.of_url(url, replica_count=settings.redis_replica_count)
    except ValueError as error:
        # The URL may hold a password: it is not repeated.
        raise ConfigurationError(f"--redis-url: {error}") from None


def _fail(message: str) -> int:
    sys.stderr.write(f"aloe.learner: {' '.join(message.split())}\n")
    return _CONFIGURATION_EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
