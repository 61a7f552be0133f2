"""Embeddings: a few in one message, or any number in a stream that survives its server."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import grpc
import numpy as np
import pytest
from google.rpc import code_pb2, status_pb2
from tests.unit.client.scripted_server import Asyncio, fail

from aloe import client
from aloe.client.asyncio.embed_stream import embed_batches
from aloe.v1 import audio_pb2
from aloe.v1 import embedding_service_pb2 as pb
from aloe.wire.arrays import encode_matrix, encode_vector

SOON = timedelta(seconds=0.4)


def length_of(clip: pb.StreamedClip) -> pb.StreamedEmbedding:
    """The embedding of a recording is how many bytes it has; that of "bad" is an error."""
    result = pb.StreamedEmbedding(sequence_number=clip.sequence_number)
    if clip.audio.encoded == b"bad":
        result.error.CopyFrom(status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="no audio"))
    else:
        result.embedding = encode_vector(np.array([len(clip.audio.encoded)], np.float32))
        result.duration.FromTimedelta(timedelta(seconds=1))
    return result


def backwards(requests, context):
    """Answer each message from its last clip to its first."""
    for request in requests:
        yield pb.EmbedStreamResponse(results=map(length_of, reversed(request.clips)))


def recordings(count: int):
    return [(f"clip{n}", b"x" * n) for n in range(count)]


def check_lengths(results, count):
    assert {result.key for result in results} == {f"clip{n}" for n in range(count)}
    assert len(results) == count
    for result in results:
        assert result.embedding == [float(result.key.removeprefix("clip"))]


def test_encoder_is_described(embedding_server, embedding):
    encoder = pb.Encoder(encoder_id="logmel", fingerprint="f00d", embedding_dim=256)
    encoder.max_clip_duration.FromTimedelta(timedelta(seconds=60))
    embedding_server.on("GetEncoder", lambda *_: pb.GetEncoderResponse(encoder=encoder))
    embedding_server.on("ListEncoders", lambda *_: pb.ListEncodersResponse(encoders=[encoder]))
    described = embedding.call("get_encoder")
    assert described.max_clip_duration == timedelta(seconds=60)
    assert embedding.call("list_encoders") == (described,)


def test_few_clips_become_rows(embedding_server, embedding):
    rows = np.array([[1, 2], [3, 4]], np.float32)
    embedding_server.on(
        "Embed", lambda *_: pb.EmbedResponse(embeddings=encode_matrix(rows), fingerprint="f00d")
    )
    embeddings = embedding.call("embed", [b"a", b"b"], encoder_id="logmel", fingerprint="f00d")
    np.testing.assert_array_equal(embeddings.values, rows)
    (request,) = embedding_server.requests["Embed"]
    assert (request.encoder_id, request.fingerprint) == ("logmel", "f00d")
    assert [clip.encoded for clip in request.clips] == [b"a", b"b"]


def test_unreadable_clip_is_named(embedding, tmp_path):
    with pytest.raises(client.InvalidArgument, match=r"clips\[1\].*missing\.wav"):
        embedding.call("embed", [b"a", tmp_path / "missing.wav"])


def test_results_find_their_keys_in_any_order(embedding_server, embedding):
    embedding_server.on("EmbedStream", backwards)
    check_lengths(embedding.call("embed_stream", recordings(1500)), 1500)


def test_clips_that_fail_do_not_stop_the_others(embedding_server, embedding, tmp_path):
    embedding_server.on("EmbedStream", backwards)
    clips = [("unread", tmp_path / "missing.wav"), ("bad", b"bad"), ("clip4", b"good")]
    results = {result.key: result for result in embedding.call("embed_stream", clips)}
    assert results["clip4"].failure is None
    assert results["clip4"].duration == timedelta(seconds=1)
    assert results["bad"].failure == client.ClipFailure("bad", "INVALID_ARGUMENT", "no audio")
    assert results["bad"].embedding is None
    assert "missing.wav" in results["unread"].failure.message


def test_stream_of_nothing_makes_no_call(embedding):
    assert embedding.call("embed_stream", []) == []


def test_broken_stream_sends_again_what_has_no_result(embedding_server, embedding):
    streams: list[list[int]] = []

    def break_twice(requests, context):
        numbers: list[int] = []
        streams.append(numbers)
        for request in requests:
            numbers += [clip.sequence_number for clip in request.clips]
            yield pb.EmbedStreamResponse(results=map(length_of, request.clips[:20]))
            if len(streams) <= 2:
                fail(context, grpc.StatusCode.UNAVAILABLE)
            yield pb.EmbedStreamResponse(results=map(length_of, request.clips[20:]))

    embedding_server.on("EmbedStream", break_twice)
    check_lengths(embedding.call("embed_stream", recordings(100)), 100)
    assert len(streams) == 3
    assert streams[1][0] == 20
    assert streams[2][0] == 40


def test_overloaded_stream_is_taken_up_again(embedding_server, embedding):
    overloaded = iter([True])

    def script(requests, context):
        if next(overloaded, False):
            fail(
                context,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                reason="OVERLOADED",
                retry_after_s=0.01,
            )
        yield from backwards(requests, context)

    embedding_server.on("EmbedStream", script)
    check_lengths(embedding.call("embed_stream", recordings(10)), 10)


def test_stream_that_the_server_ends_early_is_taken_up_again(embedding_server, embedding):
    early = iter([True])

    def script(requests, context):
        if next(early, False):
            return
        yield from backwards(requests, context)

    embedding_server.on("EmbedStream", script)
    check_lengths(embedding.call("embed_stream", recordings(10)), 10)


def test_wrong_encoder_is_told(embedding_server, embedding):
    embedding_server.on(
        "EmbedStream",
        lambda _, context: fail(
            context, grpc.StatusCode.FAILED_PRECONDITION, reason="ENCODER_MISMATCH"
        ),
    )
    with pytest.raises(client.EncoderMismatch):
        embedding.call("embed_stream", recordings(3), fingerprint="beef")


def test_stream_ends_when_the_server_stays_away(embedding_server, embedding):
    embedding_server.stop()
    with pytest.raises(client.Unavailable):
        embedding.call("embed_stream", recordings(3), timeout=SOON)


def test_clips_are_taken_as_the_window_allows(embedding_server, embedding):
    taken = []

    def clips():
        for key, audio in recordings(5000):
            taken.append(key)
            yield key, audio

    embedding_server.on("EmbedStream", backwards)
    embedding.take(1, "embed_stream", clips())
    assert len(taken) < 1500


def test_error_of_the_callers_iterable_is_the_callers(embedding_server, embedding):
    embedding_server.on("EmbedStream", backwards)

    def clips():
        yield from recordings(2)
        raise LookupError("my own")

    with pytest.raises(LookupError, match="my own"):
        embedding.call("embed_stream", clips())


async def one_by_one(count: int) -> AsyncIterator[tuple[str, bytes]]:
    for recording in recordings(count):
        yield recording


def test_asyncio_takes_clips_as_they_come(embedding_server):
    embedding_server.on("EmbedStream", backwards)
    driver = Asyncio(lambda: client.connect_embedding_async(embedding_server.target))
    check_lengths(driver.call("embed_stream", one_by_one(50)), 50)
    driver.close()


async def batches(
    *contents: Sequence[bytes], failure: Exception | None = None
) -> AsyncIterator[list[pb.StreamedClip]]:
    number = 100
    for batch in contents:
        yield [
            pb.StreamedClip(sequence_number=number + n, audio=audio_pb2.Audio(encoded=content))
            for n, content in enumerate(batch)
        ]
        number += len(batch)
    if failure is not None:
        raise failure


def embed_batches_of(connected, given):
    return embed_batches(connected.runner, given, encoder_id="", fingerprint="", timeout=None)


async def test_batches_leave_audio_and_errors_untouched(embedding_server):
    embedding_server.on("EmbedStream", backwards)
    async with client.connect_embedding_async(embedding_server.target) as connected:
        stream = embed_batches_of(connected, batches([b"xx", b"bad"], [], [b"x"]))
        results = {result.sequence_number: result async for chunk in stream for result in chunk}
    assert results[100].embedding == encode_vector(np.array([2], np.float32))
    assert results[101].error.message == "no audio"
    assert set(results) == {100, 101, 102}


async def test_batches_raise_what_their_source_raises(embedding_server):
    embedding_server.on("EmbedStream", backwards)
    gone = client.Unavailable("the caller has gone", code="UNAVAILABLE")
    async with client.connect_embedding_async(embedding_server.target) as connected:
        stream = embed_batches_of(connected, batches([b"x"], failure=gone))
        with pytest.raises(client.Unavailable, match="the caller has gone"):
            [chunk async for chunk in stream]
