"""ImportClips with embeddings: repeats, conflicts, and vectors that are none."""

from typing import Any

import grpc
import numpy as np
import pytest
from tests.rpc.learner.scenes import DIM, FINGERPRINT, fails_with, failure_of, new_id

from aloe.client import EncoderMismatch, LearnerClient, NewClip, NotFound, Pool
from aloe.v1 import pool_pb2
from aloe.v1.audio_pb2 import Audio, AudioReport, AudioWarning, Decoding, FloatMatrix
from aloe.wire.arrays import decode_matrix, encode_matrix


def vector(value: float) -> np.ndarray:
    return np.full(DIM, value, dtype=np.float32)


@pytest.fixture
def pool(client: LearnerClient) -> Pool:
    return client.create_pool(new_id(), encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)


def test_repeated_clips_exist_and_conflicting_ones_fail(client: LearnerClient, pool: Pool):
    client.import_clips(pool.pool_id, [NewClip("a", embedding=vector(1))])
    summary = client.import_clips(
        pool.pool_id,
        [
            NewClip("a", embedding=vector(1)),
            NewClip("b", embedding=vector(2)),
            NewClip("a", embedding=vector(3)),
            NewClip("b", embedding=vector(2)),
            NewClip("b", embedding=vector(4)),
        ],
    )
    assert (summary.imported_count, summary.existing_count) == (1, 2)
    assert [(failure.clip_id, failure.reason) for failure in summary.failures] == [
        ("a", "ALREADY_EXISTS"),
        ("b", "ALREADY_EXISTS"),
    ]
    assert [clip.clip_id for clip in client.list_clips(pool.pool_id)] == ["a", "b"]


def test_vectors_that_are_none_fail_alone(client: LearnerClient, pool: Pool):
    nan, infinite, huge = vector(0), vector(0), vector(0)
    nan[3], infinite[0], huge[1] = np.nan, np.inf, 3e38
    wrong = {
        "short": vector(0)[:-1],
        "long": np.zeros(DIM + 1, np.float32),
        "none": np.zeros(0, np.float32),
        "nan": nan,
        "infinite": infinite,
        "huge": huge,
    }
    clips = [NewClip(clip_id, embedding=values) for clip_id, values in wrong.items()]
    summary = client.import_clips(pool.pool_id, [*clips, NewClip("good", embedding=vector(1))])
    assert summary.imported_count == 1
    found = {
        failure.clip_id: (failure.reason, [each.field for each in failure.violations])
        for failure in summary.failures
    }
    assert found == {clip_id: ("INVALID_INPUT", ["embeddings"]) for clip_id in wrong}


def report(**warning: Any) -> AudioReport:
    return AudioReport(warnings=[AudioWarning(**{"problem": 1} | warning)])


def test_clips_of_wrong_ids_or_without_content_fail_alone(raw, pool: Pool):
    clips = [
        pool_pb2.NewClip(clip_id=""),
        pool_pb2.NewClip(clip_id="a/b"),
        pool_pb2.NewClip(clip_id="x" * 129),
        pool_pb2.NewClip(
            clip_id="other-audio", audio=Audio(encoded=b"RIFF"), content_hash="0" * 32
        ),
        pool_pb2.NewClip(clip_id="odd-hash", content_hash="none"),
        pool_pb2.NewClip(clip_id="odd-channel", audio=Audio(decoding=Decoding(channel=3))),
        pool_pb2.NewClip(clip_id="odd-report", report=report(problem=99)),
        pool_pb2.NewClip(clip_id="long-report", report=report(message="x" * 70_000)),
        pool_pb2.NewClip(clip_id="long-uri", uri="u" * 3_000),
        pool_pb2.NewClip(clip_id="good"),
    ]
    name, nothing = f"pools/{pool.pool_id}", pool_pb2.NewClip(clip_id="nothing")
    embeddings = encode_matrix(np.arange(10 * DIM, dtype=np.float32).reshape(10, DIM))
    requests = [
        pool_pb2.ImportClipsRequest(pool=name, clips=clips, embeddings=embeddings),
        pool_pb2.ImportClipsRequest(clips=[nothing]),
    ]
    response = raw.ImportClips(iter(requests))
    assert response.imported_count == 1
    assert [failure.clip_id for failure in response.failures] == [
        clip.clip_id for clip in [*clips[:-1], nothing]
    ]
    assert {failure.status.code for failure in response.failures} == {3}
    (block,) = raw.ExportClips(pool_pb2.ExportClipsRequest(pool=name))
    assert np.array_equal(decode_matrix(block.embeddings), decode_matrix(embeddings)[9:])


