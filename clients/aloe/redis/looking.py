"""Looking at the Redis of a URL: what is to be told of it before it costs labels."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aloe.redis.codes import Trouble, trouble_of
from aloe.redis.connecting import BlockingRedisClient, connect_once
from aloe.redis.faults import FAILURES, fault_of
from aloe.redis.lineage import Lineage
from aloe.redis.rules import Concern, ConcernKind, Standing, concerns_of
from redis.exceptions import ResponseError

_NOT_KEPT = {
    ConcernKind.NO_APPEND_ONLY_FILE,
    ConcernKind.FSYNC,
    ConcernKind.WRITE_ERROR,
    ConcernKind.HIDDEN,
}


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of the servers that take changes."""

    concerns: list[Concern]
    """What may cost labels; those that are refused first."""
    lineages: Mapping[str, Lineage]
    """By HOST:PORT in a cluster, else by an empty name; of those that tell."""

    @property
    def keeps_all(self) -> bool:
        """Whether each change is on disk before it is acknowledged, as far as can be seen."""
        return not any(concern.kind in _NOT_KEPT for concern in self.concerns)


def look_at_redis(url: str, *, timeout_s: float, awaited_replica_count: int = 0) -> Look:
    """Look at every server that takes changes, on connections of its own.

    Args:
        url: see connecting.URL_FORMS.
        timeout_s: for each connection and each answer.
        awaited_replica_count: how many replicas must have a change before it is acknowledged.

    Raises:
        RedisFault: it cannot be reached or used.
        ValueError: the URL has none of the forms. The message leaves the URL out.
    """
    try:
        with contextlib.closing(connect_once(url, timeout_s)) as client:
            standings = list(_standings(client))
    except FAILURES as error:
        raise fault_of(error, url, timeout_s) from error
    found = [each for one in standings for each in concerns_of(one, awaited_replica_count)]
    lineages = {one.server: Lineage.of(one.info) for one in standings}
    return Look(
        sorted(found, key=lambda concern: not concern.is_refused),
        {server: lineage for server, lineage in lineages.items() if lineage is not None},
    )


def _standings(client: BlockingRedisClient) -> Iterator[Standing]:
    if not hasattr(client, "get_primaries"):
        yield _standing(client, "", through_cluster=False)
        return
    for node in client.get_primaries():
        yield _standing(client.get_redis_connection(node), node.name, through_cluster=True)


def _standing(client: BlockingRedisClient, server: str, *, through_cluster: bool) -> Standing:
    hidden: list[str] = []
    info, fsync = {}, ""
    with _hiding("INFO", hidden):
        info = client.info()
    with _hiding("CONFIG GET", hidden):
        fsync = _value(client.config_get("appendfsync"))
    return Standing(info, fsync, _clock_ahead_s(client), tuple(hidden), server, through_cluster)


@contextlib.contextmanager
def _hiding(command: str, hidden: list[str]) -> Iterator[None]:
    """Note a command that this user may not run, or that the server does not have."""
    try:
        yield
    except ResponseError as error:
        if trouble_of(error) not in (Trouble.FORBIDDEN, Trouble.DEFECT):
            raise
        hidden.append(command)


def _clock_ahead_s(client: BlockingRedisClient) -> float:
    asked_s = time.time()
    unknown: list[str] = []
    with _hiding("TIME", unknown):
        seconds, microseconds = client.time()
    if unknown:
        return 0.0
    told_s = float(seconds) + float(microseconds) / 1e6
    return max(0.0, told_s - time.time()) + min(0.0, told_s - asked_s)


def _value(settings: Mapping[Any, Any]) -> str:
    values = [value.decode() if isinstance(value, bytes) else value for value in settings.values()]
    return str(values[0]) if values else ""
