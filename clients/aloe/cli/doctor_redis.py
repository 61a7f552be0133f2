"""What `aloe doctor` says of the Redis: the one that REDIS_URL names, or the one to be started."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from aloe.cli.doctor_finding import Finding
from aloe.local import NoRedis, find_redis_server, running_redis
from aloe.local.redis_server import IN_MEMORY, check_server

_TIMEOUT_S = 0.9
_INSIDE = "aloe doctor --repair --dry-run looks for damage inside"


def redis_findings(url: str, data_dir: Path) -> Iterator[Finding]:
    """Look at the Redis of a URL, else that of the data folder, else for one to start there.

    No login is shown.
    """
    url = url or running_redis(data_dir)
    if not url:
        yield _to_start(data_dir)
    elif url == IN_MEMORY:
        yield Finding(
            "Redis",
            ok=False,
            found="none: memory:// forgets every label when the learner ends",
            remedy="unset REDIS_URL, so that `aloe up` starts one",
            needed=False,
        )
    elif find_spec("redis") is None:
        yield Finding(
            "Redis",
            ok=False,
            found="REDIS_URL is set, but without the package redis nobody can look at it",
            remedy="pip install 'aloe-speech[learner]'",
        )
    else:
        yield from _running(url)


def _to_start(data_dir: Path) -> Finding:
    try:
        server = find_redis_server()
        check_server(server, data_dir / "redis")
    except NoRedis as error:
        found, _, remedy = str(error).partition(": ")
        return Finding("Redis", ok=False, found=found, remedy=remedy)
    return Finding("Redis", ok=True, found=str(server))


def _running(url: str) -> Iterator[Finding]:
    from aloe.redis.faults import RedisFault
    from aloe.redis.looking import look_at_redis
    from aloe.values.urls import shown

    try:
        concerns = look_at_redis(url, timeout_s=_TIMEOUT_S).concerns
    except ValueError as error:
        yield Finding("Redis", ok=False, found="REDIS_URL is no URL of a Redis", remedy=str(error))
        return
    except RedisFault as fault:
        yield Finding("Redis", ok=False, found=fault.found, remedy=fault.remedy)
        return
    yield Finding("Redis", ok=True, found=shown(url), remedy=_INSIDE)
    for concern in concerns:
        yield Finding(
            f"Redis: {concern.kind.value.replace('_', ' ')}",
            ok=False,
            found=concern.statement,
            remedy=concern.remedy,
            needed=concern.is_refused,
        )
