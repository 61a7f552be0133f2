import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest
from tests.rpc.embedding.serving import audio, error_details, matrix, request, serve, stream
from tests.unit.embedding.gated_encoder import GatedEncoder, clip
from tests.unit.embedding.recordings import pcm, tone

from aloe.embedding.usecases.bulk import WINDOW_CLIP_COUNT
from aloe.embedding.usecases.service import ServiceLimits
from aloe.v1 import embedding_service_pb2 as pb2


def vector(result: pb2.StreamedEmbedding) -> np.ndarray:
    assert result.WhichOneof("result") == "embedding", result.error
    return np.frombuffer(result.embedding, "<f4")


async def test_every_clip_of_a_stream_gets_the_embedding_of_a_unary_call(stub: Any) -> None:
    rng = np.random.default_rng(3)
    clips = [pcm(rng.normal(0, 0.1, n).astype(np.float32)) for n in rng.integers(800, 9_000, 200)]
    results = await stream(
        stub, [clips[start : start + 37] for start in range(0, 200, 37)], encoder_id="grid-net"
    )
    unary = matrix(await stub.Embed(request(*clips, encoder_id="grid-net")))
    assert sorted(results) == list(range(200))
    for number, result in results.items():
        np.testing.assert_allclose(vector(result), unary[number], rtol=0, atol=1e-5)
        assert result.duration.nanos > 0


async def test_an_empty_stream_ends_at_once(stub: Any) -> None:
    assert await stream(stub, []) == {}
    assert await stream(stub, [[]]) == {}


async def test_encoder_and_fingerprint_are_read_from_the_first_message(stub: Any) -> None:
    for fields, code in (
        ({"encoder_id": "nobody"}, grpc.StatusCode.NOT_FOUND),
        ({"fingerprint": "0" * 32}, grpc.StatusCode.FAILED_PRECONDITION),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream(stub, [[pcm(tone())]], **fields)
        assert caught.value.code() is code


async def test_short_clips_come_back_before_a_long_one_that_was_sent_first() -> None:
    encoder = GatedEncoder()
    async with serve(encoder) as stub:
        call = stub.EmbedStream()
        for number, length in enumerate((50, 10)):
            clips = [pb2.StreamedClip(sequence_number=number, audio=audio(pcm(clip(1, length))))]
            await call.write(pb2.EmbedStreamRequest(clips=clips))
            if number == 0:
                await asyncio.to_thread(encoder.wait_until_running)
        # While the long one runs, both have been read; then each batch is let through.
        encoder.open()
        first = await call.read()
        assert [result.sequence_number for result in first.results] == [0]
        encoder.open()
        second = await call.read()
        assert [result.sequence_number for result in second.results] == [1]
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_the_server_reads_no_further_than_its_window() -> None:
    encoder = GatedEncoder()
    written = 0

    async def requests() -> AsyncIterator[pb2.EmbedStreamRequest]:
        nonlocal written
        payload = audio(pcm(clip(1, 16_000)))
        for number in range(40 * WINDOW_CLIP_COUNT):
            written += 1
            clips = [pb2.StreamedClip(sequence_number=number, audio=payload)]
            yield pb2.EmbedStreamRequest(clips=clips)

    async with serve(encoder) as stub:
        call = stub.EmbedStream(requests())
        await asyncio.to_thread(encoder.wait_until_running)
        # Flow control, not the test, stops the writer: it stands still once buffers are full.
        previous = -1
        while written != previous:
            previous = written
            await asyncio.wait([asyncio.ensure_future(call.code())], timeout=0.3)
        assert written < 20 * WINDOW_CLIP_COUNT
        call.cancel()
        encoder.open(1_000)


async def test_cancelled_streams_and_calls_give_their_room_back() -> None:
    encoder = GatedEncoder()
    limits = ServiceLimits(max_clip_count=8)
    async with serve(encoder, limits=limits) as stub:
        calls = [stub.Embed(request(pcm(clip(1)))) for _ in range(8)]
        await asyncio.to_thread(encoder.wait_until_running)
        # It waits for its turn first, for as long as it may.
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Embed(request(pcm(clip(1))), timeout=8)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        found = error_details(caught.value)
        assert found["ErrorInfo"].reason == "OVERLOADED"
        assert found["RetryInfo"].retry_delay.ToTimedelta().total_seconds() > 0
        for call in calls:
            call.cancel()
        encoder.open(1_000)
        await until_answered(stub)


async def test_a_cancelled_stream_gives_its_room_back() -> None:
    encoder = GatedEncoder()
    async with serve(encoder, limits=ServiceLimits(max_clip_count=8)) as stub:
        call = stub.EmbedStream()
        clips = [pb2.StreamedClip(audio=audio(pcm(clip(1, 10 + n)))) for n in range(6)]
        await call.write(pb2.EmbedStreamRequest(clips=clips))
        await asyncio.to_thread(encoder.wait_until_running)
        call.cancel()
        encoder.open(1_000)
        # A call that needs all of it.
        await until_answered(stub, clip_count=8)


async def until_answered(stub: Any, clip_count: int = 1) -> None:
    """Call until there is room: cancellations travel too."""
    while True:
        try:
            await stub.Embed(request(*[pcm(clip(2))] * clip_count), timeout=5)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
        else:
            return


async def test_calls_go_through_while_streams_fill_their_half_of_the_room() -> None:
    encoder = GatedEncoder(is_open=True)
    async with serve(encoder, limits=ServiceLimits(max_clip_count=64)) as stub:
        clips = [[pcm(clip(1, 100 + number % 7))] * 16 for number in range(60)]
        streams = [asyncio.create_task(stream(stub, clips)) for _ in range(3)]
        for _ in range(50):
            await stub.Embed(request(pcm(clip(2))))
        for results in await asyncio.gather(*streams):
            assert len(results) == 960


async def test_an_expired_deadline_never_reaches_the_encoder() -> None:
    encoder = GatedEncoder()
    async with serve(encoder) as stub:
        held = stub.Embed(request(pcm(clip(1))))
        await asyncio.to_thread(encoder.wait_until_running)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Embed(request(pcm(clip(0.5, 20))), timeout=0.05)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        encoder.open(1_000)
        await held
        await stub.Embed(request(pcm(clip(0.25, 30))))
        assert [0.5] not in encoder.first_samples
