import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from tests.chaos.proxy import Proxy, to_tcp

RNG = random.Random(3)


@dataclass
class Call:
    """A connection through the proxy to a server that sends back what it gets."""

    proxy: Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def echo(self, text: bytes) -> bytes:
        self.writer.write(text)
        return await asyncio.wait_for(self.reader.readexactly(len(text)), 5)


@asynccontextmanager
async def _connected() -> AsyncIterator[Call]:
    async def send_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1_000):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(send_back, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        proxy = to_tcp(f"{host}:{port}")
        host, _, port_text = (await proxy.listen()).rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port_text))
        try:
            yield Call(proxy, reader, writer)
        finally:
            writer.close()
            await proxy.close()


async def test_a_proxy_passes_bytes_both_ways():
    async with _connected() as call:
        assert await call.echo(b"hello") == b"hello"


async def test_a_slow_proxy_passes_bytes_later():
    async with _connected() as call:
        call.proxy.delay_s = 0.05
        started_s = asyncio.get_running_loop().time()
        assert await call.echo(b"hello") == b"hello"
        assert asyncio.get_running_loop().time() - started_s >= 0.1


async def test_a_cut_breaks_the_connection():
    async with _connected() as call:
        await call.echo(b"hello")
        call.proxy.cut(1.0, RNG)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await call.echo(b"again")


async def test_lost_replies_never_come_and_end_the_connection():
    async with _connected() as call:
        await call.echo(b"hello")
        call.proxy.loses_replies = True
        call.writer.write(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call.reader.read(1), 0.1)
        call.proxy.heal()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await call.echo(b"again")


async def test_a_half_closed_connection_ends():
    async with _connected() as call:
        await call.echo(b"hello")
        call.proxy.half_close(1.0, RNG)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await call.echo(b"again")


async def test_a_server_that_is_gone_refuses_by_the_proxy_too():
    proxy = to_tcp("127.0.0.1:1")
    host, _, port = (await proxy.listen()).rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    writer.close()
    await proxy.close()


async def test_a_proxy_counts_round_trips():
    async with _connected() as call:
        assert call.proxy.round_trip_count == 0
        for asked in range(1, 4):
            await call.echo(b"hello")
            assert call.proxy.round_trip_count == asked