@pytest.mark.parametrize(
    "embeddings",
    [
        FloatMatrix(values=vector(1).tobytes()[:-1], row_count=1, column_count=DIM),
        encode_matrix(np.ones((2, DIM), np.float32)),
        FloatMatrix(),
    ],
)
def test_embeddings_that_are_not_one_per_clip_are_refused(raw, pool: Pool, embeddings):
    request = pool_pb2.ImportClipsRequest(
        pool=f"pools/{pool.pool_id}", clips=[pool_pb2.NewClip(clip_id="a")], embeddings=embeddings
    )
    with pytest.raises(grpc.RpcError) as caught:
        raw.ImportClips(iter([request]))
    assert failure_of(caught.value).fields == ("embeddings",)


def test_what_is_there_decides_about_each_repeat(client: LearnerClient, pool: Pool):
    client.import_clips(pool.pool_id, [NewClip("a", embedding=vector(1))])
    clips = [NewClip("a", embedding=vector(value)) for value in (2, 2, 1)]
    summary = client.import_clips(pool.pool_id, clips)
    assert (summary.imported_count, summary.existing_count) == (0, 1)
    assert [failure.reason for failure in summary.failures] == ["ALREADY_EXISTS"] * 2


def test_the_first_message_alone_names_the_pool(raw, client: LearnerClient, pool: Pool):
    def messages():
        yield pool_pb2.ImportClipsRequest(pool=f"pools/{pool.pool_id}")
        for index in range(5):
            clip = pool_pb2.NewClip(clip_id=f"c{index}")
            yield pool_pb2.ImportClipsRequest(
                clips=[clip], embeddings=encode_matrix(vector(index)[None])
            )

    assert raw.ImportClips(messages()).imported_count == 5
    assert client.get_pool(pool.pool_id).clip_count == 5


def test_embeddings_of_another_encoder_are_refused_whole(client: LearnerClient, pool: Pool):
    clips = [NewClip("a", embedding=vector(1))]
    with fails_with("ENCODER_MISMATCH", EncoderMismatch):
        client.import_clips(pool.pool_id, clips, encoder_fingerprint="another")
    assert client.get_pool(pool.pool_id).clip_count == 0
    client.import_clips(pool.pool_id, clips, encoder_fingerprint=FINGERPRINT)
    assert client.get_pool(pool.pool_id).clip_count == 1


def test_an_unknown_pool_takes_no_clips(client: LearnerClient):
    with fails_with("POOL_NOT_FOUND", NotFound):
        client.import_clips(new_id(), [NewClip("a", embedding=vector(1))])


def test_a_stream_with_more_failures_than_an_answer_can_name_ends_and_what_came_before_is_there(
    client: LearnerClient, raw, pool: Pool
):
    name = f"pools/{pool.pool_id}"
    good = pool_pb2.ImportClipsRequest(
        pool=name,
        clips=[pool_pb2.NewClip(clip_id="good")],
        embeddings=encode_matrix(vector(1)[None]),
    )
    empty = [pool_pb2.NewClip(clip_id=f"c{number}") for number in range(10_000)]
    bad = [pool_pb2.ImportClipsRequest(clips=empty) for _ in range(6)]
    with pytest.raises(grpc.RpcError) as caught:
        raw.ImportClips(iter([good, *bad]))
    failure = failure_of(caught.value)
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("clips",))
    assert [clip.clip_id for clip in client.list_clips(pool.pool_id)] == ["good"]


def test_thousands_of_clips_keep_their_order_and_are_listed_page_by_page(
    client: LearnerClient, raw, pool: Pool
):
    count = 2_600
    generator = np.random.default_rng(0)
    clips = [
        NewClip(f"c{index}", embedding=row.astype(np.float32))
        for index, row in enumerate(generator.normal(size=(count, DIM)))
    ]
    assert client.import_clips(pool.pool_id, clips).imported_count == count
    expected = [clip.clip_id for clip in clips]
    assert [clip.clip_id for clip in client.list_clips(pool.pool_id)] == expected
    name = f"pools/{pool.pool_id}"
    page = raw.ListClips(pool_pb2.ListClipsRequest(pool=name, page_size=1_200))
    rest = raw.ListClips(
        pool_pb2.ListClipsRequest(pool=name, page_size=10_000, page_token=page.next_page_token)
    )
    listed = [clip.name.rpartition("/")[2] for clip in [*page.clips, *rest.clips]]
    assert (listed, rest.next_page_token) == (expected, "")
    end = "999999999999"
    past_the_end = raw.ListClips(pool_pb2.ListClipsRequest(pool=name, page_token=end))
    assert list(past_the_end.clips) == []


def test_clips_of_very_long_vectors_are_exported_in_messages_that_fit(client: LearnerClient):
    dim = 65_536
    pool = client.create_pool(new_id(), encoder_fingerprint=FINGERPRINT, embedding_dim=dim)
    clips = [
        NewClip(f"c{number}", embedding=np.full(dim, number, np.float32)) for number in range(300)
    ]
    client.import_clips(pool.pool_id, clips)
    exported = list(client.export_clips(pool.pool_id))
    assert [each.embedding[0] for each in exported] == list(range(300))
    client.delete_pool(pool.pool_id)
