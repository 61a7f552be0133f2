"""Embeddings on disk, made by a real embedding service."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aloe.bench.datasets import Recording, load
from aloe.bench.run.embeddings import EmbeddingFolder, StoredEncoder, complete
from aloe.bench.spec import ExperimentError
from aloe.client import EmbeddingClient, connect_embedding
from aloe.local import LocalStack


@pytest.fixture
def clips(recordings: Path, tmp_path: Path) -> list[Recording]:
    """Three recordings, the second of them no audio."""
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    first, second, third, *_ = load(recordings).recordings
    return [first, replace(second, path=broken), third]


@pytest.fixture
def client(stack: LocalStack) -> Iterator[EmbeddingClient]:
    with connect_embedding(stack.embedding_address) as client:
        yield client


def embed(path: Path, clips: Sequence[Recording], client: EmbeddingClient) -> dict[str, str]:
    return complete(EmbeddingFolder.open(path), clips, lambda: client, lambda: None)


def vector_of(folder: EmbeddingFolder, clip: Recording) -> NDArray[np.float32]:
    vector = folder.clips[clip.clip_id].embedding
    assert vector is not None
    return vector


def no_encoder() -> EmbeddingClient:
    pytest.fail("nothing was missing")


def test_what_is_there_is_not_embedded_again(
    client: EmbeddingClient, clips: list[Recording], tmp_path: Path
):
    failures = embed(tmp_path / "e", clips, client)
    assert list(failures) == [clips[1].clip_id]
    folder = EmbeddingFolder.open(tmp_path / "e")
    steps: list[int] = []
    assert complete(folder, clips, no_encoder, lambda: steps.append(1)) == failures
    assert len(steps) == 3
    vectors = client.embed([clips[0].path, clips[2].path]).values
    for clip, vector in zip((clips[0], clips[2]), vectors, strict=True):
        np.testing.assert_allclose(vector_of(folder, clip), vector, atol=1e-5)
    assert folder.clips[clips[1].clip_id].embedding is None


def test_other_audio_under_the_same_id_is_embedded_anew(
    client: EmbeddingClient, clips: list[Recording], tmp_path: Path
):
    first, _, third = clips
    path = tmp_path / "e"
    embed(path, [first], client)
    before = EmbeddingFolder.open(path).clips[first.clip_id]
    embed(path, [replace(first, path=third.path)], client)
    after = EmbeddingFolder.open(path).clips[first.clip_id]
    assert before.content_hash != after.content_hash
    assert before.embedding is not None
    assert not np.array_equal(before.embedding, vector_of(EmbeddingFolder.open(path), first))


def test_a_file_that_is_gone_is_named_without_an_encoder(
    client: EmbeddingClient, clips: list[Recording], tmp_path: Path
):
    embed(tmp_path / "e", clips[:1], client)
    gone = replace(clips[1], path=tmp_path / "gone.wav")
    failures = complete(
        EmbeddingFolder.open(tmp_path / "e"), [clips[0], gone], no_encoder, lambda: None
    )
    assert "gone.wav" in failures[gone.clip_id]


def test_another_encoder_is_refused(
    client: EmbeddingClient, clips: list[Recording], tmp_path: Path
):
    EmbeddingFolder.open(tmp_path / "e").add(StoredEncoder("logmel", "other", 3), [])
    with pytest.raises(ExperimentError, match="remove that folder, to embed anew"):
        embed(tmp_path / "e", clips, client)


def test_a_part_that_is_no_parquet_file_is_named(tmp_path: Path):
    (tmp_path / "part-000000.parquet").write_bytes(b"half")
    with pytest.raises(ExperimentError, match=r"part-000000.parquet cannot be read; remove it"):
        EmbeddingFolder.open(tmp_path)
