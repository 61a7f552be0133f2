"""Connections as idle gRPC clients keep them: HTTP/2, with a ping now and then, and no call."""

import asyncio
import struct
from typing import Self

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS, _PING, _GOAWAY = 4, 6, 7
_ACK = 1
_HEADER = 9
_PING_S = 30.0
"""As often as ALOE's client."""
_OPENED_AT_ONCE = 100


def frame(kind: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """Write a frame of HTTP/2 that belongs to no stream."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + bytes(4) + payload


class IdleConnections:
    """So many connections to an address, while the block runs."""

    def __init__(self, address: str, count: int) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port, self._count = host, int(port), count
        self._running: list[asyncio.Task[None]] = []
        self._opened = 0

    async def __aenter__(self) -> Self:
        for first in range(0, self._count, _OPENED_AT_ONCE):
            count = min(_OPENED_AT_ONCE, self._count - first)
            await asyncio.gather(*(self._open() for _ in range(count)))
        return self

    async def __aexit__(self, *_: object) -> None:
        lost = [each for each in self._running if each.done()]
        for each in self._running:
            each.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if lost:
            raise ConnectionError(f"{len(lost):,} of {self._count:,} connections were lost")

    async def _open(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(_PREFACE + frame(_SETTINGS))
        kind, _, _ = await self._frame(reader)
        assert kind == _SETTINGS, kind
        writer.write(frame(_SETTINGS, flags=_ACK))
        self._running.append(asyncio.create_task(self._keep(reader, writer)))

    async def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pinging = asyncio.create_task(self._ping(writer))
        try:
            while True:
                kind, flags, payload = await self._frame(reader)
                if kind == _GOAWAY:
                    raise ConnectionError(repr(payload))
                if kind == _PING and not flags & _ACK:
                    writer.write(frame(_PING, payload, _ACK))
        finally:
            pinging.cancel()
            writer.close()

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        # Spread over the time between two pings, as those of many clients are.
        self._opened += 1
        await asyncio.sleep(_PING_S * (self._opened % 997) / 997)
        while True:
            writer.write(frame(_PING, bytes(8)))
            await asyncio.sleep(_PING_S)

    async def _frame(self, reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
        header = await reader.readexactly(_HEADER)
        size = int.from_bytes(header[:3], "big")
        return header[3], header[4], await reader.readexactly(size)
