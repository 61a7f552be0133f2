"""How the Redis adapters talk to Redis: one client, scripts from lua/, one way to fail."""

from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from importlib.resources import files
from typing import Any, ParamSpec, TypeAlias, TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    BusyLoadingError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from aloe.learner.domain.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")
RedisClient: TypeAlias = Any
"""redis.asyncio.Redis without decoding: replies are bytes, which its types do not tell."""

_AWAY = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError, OSError)


def connect_redis(url: str) -> RedisClient:
    """Make a client for redis://, rediss:// or unix:// URLs; nothing is sent yet.

    Lost connections are tried again for about a second. That is safe: every script gives a repeated
    call the same effect. A Redis that hangs is not: each try would take the whole timeout again.
    """
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=5,
        socket_connect_timeout=2,
        retry=Retry(
            ExponentialBackoff(cap=0.3, base=0.05), 3, supported_errors=(RedisConnectionError,)
        ),
    )


def guarded(
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a method raise StoreUnavailable while Redis is away."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except _AWAY as error:
            raise StoreUnavailable(f"Redis cannot be reached: {error}") from error
        except RedisError as error:
            if str(error).startswith(("LOADING", "MASTERDOWN", "CLUSTERDOWN", "OOM", "MISCONF")):
                raise StoreUnavailable(f"Redis refuses to write: {error}") from error
            raise

    return call


class Script:
    """A Lua script beside this module, with what it shares put in front."""

    def __init__(self, client: RedisClient, name: str, *, shared: str | None = None) -> None:
        folder = files("aloe.learner.adapters") / "lua"
        text = (folder / f"{name}.lua").read_text()
        if shared:
            text = (folder / f"{shared}.lua").read_text() + text
        self._script = client.register_script(text)

    async def __call__(self, keys: Sequence[str], *args: str | bytes | float) -> Any:
        return await self._script(keys=list(keys), args=list(args))
