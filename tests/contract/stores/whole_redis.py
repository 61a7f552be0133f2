"""Everything that a Redis holds, to be compared with what it holds later."""

from typing import Any


async def everything(client: Any) -> dict[bytes, Any]:
    """Every key with what it holds; a hash's DUMP may differ between two reads of the same."""
    keys = [key async for key in client.scan_iter(count=10_000)]
    return {key: await _value(client, key) for key in keys}


async def _value(client: Any, key: bytes) -> Any:
    match await client.type(key):
        case b"hash":
            return await client.hgetall(key)
        case b"set":
            return await client.smembers(key)
        case _:
            return await client.dump(key)
