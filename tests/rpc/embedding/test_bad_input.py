import random
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.contract.encoders import saved_models
from tests.rpc.embedding.serving import (
    details,
    error_details,
    request,
    serve,
    stream,
    violated_fields,
)
from tests.unit.embedding.recordings import CONTAINERS, encoded, pcm, tone
from tests.unit.embedding.test_decoder import BAD_AUDIO

from aloe.embedding.audio.clip import Audio
from aloe.v1 import audio_pb2
from aloe.v1 import embedding_service_pb2 as pb2


async def refused(stub: Any, message: pb2.EmbedRequest) -> list[str]:
    """Return the fields that the server finds wrong."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Embed(message)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, caught.value.details()
    found = error_details(caught.value)
    assert found["ErrorInfo"].reason == "INVALID_INPUT"
    assert found["ErrorInfo"].domain == "aloe"
    return violated_fields(found)


# The server of these tests takes 5 s, the decoder of the unit tests 2 s.
LONGER = [bad for bad in BAD_AUDIO if "at most 2 s" not in bad[2]]


@pytest.mark.parametrize(("bad", "field", "_message"), LONGER)
async def test_bad_audio_is_refused_with_the_field_named(
    stub: Any, bad: Audio, field: str, _message: str
) -> None:
    assert await refused(stub, request(pcm(tone()), bad)) == [f"clips[1].{field}"]


async def test_every_bad_clip_of_a_call_is_named(stub: Any) -> None:
    fields = await refused(stub, request(b"", pcm(tone()), b"no sound", pcm(tone(5.1))))
    assert fields == ["clips[0].encoded", "clips[2].encoded", "clips[3].pcm.samples"]


async def test_audio_without_content_is_refused(stub: Any) -> None:
    message = pb2.EmbedRequest(clips=[audio_pb2.Audio()])
    assert await refused(stub, message) == ["clips[0].encoded"]


async def test_unspecified_and_unknown_sample_formats_are_refused(stub: Any) -> None:
    unknown = audio_pb2.SampleFormat.ValueType(17)
    for number in (audio_pb2.SAMPLE_FORMAT_UNSPECIFIED, unknown):
        message = request(pcm(tone()))
        message.clips[0].pcm.sample_format = number
        assert await refused(stub, message) == ["clips[0].pcm.sample_format"]


async def test_no_clips_is_refused(stub: Any) -> None:
    assert await refused(stub, pb2.EmbedRequest()) == ["clips"]


async def test_a_clip_over_the_limit_is_refused_and_one_at_it_is_not(stub: Any) -> None:
    await stub.Embed(request(pcm(tone(5.0))))
    assert await refused(stub, request(pcm(np.append(tone(5.0), np.float32(0))))) == [
        "clips[0].pcm.samples"
    ]


async def test_a_clip_without_a_finite_embedding_is_refused(tmp_path: Path) -> None:
    from aloe.embedding.adapters.loading import EncoderSource, load_encoder

    folder = saved_models.save_not_finite(tmp_path / "model")
    async with serve(load_encoder(EncoderSource(str(folder), max_clip_s=5))) as stub:
        assert await refused(stub, request(pcm(tone()), pcm(np.zeros(900, np.float32)))) == [
            "clips[1]"
        ]


async def test_a_clip_that_the_encoder_finds_too_short_is_refused(tmp_path: Path) -> None:
    from aloe.embedding.adapters.loading import EncoderSource, load_encoder

    folder = saved_models.save_like_frill(tmp_path / "model")
    async with serve(load_encoder(EncoderSource(str(folder), max_clip_s=5))) as stub:
        assert await refused(stub, request(pcm(tone(2)), pcm(tone(0.1)))) == ["clips[1]"]


async def test_bad_clips_of_a_stream_fail_alone(stub: Any) -> None:
    good = pcm(tone())
    results = await stream(stub, [[good, b""], [b"no sound", good], [pcm(tone(5.1))]])
    assert sorted(results) == [0, 1, 2, 3, 4]
    for number in (0, 3):
        assert results[number].WhichOneof("result") == "embedding"
    for number, field in ((1, "encoded"), (2, "encoded"), (4, "pcm.samples")):
        status = results[number].error
        assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        found = details(status)
        assert found["ErrorInfo"].reason == "INVALID_INPUT"
        assert violated_fields(found) == [f"audio.{field}"]


async def test_random_and_truncated_files_get_invalid_argument_or_an_embedding(stub: Any) -> None:
    rng = random.Random(11)
    originals = [encoded(tone(), 16_000, container, coding) for container, coding, _ in CONTAINERS]
    files = []
    for _ in range(300):
        content = bytearray(rng.choice(originals))
        if rng.random() < 0.5:
            content = content[: rng.randrange(len(content))]
        else:
            for _ in range(30):
                content[rng.randrange(len(content))] = rng.randrange(256)
        files.append(bytes(content))
    results = await stream(stub, [files[start : start + 50] for start in range(0, 300, 50)])
    assert len(results) == 300
    codes = {result.error.code for result in results.values()}
    assert codes == {0, grpc.StatusCode.INVALID_ARGUMENT.value[0]}
    # The server lives on.
    assert len((await stub.Embed(request(pcm(tone())))).durations) == 1
