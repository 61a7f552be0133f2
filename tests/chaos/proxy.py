"""A proxy for one server: it forwards connections until it is told to misbehave."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_CHUNK_BYTES = 64 * 1024


class Proxy:
    """Clients connect to it instead of the server."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        """Take a function that connects to the server; nothing runs yet."""
        self.delay_s = 0.0
        """Added to each piece of data that passes, in both directions."""
        self.loses_replies = False
        """Drop what the server sends. `heal` cuts the connections afterwards: they miss bytes."""
        self.round_trip_count = 0
        """How often connections asked; what one sends before it is answered is one question."""
        self._connect = connect
        self._pairs: dict[asyncio.Task[None], _Pair] = {}
        self._server: asyncio.Server | None = None

    async def listen(self) -> str:
        """Listen on a free port of this machine and return "host:port"."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def listen_unix(self, path: Path) -> None:
        """Listen on a unix socket."""
        self._server = await asyncio.start_unix_server(self._serve, str(path))

    def cut(self, share: float, rng: random.Random) -> None:
        """Abort a share of the connections, without closing them properly."""
        for pair in list(self._pairs.values()):
            if rng.random() < share:
                pair.abort()

    def half_close(self, share: float, rng: random.Random) -> None:
        """Close one direction of a share of the connections; the other goes on."""
        for pair in list(self._pairs.values()):
            if rng.random() < share:
                pair.half_close(towards_server=rng.random() < 0.5)

    def heal(self) -> None:
        """Forward normally again."""
        self.delay_s = 0.0
        if self.loses_replies:
            self.loses_replies = False
            self.cut(1.0, random.Random())

    async def close(self) -> None:
        """Stop listening and abort all connections."""
        if self._server is not None:
            self._server.close()
        for pair in list(self._pairs.values()):
            pair.abort()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, server_writer)
        task = asyncio.current_task()
        assert task is not None
        self._pairs[task] = pair
        try:
            await asyncio.gather(
                self._pump(reader, server_writer, pair, from_server=False),
                self._pump(server_reader, writer, pair, from_server=True),
            )
        finally:
            del self._pairs[task]
            pair.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: "_Pair",
        *,
        from_server: bool,
    ) -> None:
        # RuntimeError: half_close closed this direction.
        with contextlib.suppress(OSError, RuntimeError):
            while data := await reader.read(_CHUNK_BYTES):
                self.round_trip_count += pair.is_answered and not from_server
                pair.is_answered = from_server
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if from_server and self.loses_replies:
                    continue
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()


class _Pair:
    """The two halves of one connection."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._client, self._server = client, server
        self.is_answered = True
        """Whether the server sent last, or nobody has yet."""

    def abort(self) -> None:
        for writer in (self._client, self._server):
            writer.transport.abort()

    def half_close(self, *, towards_server: bool) -> None:
        writer = self._server if towards_server else self._client
        if not writer.transport.is_closing():
            with contextlib.suppress(OSError):
                writer.write_eof()


def to_unix(path: Path) -> Proxy:
    """Make a proxy for a server on a unix socket."""
    return Proxy(lambda: asyncio.open_unix_connection(str(path)))


def to_tcp(address: str) -> Proxy:
    """Make a proxy for a server at "host:port"."""
    host, _, port = address.rpartition(":")
    return Proxy(lambda: asyncio.open_connection(host, int(port)))
