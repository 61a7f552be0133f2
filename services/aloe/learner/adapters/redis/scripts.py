"""Lua scripts from lua/, and what Redis's failures mean to callers."""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib.resources import files
from typing import Any, ParamSpec, TypeVar

from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from aloe.learner.adapters.redis.codec import UNREADABLE
from aloe.learner.domain.errors import (
    LearnerError,
    Overloaded,
    StoreDamaged,
    StoreForbidden,
    StoreFull,
    StoreUnavailable,
)
from aloe.redis.codes import Trouble, damage_in, said_by, trouble_of
from aloe.redis.faults import remedy_of
from aloe.redis.waiting import NoConnectionFree

P = ParamSpec("P")
T = TypeVar("T")

_FAILURES = (RedisError, RedisClusterException, OSError)
_CLOSED = "the handler is closed"
_FULL_RETRY_S = _NO_CONNECTION_RETRY_S = 1.0


def guarded(
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a method raise what a failure of Redis means to callers."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except NoConnectionFree as error:
            raise Overloaded(str(error), _NO_CONNECTION_RETRY_S) from error
        except RuntimeError as error:
            # What uvloop says of a connection that was lost since redis-py last looked at it.
            if _CLOSED not in str(error):
                raise
            raise StoreUnavailable("the connection to Redis was lost") from error
        except _FAILURES as error:
            raise _meaning_of(error) from error

    return call


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Read a key, and what it holds, as a server of ours wrote it.

    Raises:
        StoreDamaged: it is of another kind, or its value is none of ours.
    """
    try:
        yield
    except RedisError as error:
        if is_damage(error):
            raise StoreDamaged(*_damage(error, key)) from error
        raise
    except UNREADABLE as error:
        said = f"{type(error).__name__}: {error}"
        raise StoreDamaged(key, f"it holds something unreadable, {said}") from error


def is_damage(error: Exception) -> bool:
    """Whether Redis found a key of another kind, or a script found damage."""
    return trouble_of(error) is Trouble.DAMAGED


def _damage(error: Exception, key: str) -> tuple[str, str]:
    found, what = damage_in(error)
    return found or key, what


def _meaning_of(error: Exception) -> Exception:
    """Return what a failure of Redis means to callers; itself where it is a defect of ours."""
    said = said_by(error)
    meaning: LearnerError
    match trouble_of(error):
        case Trouble.AWAY:
            meaning = StoreUnavailable(f"Redis cannot be reached: {said}")
        case Trouble.NOT_NOW:
            remedy = remedy_of(error)
            what = f"{said.rstrip('.')}: {remedy}" if remedy else said
            meaning = StoreUnavailable(f"Redis cannot serve now: {what}")
        case Trouble.FULL:
            meaning = StoreFull(
                f"Redis takes no changes ({said}): make room in its memory (maxmemory) or on its"
                " disk",
                _FULL_RETRY_S,
            )
        case Trouble.FORBIDDEN:
            meaning = StoreForbidden(
                f"Redis forbids it ({said}): give the learner the login and permissions that"
                " deploy/REDIS.md lists"
            )
        case Trouble.DAMAGED:
            meaning = StoreDamaged(*damage_in(error))
        case Trouble.DEFECT:
            return error
    return meaning


def read_script(name: str) -> str:
    """Return the text of a file in lua/."""
    return (files("aloe.learner.adapters.redis") / "lua" / f"{name}.lua").read_text()


class Script:
    """A Lua script, sent by its hash; guard.lua goes in front of all."""

    def __init__(self, run: Callable[..., Awaitable[Any]], name: str, *, front: str = "") -> None:
        """Read a script.

        Args:
            run: sends a command and returns the reply.
            name: of the file in lua/.
            front: Lua that goes in front of it as well.
        """
        self._text = read_script("guard") + front + read_script(name)
        self._hash = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()
        self._run = run

    async def __call__(self, keys: Sequence[str], *args: str | bytes | float) -> Any:
        """Run it; send its text where Redis does not know its hash yet."""
        try:
            return await self._run("EVALSHA", self._hash, len(keys), *keys, *args)
        except NoScriptError:
            return await self._run("EVAL", self._text, len(keys), *keys, *args)
