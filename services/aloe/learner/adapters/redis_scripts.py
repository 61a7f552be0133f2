"""How the Redis adapters change Redis: scripts from lua/, and one way to fail."""

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from importlib.resources import files
from typing import Any, ParamSpec, TypeVar

from redis.exceptions import BusyLoadingError, NoScriptError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from aloe.learner.adapters.redis_client import RedisClient
from aloe.learner.domain.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

WAIT_MS = 5_000
"""How long a write may take to reach the replicas."""
_AWAY = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError, OSError)
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
        except RedisError as error:
            if str(error).startswith(_REFUSALS) or "cluster" in type(error).__name__.lower():
                raise StoreUnavailable(f"Redis cannot serve now: {error}") from error
            raise

    return call


class Script:
    """A Lua script beside this module, with what it shares put in front."""

    def __init__(
        self, client: RedisClient, name: str, *, shared: str | None = None, replica_count: int = 0
    ) -> None:
        """Read a script.

        Args:
            client: to run it.
            name: of the file in lua/.
            shared: of the file that goes in front.
            replica_count: replicas that must have what it wrote before it counts as done.
        """
        folder = files("aloe.learner.adapters") / "lua"
        front = (folder / f"{shared}.lua").read_text() if shared else ""
        self._text = front + (folder / f"{name}.lua").read_text()
        self._hash = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()
        self._client, self._replica_count = client, replica_count

    async def __call__(self, keys: Sequence[str], *args: str | bytes | float) -> Any:
        """Run it.

        Raises:
            StoreUnavailable: too few replicas took the write in time. It may have happened.
        """
        arguments = (len(keys), *keys, *args)
        try:
            return await self._run("EVALSHA", self._hash, arguments)
        except NoScriptError:
            return await self._run("EVAL", self._text, arguments)

    async def _run(self, command: str, script: str, arguments: tuple[Any, ...]) -> Any:
        if not self._replica_count:
            run = self._client.evalsha if command == "EVALSHA" else self._client.eval
            return await run(script, *arguments)
        # On one connection: WAIT is about what this connection wrote.
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(command, script, *arguments)
            pipeline.execute_command("WAIT", self._replica_count, WAIT_MS)
            reply, taken_count = await pipeline.execute()
        if taken_count < self._replica_count:
            raise StoreUnavailable(
                f"{taken_count} of {self._replica_count} replicas took the write within"
                f" {WAIT_MS / 1000:g} s; it may be lost in a failover. Repeating it is safe"
            )
        return reply
