"""Recordings on a web server that the operator names: one host and port, one folder, no redirect.

With the standard library: fsspec's file system for the web asks by HEAD first, follows redirects,
and takes the place for whatever its library makes of the path.
"""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from aloe.learner.adapters.audio.paths import leads_elsewhere
from aloe.learner.adapters.audio.reading import MAX_FILE_BYTES, checked_size, reason_of
from aloe.learner.domain.errors import AudioNotFound
from aloe.values.urls import shown

WEB_SCHEMES = ("http", "https")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE = "/%:@!$&'()*+,;=~-._"
"""What stays as it is in a path; all else is percent-encoded."""
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class WebTimes:
    """How long a server may take."""

    step_s: float = 5.0
    """To take a connection, and between two packets."""
    whole_s: float = 20.0
    """From the request to the last byte: as long as anyone waits for it (bulkheads)."""


class WebPlace:
    """A folder of a web server. Nothing else of that server can be read, nor any other one."""

    def __init__(self, prefix: str, times: WebTimes | None = None) -> None:
        """Take the URL of the folder. Raises ValueError, without the URL, where it is none."""
        parts = urlsplit(prefix)
        folder = parts.path.strip("/")
        if "@" in prefix:
            raise ValueError("a login in it would be told to callers")
        if not parts.hostname or "?" in prefix or "#" in prefix or "%" in folder:
            raise ValueError(
                "give https://HOST/FOLDER/, without options, and without percent encodings"
            )
        if folder and leads_elsewhere(folder):
            raise ValueError("the path must be plain: no empty segment, no . and no ..")
        self._origin = _origin(parts)
        self._folder = f"/{folder}/" if folder else "/"
        self._times = times or WebTimes()

    def target_of(self, uri: str) -> str | None:
        """Return what to ask the server for; None if a URI is not surely below this place."""
        if any(each <= " " or each == "\x7f" for each in uri) or "#" in uri or "\\" in uri:
            return None
        try:
            parts = urlsplit(uri)
            origin = _origin(parts)
        except ValueError:
            return None
        path = parts.path
        if "@" in parts.netloc or origin != self._origin or not path.startswith(self._folder):
            return None
        if leads_elsewhere(path[len(self._folder) :]):
            return None
        target = quote(path, safe=_SAFE)
        return f"{target}?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else target

    def read(self, uri: str, target: str) -> bytes:
        """Return what the server answers.

        Args:
            uri: for messages.
            target: see `target_of`.

        Raises:
            AudioNotFound: it answers something else than 200, too much, too late or not at all.
        """
        connection, is_late = self._connection(), threading.Event()
        try:
            connection.connect()
            # Each step has its time; a server that sends a byte now and then must end as well.
            with _cut_after(self._times.whole_s, connection.sock, is_late):
                content = self._answer(connection, uri, target)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not is_late.is_set():
                why = reason_of(error)
                raise AudioNotFound(f"{shown(uri)!r} cannot be read: {why}") from error
        finally:
            connection.close()
        if is_late.is_set():  # What was cut may look like an end to its reader.
            whole_s = self._times.whole_s
            raise AudioNotFound(f"{shown(uri)!r} cannot be read: it takes over {whole_s:g} s")
        return content

    def _connection(self) -> http.client.HTTPConnection:
        scheme, host, port = self._origin
        kind = http.client.HTTPConnection if scheme == "http" else http.client.HTTPSConnection
        return kind(host, port, timeout=self._times.step_s)

    def _answer(self, connection: http.client.HTTPConnection, uri: str, target: str) -> bytes:
        connection.request("GET", target, headers={"User-Agent": "aloe", "Connection": "close"})
        answer = connection.getresponse()
        if 300 <= answer.status < 400:
            raise AudioNotFound(f"{shown(uri)!r} is elsewhere: redirects are not followed")
        if answer.status != 200:
            raise AudioNotFound(f"{shown(uri)!r} cannot be read: the server says {answer.status}")
        if answer.getheader("Content-Encoding", "identity") != "identity":
            raise AudioNotFound(f"{shown(uri)!r} comes compressed, which is not read")
        if (answer.length or 0) > MAX_FILE_BYTES:
            raise AudioNotFound(
                f"{shown(uri)!r} has {answer.length:,} bytes, over {MAX_FILE_BYTES:,}"
            )
        content = bytearray()
        while len(content) <= MAX_FILE_BYTES and (block := answer.read1(_BLOCK_BYTES)):
            content += block
        if answer.length:  # What is left of what was announced.
            raise ConnectionError("the server cut it off")
        return checked_size(shown(uri), bytes(content))


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port. Raises ValueError, without what they are."""
    scheme = parts.scheme.lower()
    if scheme not in WEB_SCHEMES:
        raise ValueError("no URL of the web")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is no number") from None
    return scheme, (parts.hostname or "").lower(), _DEFAULT_PORTS[scheme] if port is None else port


@contextlib.contextmanager
def _cut_after(time_s: float, sock: socket.socket, is_late: threading.Event) -> Iterator[None]:
    """End a connection under whoever reads from it."""

    def cut() -> None:
        is_late.set()
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(time_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
