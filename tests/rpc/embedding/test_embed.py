import asyncio
import gc
import re
import weakref
from typing import Any

import grpc
import numpy as np
import pytest
from tests.rpc.embedding.serving import error_details, matrix, request, serve
from tests.unit.embedding.gated_encoder import GatedEncoder, clip
from tests.unit.embedding.recordings import CONTAINERS, encoded, pcm, tone

from aloe.embedding.audio.clip import SampleFormat
from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.ports.encoder import Encoder
from aloe.embedding.usecases.service import ServiceLimits
from aloe.v1 import embedding_service_pb2 as pb2


def noises(count: int, seed: int = 0) -> list[np.ndarray]:
    """Make clips of many lengths, 0.2 to 2 s."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3_200, 32_000, count)
    return [rng.normal(0, 0.1, length).astype(np.float32) for length in lengths]


async def test_encoders_are_listed_with_the_default_first(
    stub: Any, logmel: Encoder, grid_encoder: Encoder
) -> None:
    response = await stub.ListEncoders(pb2.ListEncodersRequest())
    first, second = response.encoders
    assert (first.encoder_id, second.encoder_id) == ("logmel", "grid-net")
    assert first.fingerprint == logmel.info.fingerprint
    assert first.embedding_dim == logmel.info.embedding_dim
    assert first.sample_rate_hz == 16_000
    assert first.max_clip_duration.seconds == 5
    assert second.length_policy == "grid(15600,7680)"


async def test_an_empty_encoder_id_means_the_default(stub: Any) -> None:
    named = await stub.GetEncoder(pb2.GetEncoderRequest(encoder_id="logmel"))
    unnamed = await stub.GetEncoder(pb2.GetEncoderRequest())
    assert named == unnamed


async def test_embeddings_are_those_of_the_bare_encoder_in_the_order_of_the_clips(
    stub: Any, grid_encoder: Encoder
) -> None:
    clips = noises(12)
    response = await stub.Embed(request(*map(pcm, clips), encoder_id="grid-net"))
    bare = [grid_encoder.embed(clip[np.newaxis])[0] for clip in clips]
    np.testing.assert_allclose(matrix(response), bare, rtol=0, atol=1e-5)
    assert response.fingerprint == grid_encoder.info.fingerprint
    seconds = [item.seconds + item.nanos / 1e9 for item in response.durations]
    np.testing.assert_allclose(seconds, [clip.size / 16_000 for clip in clips], atol=1e-8)


@pytest.mark.parametrize("encoder_id", ["logmel", "grid-net"])
async def test_a_clip_embeds_alike_alone_and_among_many_callers(stub: Any, encoder_id: str) -> None:
    clips = noises(40, seed=1)
    alone = [
        matrix(await stub.Embed(request(pcm(clip), encoder_id=encoder_id)))[0] for clip in clips
    ]
    together = await asyncio.gather(
        *(stub.Embed(request(pcm(clip), encoder_id=encoder_id)) for clip in clips)
    )
    for one, response in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, matrix(response)[0], rtol=0, atol=1e-5)


async def test_a_request_larger_than_any_batch_is_answered_whole(
    stub: Any, logmel: Encoder
) -> None:
    clips = [clip[:4_000] for clip in noises(150, seed=2)]
    rows = matrix(await stub.Embed(request(*map(pcm, clips))))
    assert rows.shape == (150, logmel.info.embedding_dim)
    canonical = logmel.info.length_policy.canonical
    for number in (0, 77, 149):
        bare = logmel.embed(canonical(clips[number])[np.newaxis])[0]
        np.testing.assert_allclose(rows[number], bare, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("container", "coding", "_tolerance"), CONTAINERS)
async def test_every_container_is_read(
    stub: Any, container: str, coding: str, _tolerance: float
) -> None:
    content = encoded(tone(), 16_000, container, coding)
    from_file, from_samples, other = matrix(
        await stub.Embed(request(content, pcm(tone()), pcm(tone(frequency_hz=1_000))))
    )
    # Lossy codings change a tone a little, but into no other one.
    assert np.abs(from_file - from_samples).mean() < np.abs(from_file - other).mean() / 2


async def test_rate_channels_and_sample_format_hardly_matter(stub: Any) -> None:
    stereo = np.stack([tone(0.5, 44_100)] * 2, axis=1)
    rows = matrix(
        await stub.Embed(
            request(
                pcm(tone()),
                pcm(tone(), sample_format=SampleFormat.INT16),
                pcm(stereo, 44_100),
                encoded(tone(0.5, 48_000), 48_000, "FLAC"),
            )
        )
    )
    for row in rows[1:]:
        assert np.abs(row - rows[0]).max() < 0.1


async def test_unset_channel_count_means_mono(stub: Any) -> None:
    message = request(pcm(tone()))
    message.clips[0].pcm.channel_count = 0
    np.testing.assert_array_equal(
        matrix(await stub.Embed(message)), matrix(await stub.Embed(request(pcm(tone()))))
    )


async def test_the_right_fingerprint_is_accepted(stub: Any, logmel: Encoder) -> None:
    response = await stub.Embed(request(pcm(tone()), fingerprint=logmel.info.fingerprint))
    assert response.fingerprint == logmel.info.fingerprint


async def test_with_one_batch_size_embeddings_are_the_same_bit_for_bit(
    grid_encoder: Encoder,
) -> None:
    limits = ServiceLimits(batch=BatchLimits(sizes=(4,)), cache_byte_count=0)
    clips = [pcm(clip) for clip in noises(30, seed=4)]
    async with serve(grid_encoder, limits=limits) as stub:
        alone = [matrix(await stub.Embed(request(clip)))[0] for clip in clips]
        together = matrix(await stub.Embed(request(*clips)))
    np.testing.assert_array_equal(alone, together)


async def test_a_clip_that_is_asked_for_again_is_answered_alike(stub: Any) -> None:
    first = await stub.Embed(request(pcm(tone())))
    call = stub.Embed(request(pcm(tone())))
    assert await call == first
    assert "inference;dur=0.000" in dict(await call.trailing_metadata())["server-timing"]


async def test_the_response_tells_where_its_time_went(stub: Any) -> None:
    call = stub.Embed(request(pcm(tone()), encoded(tone(), 16_000)))
    metadata = dict(await call.trailing_metadata())
    parts = re.fullmatch(
        r"decode;dur=(\d+\.\d+), queue;dur=(\d+\.\d+), inference;dur=(\d+\.\d+)",
        metadata["server-timing"],
    )
    assert parts
    assert float(parts[3]) > 0


async def test_another_fingerprint_is_a_mismatch(stub: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Embed(request(pcm(tone()), fingerprint="0" * 32))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error_details(caught.value)["ErrorInfo"].reason == "ENCODER_MISMATCH"


@pytest.mark.parametrize("call", ["GetEncoder", "Embed"])
async def test_an_unknown_encoder_is_not_found_and_the_hosted_ones_are_named(
    stub: Any, call: str
) -> None:
    message = (
        pb2.GetEncoderRequest(encoder_id="yamnet9")
        if call == "GetEncoder"
        else request(pcm(tone()), encoder_id="yamnet9")
    )
    with pytest.raises(grpc.aio.AioRpcError, match="logmel, grid-net") as caught:
        await getattr(stub, call)(message)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert error_details(caught.value)["ErrorInfo"].reason == "ENCODER_NOT_FOUND"


async def test_batches_of_real_speech_equal_single_clips(
    yamnet: Encoder, fsdd_clips: list[bytes]
) -> None:
    clips = fsdd_clips[::60]
    async with serve(yamnet) as stub:
        together = matrix(await stub.Embed(request(*clips)))
        for row, clip in zip(together, clips, strict=True):
            alone = matrix(await stub.Embed(request(clip)))[0]
            np.testing.assert_allclose(row, alone, rtol=0, atol=1e-5)


async def test_a_call_that_failed_leaves_nothing_behind() -> None:
    class Remembering(GatedEncoder):
        def embed(self, batch: np.ndarray) -> np.ndarray:
            self.last = weakref.ref(batch)
            return super().embed(batch)

    encoder = Remembering(is_open=True)
    async with serve(encoder) as stub:
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Embed(request(pcm(clip(-1))))
        # The traceback of what failed leads to all that the call had in hand, and gRPC would keep
        # it until the next call.
        for _ in range(100):
            gc.collect()
            if encoder.last() is None:
                break
            await asyncio.sleep(0.01)
        assert encoder.last() is None
