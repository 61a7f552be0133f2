import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import grpc
import numpy as np
import pytest
from tests.rpc.embedding.serving import audio, error_details, request, serve, serve_at
from tests.unit.embedding.gated_encoder import GatedEncoder, clip
from tests.unit.embedding.recordings import pcm

from aloe.client import connect_embedding, connect_embedding_async
from aloe.client.types import Pcm
from aloe.embedding.usecases.service import ServiceLimits
from aloe.v1 import embedding_service_pb2 as pb2

IDLE_S = 0.3
LIMITS = ServiceLimits(stream_idle_s=IDLE_S)


def message(*numbers: int) -> pb2.EmbedStreamRequest:
    clips = [
        pb2.StreamedClip(sequence_number=number, audio=audio(pcm(clip(1, 10 + number % 7))))
        for number in numbers
    ]
    return pb2.EmbedStreamRequest(clips=clips)


async def to_the_end(call: Any) -> None:
    async with asyncio.timeout(10):
        while await call.read() is not grpc.aio.EOF:
            pass


async def expect_idle(call: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await to_the_end(call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error_details(caught.value)["ErrorInfo"].reason == "STREAM_IDLE"
    assert "open another stream" in str(caught.value.details())


@pytest.mark.parametrize("clip_count", [0, 2])
async def test_a_stream_whose_caller_sends_nothing_more_ends(clip_count: int) -> None:
    async with serve(GatedEncoder(is_open=True), limits=LIMITS) as stub:
        call = stub.EmbedStream()
        if clip_count:
            await call.write(message(*range(clip_count)))
        found = 0
        while found < clip_count:
            found += len((await call.read()).results)
        await expect_idle(call)
        await stub.Embed(request(pcm(clip(1))))


async def test_a_stream_that_the_server_works_for_does_not_end() -> None:
    encoder = GatedEncoder()
    async with serve(encoder, limits=LIMITS) as stub:
        call = stub.EmbedStream()
        await call.write(message(0))
        await asyncio.to_thread(encoder.wait_until_running)
        await asyncio.sleep(2 * IDLE_S)
        encoder.open(1_000)
        assert [result.sequence_number for result in (await call.read()).results] == [0]
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_a_stream_whose_caller_takes_no_results_ends_and_leaves_its_place() -> None:
    limits = ServiceLimits(stream_idle_s=IDLE_S, max_stream_count=1)
    async with serve(GatedEncoder(is_open=True), limits=limits) as stub:
        call = stub.EmbedStream()

        async def write_on() -> None:
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                for begin in range(0, 6_000, 100):
                    await call.write(message(*range(begin, begin + 100)))

        writing = asyncio.create_task(write_on())
        await call.wait_for_connection()
        other = stub.EmbedStream()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await other.read()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "RetryInfo" in error_details(caught.value)
        # Its own results stay unread all the while.
        for _ in range(60):
            if await is_served(stub):
                break
            await asyncio.sleep(IDLE_S)
        else:
            raise AssertionError("its place is still taken")
        await expect_idle(call)
        await writing


async def is_served(stub: Any) -> bool:
    call = stub.EmbedStream(iter([message(1)]))
    try:
        return len((await call.read()).results) == 1
    except grpc.aio.AioRpcError:
        return False


def keyed(number: int) -> tuple[str, Pcm]:
    return str(number), Pcm(np.full(10 + number, 0.5, np.float32), 16_000)


async def test_clients_that_send_slowly_notice_nothing() -> None:
    def slowly() -> Iterator[tuple[str, Pcm]]:
        for number in range(3):
            yield keyed(number)
            time.sleep(2 * IDLE_S)

    async def slowly_async() -> AsyncIterator[tuple[str, Pcm]]:
        for number in range(3):
            yield keyed(number)
            await asyncio.sleep(2 * IDLE_S)

    def blocking(address: str) -> list[str]:
        with connect_embedding(address) as client:
            return sorted(clip.key for clip in client.embed_stream(slowly()))

    async with serve_at(GatedEncoder(is_open=True), limits=LIMITS) as address:
        async with connect_embedding_async(address) as client:
            found = [clip.key async for clip in client.embed_stream(slowly_async())]
        assert sorted(found) == ["0", "1", "2"]
        assert await asyncio.to_thread(blocking, address) == ["0", "1", "2"]
