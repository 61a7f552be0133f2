"""Whether a Redis keeps what it was given: labels are people's time."""

import logging
from collections.abc import Mapping
from typing import Any

import redis.exceptions
from redis.asyncio.cluster import RedisCluster

from aloe.learner.adapters.redis.client import RedisClient
from aloe.learner.adapters.redis.scripts import guarded
from aloe.learner.domain.errors import StoreLosesData

_log = logging.getLogger(__name__)


@guarded
async def check_durability(client: RedisClient) -> None:
    """Refuse a Redis that evicts keys; warn of one whose crash or end would cost labels.

    Raises:
        StoreLosesData: it deletes keys when its memory is full.
        StoreUnavailable: Redis cannot be reached.
    """
    for memory in await _info(client, "memory"):
        _check_eviction(memory)
    warnings = set()
    for persistence in await _info(client, "persistence"):
        if not int(persistence.get("aof_enabled", 1)):
            warnings.add(
                "keeps no append-only file, so that labels are lost when it ends: set"
                " appendonly yes"
            )
        elif (fsync := await _appendfsync(client)) in ("everysec", "no"):
            warnings.add(
                f"has appendfsync {fsync}, so that the last labels are lost when its"
                " machine fails: set appendfsync always"
            )
    for warning in sorted(warnings):
        _log.warning("this Redis %s", warning)


def _check_eviction(memory: Mapping[str, Any]) -> None:
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return
    if int(memory.get("maxmemory", 0)):
        raise StoreLosesData(
            f"this Redis deletes keys when its memory is full (maxmemory-policy {policy}), labels"
            " among them: set maxmemory-policy noeviction"
        )
    _log.warning(
        "this Redis would delete keys, labels among them, if a maxmemory were set"
        " (maxmemory-policy %s): set maxmemory-policy noeviction",
        policy,
    )


async def _info(client: RedisClient, section: str) -> list[Mapping[str, Any]]:
    """Return a section of INFO of every server that may hold labels."""
    if isinstance(client, RedisCluster):
        by_node = await client.info(section, target_nodes=RedisCluster.PRIMARIES)
        return list(by_node.values())
    return [await client.info(section)]


async def _appendfsync(client: RedisClient) -> str:
    """Return the setting; "" where the server does not tell, as managed ones may not."""
    if isinstance(client, RedisCluster):
        return ""
    try:
        settings = await client.config_get("appendfsync")
    except redis.exceptions.ResponseError:
        return ""
    values = [value.decode() if isinstance(value, bytes) else value for value in settings.values()]
    return values[0] if values else ""
