"""What a call costs is known before any of it is decoded, and bounded where headers lie."""

import asyncio
import time
from typing import Any

import grpc
import numpy as np
import pytest
from tests.audio_files import made, speechlike
from tests.rpc.embedding.serving import (
    audio,
    details,
    error_details,
    request,
    serve,
    stream,
    violated_fields,
)
from tests.unit.embedding.gated_encoder import GatedEncoder, clip
from tests.unit.embedding.recordings import pcm

from aloe.embedding.ports.recorder import NoRecorder
from aloe.embedding.usecases.service import ServiceLimits
from aloe.v1 import embedding_service_pb2 as pb2

SECONDS = 59
SILENCE = made("flac", np.zeros(SECONDS * 16_000, np.int16))
DECODED_BYTES = 4 * SECONDS * 16_000
WIDE = made("flac", np.zeros((SECONDS * 192_000, 8), np.int16), 192_000)


class DecodeCounter(NoRecorder):
    """Counts calls whose clips were decoded."""

    def __init__(self) -> None:
        self.count = 0

    def decoded(self, encoder_id: str, duration_s: float) -> None:
        del encoder_id, duration_s
        self.count += 1


def lying(content: bytes) -> bytes:
    """Let a FLAC file say that it holds one sample, and nothing of a checksum."""
    header = bytearray(content)
    header[21] &= 0xF0
    header[22:26] = (1).to_bytes(4, "big")
    header[26:42] = bytes(16)
    return bytes(header)


async def refusal(call: Any) -> tuple[grpc.StatusCode, dict[str, Any]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), error_details(caught.value)


@pytest.mark.parametrize(("content", "count"), [(SILENCE, 1_000), (WIDE, 200)])
async def test_what_can_never_fit_is_refused_before_anything_is_decoded(
    content: bytes, count: int
) -> None:
    recorder = DecodeCounter()
    async with serve(GatedEncoder(is_open=True), recorder=recorder) as stub:
        code, found = await refusal(stub.Embed(request(*[content] * count), timeout=10))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert violated_fields(found) == ["clips"]
        assert "EmbedStream" in found["BadRequest"].field_violations[0].description
        assert recorder.count == 0


@pytest.mark.parametrize(
    "limits",
    [
        ServiceLimits(max_byte_count=DECODED_BYTES - 1),
        ServiceLimits(max_sample_count=SECONDS * 16_000 - 1),
    ],
    ids=["bytes", "samples"],
)
async def test_a_clip_that_can_never_fit_is_named(limits: ServiceLimits) -> None:
    recorder = DecodeCounter()
    async with serve(GatedEncoder(is_open=True), limits=limits, recorder=recorder) as stub:
        small = pcm(clip(1))
        code, found = await refusal(stub.Embed(request(small, SILENCE, small, SILENCE)))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert violated_fields(found) == ["clips[1]", "clips[3]"]
        assert "fewer channels" in found["BadRequest"].field_violations[0].description
        assert recorder.count == 0
        # In a stream it fails alone.
        results = await stream(stub, [[small, SILENCE, small]])
        kinds = [results[number].WhichOneof("result") for number in range(3)]
        assert kinds == ["embedding", "error", "embedding"]
        assert results[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert violated_fields(details(results[1].error)) == ["audio"]


async def test_what_does_not_fit_now_is_refused_with_a_time_to_come_again() -> None:
    encoder, recorder = GatedEncoder(), DecodeCounter()
    limits = ServiceLimits(max_byte_count=2 * DECODED_BYTES)
    async with serve(encoder, limits=limits, recorder=recorder) as stub:
        held = stub.Embed(request(SILENCE))
        await asyncio.to_thread(encoder.wait_until_running)
        code, found = await refusal(stub.Embed(request(SILENCE)))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert found["ErrorInfo"].reason == "OVERLOADED"
        assert found["RetryInfo"].retry_delay.ToTimedelta().total_seconds() > 0
        assert recorder.count == 1
        encoder.open(1_000)
        await held
        await stub.Embed(request(SILENCE))


async def test_a_header_that_says_too_little_is_found_out_part_by_part() -> None:
    recorder = DecodeCounter()
    limits = ServiceLimits(max_byte_count=6 * DECODED_BYTES)
    async with serve(GatedEncoder(is_open=True), limits=limits, recorder=recorder) as stub:
        code, found = await refusal(stub.Embed(request(*[lying(SILENCE)] * 200)))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert violated_fields(found) == ["clips"]
        # Not all of them first.
        assert recorder.count == 0
        answer = await stub.Embed(request(*[lying(SILENCE)] * 4))
        assert answer.embeddings.row_count == 4


async def test_a_stream_has_all_its_clips_embedded_within_a_small_budget() -> None:
    limits = ServiceLimits(max_byte_count=4 * DECODED_BYTES, max_sample_count=2_000_000)
    async with serve(GatedEncoder(is_open=True), limits=limits) as stub:
        results = await stream(stub, [[SILENCE] * 20, [lying(SILENCE)] * 4])
        assert sorted(results) == list(range(24))
        assert all(result.WhichOneof("result") == "embedding" for result in results.values())


async def test_decoding_ends_when_its_caller_goes() -> None:
    async with serve(GatedEncoder(is_open=True)) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Embed(request(*[WIDE] * 8), timeout=1.0)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        began = time.monotonic()
        await stub.Embed(request(made("flac", speechlike())))
        # Before, the two threads had several seconds each to go.
        assert time.monotonic() - began < 5


async def test_a_stream_whose_clips_no_decoder_takes_says_so_clip_by_clip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve(GatedEncoder(is_open=True)) as stub:
        monkeypatch.setattr("sys.executable", "/no/such/python")
        results = await stream(stub, [[SILENCE, pcm(clip(1)), SILENCE]])
        codes = {n: results[n].error.code for n in range(3)}
        assert codes[0] == codes[2] == grpc.StatusCode.UNAVAILABLE.value[0]


async def test_messages_of_streams_that_wait_for_room_are_bounded() -> None:
    encoder = GatedEncoder()
    limits = ServiceLimits(max_byte_count=1 << 20)

    def message() -> pb2.EmbedStreamRequest:
        samples = audio(pcm(clip(1, 50_000)))
        clips = [pb2.StreamedClip(sequence_number=n, audio=samples) for n in range(150)]
        return pb2.EmbedStreamRequest(clips=clips)

    async with serve(encoder, limits=limits) as stub:
        calls = []
        for _ in range(4):
            call = stub.EmbedStream()
            await call.write(message())
            await call.done_writing()
            calls.append(asyncio.create_task(call.read()))
        # 30 MB each: two may wait.
        done, _ = await asyncio.wait(calls, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        code, found = await refusal(done.pop())
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "RetryInfo" in found
        encoder.open(10_000)
        await asyncio.gather(*calls, return_exceptions=True)
