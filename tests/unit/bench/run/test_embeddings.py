from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from google.rpc import code_pb2, status_pb2
from tests.unit.client.scripted_server import EMBEDDING, ScriptedServer

from aloe.bench.datasets import Recording
from aloe.bench.run.embeddings import EmbeddingFolder, StoredClip, StoredEncoder, complete
from aloe.bench.spec import ExperimentError
from aloe.client import Split, connect_embedding
from aloe.v1 import embedding_service_pb2 as pb
from aloe.wire.arrays import encode_vector


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(EMBEDDING)
    encoder = pb.Encoder(encoder_id="logmel", fingerprint="f00d", embedding_dim=1)
    server.on("GetEncoder", lambda *_: pb.GetEncoderResponse(encoder=encoder))
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("code", "is_kept"), [(code_pb2.INVALID_ARGUMENT, True), (code_pb2.INTERNAL, False)]
)
def test_only_a_clip_at_fault_is_kept_as_one_that_cannot_be_embedded(
    server: ScriptedServer, tmp_path: Path, code: int, is_kept: bool
) -> None:
    def embed(requests, context):
        for request in requests:
            good, bad = request.clips
            failed = pb.StreamedEmbedding(
                sequence_number=bad.sequence_number,
                error=status_pb2.Status(code=code, message="no"),
            )
            vector = pb.StreamedEmbedding(
                sequence_number=good.sequence_number,
                embedding=encode_vector(np.ones(1, np.float32)),
            )
            yield pb.EmbedStreamResponse(results=[vector, failed])

    server.on("EmbedStream", embed)
    clips = []
    for name in ("good", "bad"):
        (tmp_path / name).write_bytes(name.encode())
        clips.append(Recording(name, tmp_path / name, Split.TRAIN))
    path = tmp_path / "embeddings"

    def complete_all() -> dict[str, str]:
        with connect_embedding(server.target) as client:
            return complete(EmbeddingFolder.open(path), clips, lambda: client, lambda: None)

    if is_kept:
        assert complete_all() == {"bad": "no"}
    else:
        with pytest.raises(ExperimentError, match=r"failed at bad: no \(INTERNAL\); run it again"):
            complete_all()
    assert set(EmbeddingFolder.open(path).clips) == {"good", *(["bad"] if is_kept else [])}


def test_a_part_whose_columns_are_others_is_named(tmp_path: Path):
    folder = EmbeddingFolder.open(tmp_path)
    vector = np.ones(3, np.float32)
    folder.add(StoredEncoder("logmel", "f", 3), [StoredClip("a", "hash", vector)])
    file = tmp_path / "part-000000.parquet"
    whole = pq.read_table(file)
    kept = EmbeddingFolder.open(tmp_path).clips["a"].embedding
    assert kept is not None
    np.testing.assert_array_equal(kept, vector)
    other_size = {**whole.schema.metadata, b"embedding_dim": b"4"}
    for damaged in (
        whole.replace_schema_metadata(None),
        whole.replace_schema_metadata(other_size),
        whole.drop_columns(["content_hash"]),
    ):
        pq.write_table(damaged, file)
        with pytest.raises(ExperimentError, match=r"part-000000\.parquet cannot be read; rem"):
            EmbeddingFolder.open(tmp_path)
