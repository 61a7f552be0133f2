"""Connections to Redis: one server, Sentinel or Cluster, as the URL says."""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

import redis.asyncio.cluster
import redis.asyncio.retry
import redis.cluster
import redis.retry
from aloe.redis.waiting import (
    ROOM,
    BlockingPool,
    BlockingSentinelPool,
    Room,
    WaitingCluster,
    WaitingPool,
    WaitingSentinelPool,
)
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

RedisClient: TypeAlias = Any
"""redis.asyncio.Redis or RedisCluster without decoding: replies are bytes, unlike their types."""
BlockingRedisClient: TypeAlias = Any
"""redis.Redis or redis.RedisCluster, likewise; any number of threads may use it."""

URL_FORMS = (
    "redis://HOST:PORT, rediss://HOST:PORT (TLS), unix:///PATH,"
    " redis+sentinel://HOST:PORT,HOST:PORT/MASTER or redis+cluster://HOST:PORT,HOST:PORT, each with"
    " USER:PASSWORD@ in front of the hosts where needed, what is not a letter or digit in it as in"
    " %2F"
)
SINGLE = ("redis://", "rediss://", "unix://")
"""How the URLs of one server begin."""
_MAX_PORT = 65_535
_BACKOFF = ExponentialBackoff(cap=0.3, base=0.05)


@dataclass(frozen=True, slots=True)
class _Library:
    """The classes of redis-py, for asyncio or for threads, and pools that wait."""

    clients: Any
    """Has them under the same names."""
    pool: Any
    sentinel_pool: Any
    cluster: Any
    cluster_node: Any
    retry: Any


def _blocking_cluster(*, room: Room, **options: Any) -> redis.RedisCluster:
    # Its nodes have pools that cannot be made to wait: they are far larger than what is under way.
    return redis.RedisCluster(max_connections=2 * room.connection_count, **options)


_ASYNC = _Library(
    redis.asyncio,
    WaitingPool,
    WaitingSentinelPool,
    WaitingCluster,
    redis.asyncio.cluster.ClusterNode,
    redis.asyncio.retry.Retry,
)
_BLOCKING = _Library(
    redis,
    BlockingPool,
    BlockingSentinelPool,
    _blocking_cluster,
    redis.cluster.ClusterNode,
    redis.retry.Retry,
)


@dataclass(frozen=True, slots=True)
class _SeveralHosts:
    """The parts of a Sentinel or Cluster URL."""

    hosts: tuple[tuple[str, int], ...]
    path: tuple[str, ...]
    login: dict[str, Any]


def connect_redis(url: str, room: Room = ROOM) -> RedisClient:
    """Make a client; nothing is sent yet.

    A command whose connection was lost is sent again for about a second. That is safe: every script
    has the same effect if it runs twice. Where all connections are in use a command waits, and
    fails with NoConnectionFree where that takes too long.

    Raises:
        ValueError: the URL has none of the URL_FORMS. The message leaves the URL out, since it may
            hold a password.
    """
    return _connect(url, _ASYNC, room)


def connect_blocking(url: str) -> BlockingRedisClient:
    """Make such a client for threads. That of a cluster asks for its nodes right away."""
    return _connect(url, _BLOCKING, ROOM)


def connect_once(url: str, timeout_s: float) -> BlockingRedisClient:
    """Make a client for threads that gives up at the first failure, for looking at a server."""
    options = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": redis.retry.Retry(NoBackoff(), 0),
        "room": ROOM,
    }
    if url.startswith(SINGLE):
        return _connect_single(url, _BLOCKING, options)
    once = {name: value for name, value in options.items() if name != "room"}
    return _connect_several(url, _BLOCKING, options, once)


def _connect(url: str, library: _Library, room: Room) -> Any:
    options: dict[str, Any] = {
        "room": room,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        "retry": library.retry(_BACKOFF, 3),
    }
    if url.startswith(SINGLE):
        # A timeout is not tried again, only a lost connection: a Redis that hangs would take the
        # whole timeout each time, and all tries together must take less than a caller waits.
        # redis-py counts a timeout while connecting as a lost connection.
        options["socket_timeout"] = 6  # longer than WAIT for the replicas may take
        options["retry"] = library.retry(_BACKOFF, 3, supported_errors=(RedisConnectionError,))
        return _connect_single(url, library, options)
    return _connect_several(url, library, options, {"socket_timeout": 1})


def _connect_several(
    url: str, library: _Library, options: dict[str, Any], sentinel_options: dict[str, Any]
) -> Any:
    scheme = url.partition("://")[0]
    secure: dict[str, Any] = {"ssl": True} if scheme.startswith("rediss+") else {}
    match scheme:
        case "redis+sentinel" | "rediss+sentinel":
            parts = _parse(url)
            if not parts.path:
                raise ValueError("a Sentinel URL names the master behind the hosts: .../MASTER")
            sentinel = library.clients.Sentinel(
                parts.hosts, sentinel_kwargs={**sentinel_options, **secure}, **secure
            )
            return sentinel.master_for(
                parts.path[0],
                connection_pool_class=library.sentinel_pool,
                **options,
                **parts.login,
            )
        case "redis+cluster" | "rediss+cluster":
            parts = _parse(url)
            nodes = [library.cluster_node(host, port) for host, port in parts.hosts]
            return library.cluster(startup_nodes=nodes, **options, **secure, **parts.login)
        case _:
            raise ValueError(f"the URL must have one of the forms {URL_FORMS}")


def check_login(url: str) -> None:
    """Refuse a URL of which a part of the password may be taken for a host, and then be told.

    Raises:
        ValueError: its login has a "/", "?" or "#" as it is. The message leaves the URL out.
    """
    rest = url.partition("://")[2]
    stray = re.search(r"[/?#].*@|#", rest, re.DOTALL)
    is_path = url.startswith("unix:///") and "?" not in rest and "#" not in rest
    if stray and not is_path:
        raise ValueError(f"the URL must have one of the forms {URL_FORMS}")


def _connect_single(url: str, library: _Library, options: dict[str, Any]) -> Any:
    check_login(url)
    try:
        pool = library.pool.from_url(url, **options)
        # Connects to nothing, but refuses a query parameter that no connection has.
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError):
        # What went wrong may repeat a part of the password, where that has a "/" or "#".
        raise ValueError(f"the URL must have one of the forms {URL_FORMS}") from None
    return library.clients.Redis.from_pool(pool)


def _parse(url: str) -> _SeveralHosts:
    check_login(url)
    netloc, *path = url.partition("://")[2].split("/")
    user_info, _, host_list = netloc.rpartition("@")
    username, _, password = user_info.partition(":")
    login = {"username": unquote(username) or None, "password": unquote(password) or None}
    hosts = []
    for text in host_list.split(","):
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdecimal() or int(port) > _MAX_PORT:
            raise ValueError(f"each host needs its port; the URL must have one of {URL_FORMS}")
        hosts.append((host.strip("[]"), int(port)))
    return _SeveralHosts(
        tuple(hosts), tuple(part for part in path if part), login if user_info else {}
    )
