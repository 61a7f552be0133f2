"""Lua scripts from lua/, and Redis's failures as StoreUnavailable."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from importlib.resources import files
from typing import Any, ParamSpec, TypeVar

from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from aloe.learner.domain.errors import Overloaded, StoreFull, StoreUnavailable
from aloe.redis.waiting import NoConnectionFree

P = ParamSpec("P")
T = TypeVar("T")

_AWAY = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError, OSError)
_CLOSED = "the handler is closed"
_FULL = {"OOM", "MISCONF"}
"""No memory; no disk. redis-py has a class for the one only, and only outside of scripts."""
_NOT_NOW = {
    "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "TRYAGAIN", "READONLY", "BUSY",
    "NOPERM", "ACL",
}  # fmt: skip
_NOT_NOW_TYPES = (AskError, ClusterError, NoPermissionError, RedisClusterException, TryAgainError)
_FULL_RETRY_S = 1.0
_NO_CONNECTION_RETRY_S = 1.0


def guarded(
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a method raise StoreUnavailable while Redis is away, StoreFull while it has no room."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except NoConnectionFree as error:
            raise Overloaded(str(error), _NO_CONNECTION_RETRY_S) from error
        except _AWAY as error:
            raise StoreUnavailable(f"Redis cannot be reached: {error}") from error
        except RuntimeError as error:
            # What uvloop says of a connection that was lost since redis-py last looked at it.
            if _CLOSED not in str(error):
                raise
            raise StoreUnavailable("the connection to Redis was lost") from error
        except (RedisError, RedisClusterException) as error:
            raise _refusal_of(error) from error

    return call


def _refusal_of(error: Exception) -> Exception:
    """Return what a failure of Redis means to callers; itself where it is a defect of ours."""
    # Less the command, which a pipeline puts in front, and the place in a script.
    said = re.sub(r" script: \w+, on .*", "", str(error).rpartition("caused error: ")[2])
    # Redis 6 has the code of what a script called for in the middle of a line.
    code = re.search(r"(?:^|: -)([A-Z]+) ", said)
    if isinstance(error, OutOfMemoryError) or (code and code[1] in _FULL):
        return StoreFull(
            f"Redis takes no changes ({said}): make room in its memory (maxmemory) or on its disk",
            _FULL_RETRY_S,
        )
    if isinstance(error, _NOT_NOW_TYPES) or (code and code[1] in _NOT_NOW):
        return StoreUnavailable(f"Redis cannot serve now: {said}")
    return error


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
