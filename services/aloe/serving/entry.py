"""A service as a process: from its settings to its exit code."""

import asyncio
import atexit
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from aloe.serving.file_limit import raise_file_limit
from aloe.serving.log import log_to_stderr
from aloe.serving.metrics import MetricsUnavailable
from aloe.serving.server import AddressInUse, RpcServer, Service
from aloe.serving.settings import S, WrongSettings, read_settings, unknown_variables
from aloe.serving.status import StatusOf

_WRONG_CONFIGURATION = 2

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """A service that is put together, and what it does from its start to its end."""

    rpc: Service
    status_of: StatusOf
    serve_metrics: Callable[[], str] | None
    """Serves metrics and returns their URL, or raises MetricsUnavailable; None where not wanted."""
    prepare: Callable[[], Coroutine[Any, Any, None]]
    """Makes ready what calls need. Health says NOT_SERVING meanwhile, however long it takes.

    It is cancelled where the process is told to end first.
    """
    close: Callable[[], Awaitable[None]]
    """Ends what runs in the background, once no call does."""
    stop_streams: Callable[[], None] = lambda: None
    """Lets calls end that could go on for ever, so that the server can drain."""


def run(
    name: str,
    settings_type: type[S],
    build: Callable[[S], Coroutine[Any, Any, Lifecycle]],
    *,
    refusals: tuple[type[Exception], ...] = (),
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> NoReturn:
    """Run a service until SIGINT or SIGTERM, then end the process with exit code 0.

    A wrong configuration ends it with exit code 2 and one line on stderr.

    Args:
        name: the service's package, such as "aloe.embedding".
        settings_type: what can be set.
        build: puts the service together; called on the event loop that it is to run on.
        refusals: what `build` and the lifecycle raise for a wrong configuration.
        new_event_loop: makes that event loop.
    """
    # What a service writes is its user's alone: recordings that people made, and logs.
    os.umask(0o077)
    # Until the event loop hears signals: both end the process alike.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    wrong: tuple[type[Exception], ...] = (AddressInUse, MetricsUnavailable, WrongSettings)
    try:
        settings = read_settings(settings_type, sys.argv[1:])
        log_to_stderr(settings.log_level)
        for told in unknown_variables(settings_type):
            _log.warning("%s", told)
        raise_file_limit()
        # Never closed, which would wait for threads that nothing can stop.
        asyncio.Runner(loop_factory=new_event_loop).run(_serve(name, settings, build))
    except (*wrong, *refusals) as error:
        sys.stderr.write(f"{name}: {' '.join(str(error).split())}\n")
        code = _WRONG_CONFIGURATION
    except KeyboardInterrupt:
        pass
    _leave(code)


async def _serve(
    name: str, settings: S, build: Callable[[S], Coroutine[Any, Any, Lifecycle]]
) -> None:
    began = time.monotonic()
    stopped = asyncio.create_task(_wait_for_signal())
    building = asyncio.create_task(build(settings))
    if not await _is_done_before(stopped, building):
        return  # Nobody has been served yet.
    lifecycle = building.result()
    server = RpcServer([lifecycle.rpc], status_of=lifecycle.status_of)
    try:
        address = await server.start(settings.address)
        if lifecycle.serve_metrics:
            _log.info("metrics are at %s", lifecycle.serve_metrics())
        if await _is_done_before(stopped, asyncio.create_task(lifecycle.prepare())):
            # What start-up left behind stays for good: the collector need not walk it again.
            gc.collect()
            gc.freeze()
            await server.set_serving()
            _log.info("%s is ready after %.1f s", address, time.monotonic() - began)
            # `aloe up` and tests wait for this line.
            print(f"{name} listening on {address}", flush=True)  # noqa: T201
            await stopped
    finally:
        lifecycle.stop_streams()
        await server.stop(drain_s=settings.drain_s)
        await lifecycle.close()


async def _wait_for_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    _log.info("stopping")


async def _is_done_before(stopped: asyncio.Task[None], task: asyncio.Task[T]) -> bool:
    """Wait for a task and raise what it raised; False if the process is to end first."""
    await asyncio.wait([stopped, task], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
        return True
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return False


def _leave(code: int) -> NoReturn:
    """End at once: a thread inside TensorFlow or a compiler cannot be told to stop."""
    # What an ordinary end does but for waiting for threads. TensorFlow deletes its files here.
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public way
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
