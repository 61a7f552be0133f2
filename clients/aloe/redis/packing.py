"""Commands as bytes, made by hiredis: redis-py itself does so for threads only, not for asyncio."""

from collections.abc import Callable
from typing import Any

import hiredis

_LARGE_BYTES = 6_000
"""What is larger is not copied, but sent from where it lies, as redis-py does."""

Pack = Callable[..., list[bytes]]


def packing(by_redis_py: Pack) -> Pack:
    """Return what packs a command; what is large or of an uncommon type is left to redis-py."""

    def pack(*command: Any) -> list[bytes]:
        for part in command:
            kind = type(part)
            if kind is str or kind is int or kind is float:
                continue
            if kind is not bytes or len(part) > _LARGE_BYTES:
                return by_redis_py(*command)
        # A name of two words, as in "CONFIG GET", is two parts.
        if not isinstance(command[0], str) or " " in command[0]:
            return by_redis_py(*command)
        return [hiredis.pack_command(command)]

    return pack
