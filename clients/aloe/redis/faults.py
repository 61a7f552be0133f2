"""Why a Redis cannot be talked to, in one line that says what helps."""

import contextlib
import socket
import ssl
from typing import TypeAlias
from urllib.parse import urlsplit

from aloe.redis.codes import code_of
from aloe.redis.connecting import SINGLE
from aloe.values.urls import shown, without_logins
from redis.exceptions import RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import MasterNotFoundError


class RedisFault(Exception):
    """A Redis that cannot be used; no message holds a password."""

    def __init__(self, found: str, remedy: str, *, is_away: bool) -> None:
        super().__init__(f"{found}: {remedy}")
        self.found, self.remedy = found, remedy
        self.is_away = is_away
        """Whether it may come by itself; otherwise someone has to change something."""


FAILURES = (RedisError, RedisClusterException, OSError, UnicodeError)
"""What redis-py raises where it cannot talk to a server."""


def fault_of(error: BaseException, url: str, timeout_s: float) -> RedisFault:
    """Say what a failure means; looks at the port once more where that is not plain.

    Args:
        error: one of FAILURES.
        url: of the Redis.
        timeout_s: how long the second look may take.
    """
    name = f"the Redis at {shown(url)}"
    found, remedy, is_away = _plain_meaning(error) or _second_look(error, url, timeout_s)
    return RedisFault(f"{name} {found}", remedy, is_away=is_away)


_Meaning: TypeAlias = tuple[str, str, bool]
"""What was found, what helps, and whether it may come by itself."""

_NO_REDIS: _Meaning = (
    "is no Redis",
    "give the host and port of the Redis; another program has these",
    False,
)
_BY_CODE: dict[str, _Meaning] = {
    "NOAUTH": (
        "wants a login, and takes none or not this one",
        "give a URL with USER:PASSWORD@ (or :PASSWORD@) in front of the host",
        False,
    ),
    "NOPERM": (
        "forbids its user what ALOE needs",
        "give the user the permissions that deploy/REDIS.md lists",
        False,
    ),
    "LOADING": ("still loads its data", "wait for it", True),
    "BUSY": (
        "is kept busy by a script",
        "wait for it, or end it with SCRIPT KILL; see who runs it, since ALOE's scripts are short",
        True,
    ),
    "READONLY": (
        "is a replica, which takes no changes",
        "give the URL of the primary, or of the Sentinels, unless a failover is under way",
        True,
    ),
    "MASTERDOWN": (
        "is a replica that has lost its primary",
        "give the URL of the primary, or of the Sentinels; see whether the primary runs",
        True,
    ),
    "CLUSTERDOWN": (
        "is part of a cluster that serves nobody",
        "see CLUSTER INFO: some node that holds a part of the keys is away",
        True,
    ),
}
_BY_CLASS: tuple[tuple[type[Exception], _Meaning], ...] = (
    (
        MasterNotFoundError,
        (
            "names no master",
            "see whether the Sentinels run, want no login and know that master",
            True,
        ),
    ),
    (
        RedisClusterException,
        (
            "is no cluster that answers",
            "see whether it runs and takes the login; of one server the URL is redis://HOST:PORT",
            True,
        ),
    ),
)


def remedy_of(error: BaseException) -> str:
    """Return what helps where a Redis answers with an error; empty where the error says it."""
    known = _BY_CODE.get(code_of(error))
    return known[1] if known else ""


def _plain_meaning(error: BaseException) -> _Meaning | None:
    known = _BY_CODE.get(code_of(error))
    return known or next((what for kind, what in _BY_CLASS if isinstance(error, kind)), None)


def _second_look(error: BaseException, url: str, timeout_s: float) -> _Meaning:
    causes = list(_chain(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return (
            "has a certificate that is not trusted here",
            "add ?ssl_ca_certs=FILE of the authority that signed it, and give its name as HOST",
            False,
        )
    is_late = any(isinstance(cause, RedisTimeoutError | TimeoutError) for cause in causes)
    said = b"" if is_late and not url.startswith("rediss://") else _greeting(url, timeout_s)
    if said is None:
        return (
            f"cannot be reached ({_words(error)})",
            "start it, or correct the host and port",
            True,
        )
    if is_late and not said:
        return _silent(error)
    return _wrong_language(error, url, said, timeout_s)


def _wrong_language(error: BaseException, url: str, said: bytes, timeout_s: float) -> _Meaning:
    is_redis = said.startswith(_REPLIES)
    if is_redis and url.startswith("rediss://"):
        return "speaks no TLS", "give a URL redis://, or the port on which it does", False
    if is_redis:
        return f"cut the connection ({_words(error)})", "try again", True
    if url.startswith("redis://") and _speaks_tls(url, timeout_s):
        return "speaks TLS only", "give a URL rediss://", False
    # Whoever says nothing may be a Redis behind a bad line; what makes no sense once may as well.
    return _NO_REDIS if said else _silent(error)


def _silent(error: BaseException) -> _Meaning:
    return (
        f"does not answer ({_words(error)})",
        "see whether it hangs, or whether another program or machine has that address",
        True,
    )


_REPLIES = (b"+PONG", b"-NOAUTH", b"-ERR", b"-DENIED", b"-LOADING", b"-NOPERM")
"""How a Redis answers a PING."""


def _greeting(url: str, timeout_s: float) -> bytes | None:
    """Return what the server answers to a plain PING; None if nothing takes the connection."""
    if not url.startswith(SINGLE):
        return None
    try:
        connection = _connection(url, timeout_s)
    except (OSError, UnicodeError):
        return None
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"PING\r\n")
        return connection.recv(64)
    return b""


def _speaks_tls(url: str, timeout_s: float) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            _connection(url, timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=urlsplit(url).hostname),
        ):
            return True
    except ssl.SSLError as error:
        # A server that wants a certificate of its clients speaks TLS as well.
        return "alert" in str(error).lower()
    except OSError:
        return False


def _connection(url: str, timeout_s: float) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout_s)
        connection.connect(parts.path)
        return connection
    return socket.create_connection((parts.hostname or "localhost", parts.port or 6379), timeout_s)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _words(error: BaseException) -> str:
    return " ".join(without_logins(str(error)).split()).rstrip(".") or type(error).__name__
