"""Lua scripts from lua/, and Redis's failures as StoreUnavailable."""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from importlib.resources import files
from typing import Any, ParamSpec, TypeVar

from redis.exceptions import BusyLoadingError, NoScriptError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from aloe.learner.domain.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

_AWAY = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError, OSError)
_CLOSED = "the handler is closed"
_REFUSALS = (
    "LOADING", "MASTERDOWN", "CLUSTERDOWN", "OOM", "MISCONF", "NOREPLICAS", "TRYAGAIN",
)  # fmt: skip


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
        except RuntimeError as error:
            # What uvloop says of a connection that was lost since redis-py last looked at it.
            if _CLOSED not in str(error):
                raise
            raise StoreUnavailable("the connection to Redis was lost") from error
        except RedisError as error:
            if str(error).startswith(_REFUSALS) or "cluster" in type(error).__name__.lower():
                raise StoreUnavailable(f"Redis cannot serve now: {error}") from error
            raise

    return call


def read_script(name: str) -> str:
    """Return the text of a file in lua/."""
    return (files("aloe.learner.adapters.redis") / "lua" / f"{name}.lua").read_text()


class Script:
    """A Lua script, sent by its hash."""

    def __init__(self, run: Callable[..., Awaitable[Any]], name: str, *, front: str = "") -> None:
        """Read a script.

        Args:
            run: sends a command and returns the reply.
            name: of the file in lua/.
            front: Lua that goes in front.
        """
        self._text = front + read_script(name)
        self._hash = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()
        self._run = run

    async def __call__(self, keys: Sequence[str], *args: str | bytes | float) -> Any:
        """Run it; send its text where Redis does not know its hash yet."""
        try:
            return await self._run("EVALSHA", self._hash, len(keys), *keys, *args)
        except NoScriptError:
            return await self._run("EVAL", self._text, len(keys), *keys, *args)
