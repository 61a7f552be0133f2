"""What imports that stall half-way hold of a learner's memory, and for how long.

    python -m tests.load.stalled_imports --imports 60 --json

Each import sends messages of embeddings through a proxy that passes on some of its bytes and then
no more. Three kinds: those of a client's usual messages, of one message that never comes whole, and
of small messages after which nothing comes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import numpy as np
from tests.benchmarks.learner_server import FINGERPRINT, LearnerServer, running_learner
from tests.benchmarks.measuring import machine, resident_mb

from aloe.client import LearnerClient, connect
from aloe.v1 import pool_pb2

_IMPORT = "/aloe.v1.LearnerService/ImportClips"
_MB = 1024**2
_DIM = 1024
_COPY_BYTES = 64 * 1024
_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


def message(pool_id: str, first: int, byte_count: int) -> bytes:
    """An ImportClipsRequest of about so many bytes of embeddings."""
    rows = max(1, byte_count // (4 * _DIM))
    vectors = np.full((rows, _DIM), first, np.float32)
    vectors[:, 0] = range(rows)
    request = pool_pb2.ImportClipsRequest(pool=f"pools/{pool_id}", encoder_fingerprint=FINGERPRINT)
    request.clips.extend(pool_pb2.NewClip(clip_id=f"c{first}-{row}") for row in range(rows))
    request.embeddings.values = vectors.tobytes()
    request.embeddings.row_count, request.embeddings.column_count = rows, _DIM
    return request.SerializeToString()


@asynccontextmanager
async def stalling_proxy(address: str, byte_count: int) -> AsyncIterator[str]:
    """Pass on so many bytes to an address, on each connection, and all that comes back."""
    host, _, port = address.rpartition(":")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(host, int(port))
        back = asyncio.create_task(_copy(server_reader, writer, None))
        # Whoever is connected when the proxy ends is cut off.
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await _copy(reader, server_writer, byte_count)
            await back
        back.cancel()
        writer.close()
        server_writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
) -> None:
    while left is None or left > 0:
        data = await reader.read(_COPY_BYTES if left is None else min(left, _COPY_BYTES))
        if not data:
            return
        writer.write(data)
        await writer.drain()
        left = None if left is None else left - len(data)


@asynccontextmanager
async def import_of(address: str, messages: Iterator[bytes]) -> AsyncIterator[Any]:
    """Send messages of an import on a connection of its own, and then nothing."""
    async with grpc.aio.insecure_channel(address, _OPTIONS) as channel:
        call: Any = channel.stream_unary(_IMPORT)()

        async def send() -> None:
            for each in messages:
                await call.write(each)

        sending = asyncio.create_task(send())
        try:
            yield call
        finally:
            sending.cancel()
            call.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def stalled(
    server: LearnerServer, client: LearnerClient, kind: str, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Let imports stall; return what the learner holds then, and how they end."""
    await asyncio.to_thread(
        client.create_pool, kind, encoder_fingerprint=FINGERPRINT, embedding_dim=_DIM
    )
    sent = round(arguments.stall_mb * _MB)
    size, count, passed = {
        "usual": (2 * _MB, 64, sent),
        "one_message": (2 * sent, 1, sent),
        "silent": (2 * _MB, sent // (2 * _MB), 2 * sent),
    }[kind]
    before, began = resident_mb(server.pid), time.perf_counter()
    async with AsyncExitStack() as ending:
        address = await ending.enter_async_context(stalling_proxy(server.address, passed))
        calls = []
        for number in range(arguments.imports):
            messages = (message(kind, 1_000 * number + part, size) for part in range(count))
            calls.append(await ending.enter_async_context(import_of(address, messages)))
            await asyncio.sleep(0)
        peak_mb = before
        while time.perf_counter() - began < arguments.seconds:
            await asyncio.sleep(0.25)
            peak_mb = max(peak_mb, resident_mb(server.pid))
        ended = [call for call in calls if call.done()]
        codes = [(await call.code()).name for call in ended]
        held_mb = resident_mb(server.pid)
    return {
        "before_mb": round(before),
        "peak_mb": round(peak_mb - before),
        "held_mb": round(held_mb - before),
        "ended": {code: codes.count(code) for code in sorted(set(codes))},
        "clip_count": (await asyncio.to_thread(client.get_pool, kind)).clip_count,
    }


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    figures: dict[str, Any] = {"machine": machine(), "imports": arguments.imports}
    for kind in ("usual", "one_message", "silent"):
        with running_learner() as server, connect(server.address) as client:
            figures[kind] = await stalled(server, client, kind, arguments)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--imports", type=int, default=60, help="at once, of each kind")
    parser.add_argument(
        "--stall-mb", type=float, default=16, help="MB that each sends before it stalls"
    )
    parser.add_argument("--seconds", type=float, default=45, help="for which memory is measured")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    figures = asyncio.run(measure(arguments))
    sys.stdout.write(json.dumps(figures, indent=None if arguments.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
