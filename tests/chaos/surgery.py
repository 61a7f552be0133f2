"""Does to the Redis of the system what an operator or another program might do to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.exceptions import RedisError
from tests.chaos.redis_host import RedisHost

T = TypeVar("T")
_PAUSE_S = 0.1
_GIVE_UP_S = 120.0


class Surgery:
    """Commands to a Redis that may be stopped, dead, full or read-only at the moment."""

    def __init__(self, host: RedisHost) -> None:
        self._host = host
        self.alone = asyncio.Lock()
        """Held by what takes keys away or puts the data back, so that it finds its own again."""

    async def once(self, action: Callable[[Any], Awaitable[T]]) -> T | None:
        """Try something on a connection of its own; None if it could not be done."""
        client = self._host.connect()
        try:
            return await action(client)
        except (RedisError, OSError):
            return None
        finally:
            await client.aclose()

    async def surely(self, action: Callable[[Any], Awaitable[T]]) -> T:
        """Do something that must be done, as soon as it can be; perhaps more than once.

        Raises:
            RedisError, OSError: it could not be done for minutes: a defect of the chaos.
        """
        deadline_s = time.monotonic() + _GIVE_UP_S
        while True:
            client = self._host.connect()
            try:
                return await action(client)
            except (RedisError, OSError):
                if time.monotonic() > deadline_s:
                    raise
            finally:
                await client.aclose()
            await asyncio.sleep(_PAUSE_S)
