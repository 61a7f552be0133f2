"""A service that does nothing, and gets stuck where its flag says, on a thread that never ends."""

import asyncio
import logging
import threading
from typing import Literal

from aloe.serving import entry
from aloe.serving.server import Service
from aloe.serving.settings import ServiceSettings

_log = logging.getLogger("stuck")


class Unfit(Exception):
    pass


class Settings(ServiceSettings):
    address: str = "127.0.0.1:0"
    stuck: Literal["building", "preparing", "nowhere"] = "nowhere"
    unfit: bool = False


async def _be(step: str, settings: Settings) -> None:
    if settings.stuck == step:
        _log.info("stuck in %s", step)
        await asyncio.to_thread(threading.Event().wait)


async def build(settings: Settings) -> entry.Lifecycle:
    await _be("building", settings)

    async def prepare() -> None:
        if settings.unfit:
            raise Unfit("a thing\nthat is unfit")
        await _be("preparing", settings)

    async def close() -> None:
        _log.info("closed")

    return entry.Lifecycle(
        rpc=Service("test.Nothing", None, lambda _servicer, _server: None, {}),
        status_of=lambda _: None,
        serve_metrics=None,
        prepare=prepare,
        close=close,
        stop_streams=lambda: _log.info("streams stopped"),
    )


if __name__ == "__main__":
    entry.run("stuck", Settings, build, refusals=(Unfit,))
