"""Copies of what a Redis holds, made while it works, and put back into it later."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_DUMP_ALL = """
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  table.insert(all, { key, redis.call('DUMP', key), math.max(0, redis.call('PTTL', key)) })
end
return all
"""

DumpedKey = tuple[bytes, bytes, int]
"""Key, content, and time to live in ms or 0."""


class Rewritten(Exception):
    """The append-only file was exchanged for another while it was copied."""


async def copy_folder(folder: Path, copy: Path) -> None:
    """Copy the data of a Redis that appends to its files alone.

    The copy holds every change that was answered before it began, and perhaps later ones; what is
    torn at its end is cut off when a Redis starts on it.

    Raises:
        Rewritten: it did more than append.
    """
    before = _names(folder)
    await asyncio.to_thread(shutil.copytree, folder, copy)
    if _names(folder) != before:
        raise Rewritten


async def put_folder_back(copy: Path, folder: Path) -> None:
    """Put a copy in the place of the data of a Redis that does not run."""
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    await asyncio.to_thread(shutil.copytree, copy, folder)


async def dump_keys(client: Any) -> Sequence[DumpedKey]:
    """Read all keys at one moment."""
    return [(key, content, ttl_ms) for key, content, ttl_ms in await client.eval(_DUMP_ALL, 0)]


async def restore_keys(client: Any, dumped: Sequence[DumpedKey]) -> None:
    """Put all keys back at one moment, with nothing beside them, while others are connected."""
    async with client.pipeline(transaction=True) as changes:
        changes.flushall()
        for key, content, ttl_ms in dumped:
            changes.restore(key, ttl_ms, content)
        await changes.execute()


def _names(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*.*"))
