"""A server that goes away in the middle of a call, byte by byte as networks and proxies do it."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 3, 4, 6, 7
ACK, END_STREAM, END_HEADERS = 1, 1, 4
_PREFACE_LENGTH = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

Misdeed = Callable[["Connection", int], None]
"""Does something to a connection when a call, of the given stream, has begun on it."""


class Connection:
    """The server's end of an HTTP/2 connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> None:
        """Send one frame."""
        head = struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream)
        self.sock.sendall(head + payload)

    def send_headers(self, stream: int, *, end: bool, status: int = 200, **headers: str) -> None:
        """Send response headers or trailers; underscores stand for dashes."""
        fields = {":status": str(status)} if not end or status != 200 else {}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        block = b"".join(map(_literal, fields, fields.values()))
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.send(HEADERS, block, flags=flags, stream=stream)

    def go_away(self, code: int, debug: bytes = b"", *, last_stream: int) -> None:
        """Say that the connection ends and why."""
        self.send(GOAWAY, struct.pack(">II", last_stream, code) + debug)

    def reset(self, stream: int, code: int) -> None:
        """Break off a call."""
        self.send(RST_STREAM, struct.pack(">I", code), stream=stream)

    def finish(self) -> None:
        """Send no more and wait for the client to leave, so that it reads what was sent."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            while self.sock.recv(65536):
                pass

    def read_until_headers(self) -> int:
        """Greet, and answer what must be answered; return the stream of the first call."""
        self._take(_PREFACE_LENGTH)
        self.send(SETTINGS)
        while True:
            head = self._take(9)
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            payload = self._take(int.from_bytes(head[:3], "big"))
            if kind == HEADERS:
                return int(stream)
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.send(kind, payload if kind == PING else b"", flags=ACK)

    def _take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            if not (more := self.sock.recv(count - len(taken))):
                raise ConnectionError("the client has gone")
            taken += more
        return taken


class RoughServer:
    """Ill-treats the first connection; passes the later ones on to a server that answers."""

    def __init__(self, misdeed: Misdeed, behind: str) -> None:
        self._misdeed = misdeed
        self._behind = ("127.0.0.1", int(behind.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            first, _ = self._listener.accept()
            # Later connections wait until the first is over.
            with first, suppress(ConnectionError):
                connection = Connection(first)
                self._misdeed(connection, connection.read_until_headers())
                connection.finish()
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._behind)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _literal(name: str, value: str) -> bytes:
    """One header field of HPACK: literal, not indexed, without Huffman coding."""
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
