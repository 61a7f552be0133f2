"""Imports go in bounded messages; a clip that cannot be taken fails alone."""

import grpc
import numpy as np
import pytest
from google.rpc import status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.client.import_log import ImportLog, embeddings

from aloe import client
from aloe.client.operations.chunks import MESSAGE_BYTES, group
from aloe.serving.status import FieldViolation, Status
from aloe.v1 import pool_pb2
from aloe.wire.arrays import decode_matrix


def test_clips_arrive_in_order_with_pool_and_fingerprint(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog())
    summary = learner.call("import_clips", "voices", embeddings(5), encoder_fingerprint="f00d")
    assert summary == client.ImportSummary(5, 0, ())
    (stream,) = log.streams
    assert (stream[0].pool, stream[0].encoder_fingerprint) == ("pools/voices", "f00d")
    assert log.clip_ids(0) == [f"clip{n}" for n in range(5)]
    rows = np.arange(5, dtype=np.float32)[:, None]
    assert np.array_equal(decode_matrix(stream[0].embeddings), np.tile(rows, 4))


def test_messages_hold_about_two_megabytes(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog())
    learner.call("import_clips", "voices", embeddings(12, dim=100_000))
    sizes = [request.ByteSize() for request in log.streams[0]]
    assert len(sizes) == 3
    assert max(sizes) <= MESSAGE_BYTES + 1000


def test_message_holds_embeddings_of_one_size_or_none(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog())
    clips = [
        *embeddings(2),
        *embeddings(1, dim=3),
        client.NewClip("heard", audio=b"RIFF"),
        client.NewClip("somewhere", uri="file:///a.wav"),
        client.NewClip("nothing", embedding=np.zeros(0, np.float32)),
    ]
    learner.call("import_clips", "voices", clips)
    assert log.clip_ids(0) == [clip.clip_id for clip in clips]
    shapes = [
        decode_matrix(request.embeddings).shape if request.HasField("embeddings") else None
        for request in log.streams[0]
    ]
    assert shapes == [(2, 4), (1, 3), None, (1, 0)]


def test_vector_that_its_owner_uses_again_travels_as_it_was(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog())
    vector = np.zeros(4, np.float32)

    def clips():
        for n in range(3):
            vector[:] = n
            yield client.NewClip(f"clip{n}", embedding=vector)

    learner.call("import_clips", "voices", clips())
    assert decode_matrix(log.streams[0][0].embeddings)[:, 0].tolist() == [0, 1, 2]


def test_progress_counts_clips_that_could_not_be_read(learner_server, learner, tmp_path):
    learner_server.on("ImportClips", ImportLog())
    done: list[int] = []
    clips = [*embeddings(2), client.NewClip("a", audio=tmp_path / "missing.wav")]
    learner.call("import_clips", "voices", clips, on_progress=done.append)
    assert done[-1] == 3


def test_file_is_read_and_one_that_is_missing_fails_alone(learner_server, learner, tmp_path):
    learner_server.on("ImportClips", log := ImportLog())
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    clips = [
        client.NewClip("a", audio=tmp_path / "a.wav", uri="a.wav"),
        client.NewClip("b", audio=tmp_path / "b.wav"),
        client.NewClip("c", audio=tmp_path),
    ]
    summary = learner.call("import_clips", "voices", clips)
    assert summary.imported_count == 1
    assert log.streams[0][0].clips[0].audio.encoded == b"RIFF"
    assert log.streams[0][0].clips[0].uri == "a.wav"
    assert [failure.clip_id for failure in summary.failures] == ["b", "c"]
    assert str(tmp_path / "b.wav") in summary.failures[0].message
    assert summary.failures[0].reason == "INVALID_INPUT"


@pytest.mark.parametrize(
    ("clip", "told"),
    [
        (client.NewClip("a", embedding=np.ones((2, 2), np.float32)), "shape"),
        (client.NewClip("a", audio="a.wav"), "Path"),  # type: ignore[arg-type]
        (client.NewClip("a", uri="\udcff.wav"), "Unicode"),
        (client.NewClip("a", audio=bytes(64 * 1024 * 1024)), "more than"),
        (client.NewClip("a", audio=client.Pcm(np.ones(4), 16_000)), "float64"),  # type: ignore[arg-type]
        (client.NewClip("a", audio=client.Pcm(np.ones((1, 1, 1), np.float32), 16_000)), "shape"),
        (client.NewClip("a", audio=client.Pcm(np.ones(4, np.float32), -1)), "sample_rate_hz"),
    ],
)
def test_clip_that_cannot_travel_fails_alone(learner_server, learner, clip, told):
    learner_server.on("ImportClips", ImportLog())
    summary = learner.call("import_clips", "voices", [clip, *embeddings(1)])
    assert summary.imported_count == 1
    (failure,) = summary.failures
    assert told in failure.message


def test_failures_that_the_server_finds_are_told(learner_server, learner):
    status = Status(
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_INPUT",
        "no audio",
        violations=(FieldViolation("audio", "is empty"),),
    ).to_proto()
    failures = [pool_pb2.ClipFailure(clip_id="a", status=status)]
    learner_server.on(
        "ImportClips",
        lambda requests, _: (list(requests), pool_pb2.ImportClipsResponse(failures=failures))[1],
    )
    summary = learner.call("import_clips", "voices", embeddings(1))
    violation = client.FieldViolation("audio", "is empty")
    assert summary.failures == (client.ClipFailure("a", "INVALID_INPUT", "no audio", (violation,)),)


def test_import_of_nothing_makes_no_call(learner):
    assert learner.call("import_clips", "voices", []) == client.ImportSummary(0, 0, ())


def test_pcm_says_how_to_read_its_samples(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog())
    stereo = np.array([[1, -1], [2, -2]], np.int16)
    clips = [
        client.NewClip("a", audio=client.Pcm(stereo, 48_000)),
        client.NewClip("b", audio=client.Pcm(np.array([0.5], np.float32), 16_000)),
    ]
    learner.call("import_clips", "voices", clips)
    first, second = (clip.audio.pcm for clip in log.streams[0][0].clips)
    assert (first.sample_rate_hz, first.channel_count) == (48_000, 2)
    assert first.samples == np.array([1, -1, 2, -2], "<i2").tobytes()
    assert second.channel_count == 1
    assert second.samples == np.array([0.5], "<f4").tobytes()
    assert first.sample_format != second.sample_format


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 2 * MESSAGE_BYTES), max_size=8), max_count=st.integers(1, 5))
def test_groups_keep_order_and_bounds(sizes, max_count):
    messages = [status_pb2.Status(code=n + 1, message="x" * size) for n, size in enumerate(sizes)]
    groups = list(group(messages, max_count=max_count))
    assert [message.code for chunk in groups for message in chunk] == list(range(1, len(sizes) + 1))
    for chunk in groups:
        assert 1 <= len(chunk) <= max_count
        assert len(chunk) == 1 or sum(message.ByteSize() for message in chunk) <= MESSAGE_BYTES
