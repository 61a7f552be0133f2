"""Embeddings kept on disk: made once per data set and encoder, and taken up again after a kill."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aloe.bench.arrays import Float32Array
from aloe.bench.datasets import DatasetError, Recording
from aloe.bench.results.storage import write_atomically
from aloe.bench.spec import ExperimentError
from aloe.client import Audio, EmbeddingClient, Encoder

_PATIENCE = timedelta(minutes=5)
"""How long the embedding service may be away."""
_PART_CLIP_COUNT, _PART_S = 4096, 20.0
"""A part is written once it has so many clips or is so many seconds old, whichever comes first:
a kill loses no more than that."""
_FAULTS_OF_CLIP = ("INVALID_INPUT", "INVALID_ARGUMENT")
"""Reasons that lie in the clip and are kept as its failure; any other may be gone next time."""


@dataclass(frozen=True, slots=True)
class StoredClip:
    """What became of a clip, under the encoder of its folder."""

    clip_id: str
    content_hash: str
    """Of the audio: hexadecimal SHA-256."""
    embedding: Float32Array | None
    """(embedding_dim,); None where it could not be decoded."""
    failure: str = ""
    """Why it could not."""


@dataclass(frozen=True, slots=True)
class StoredEncoder:
    """What a folder's embeddings were made by."""

    encoder_id: str
    fingerprint: str
    embedding_dim: int


@dataclass(slots=True)
class EmbeddingFolder:
    """The parts, Parquet files, of one data set's embeddings under one encoder."""

    path: Path
    encoder: StoredEncoder | None = None
    """None before the first embedding."""
    clips: dict[str, StoredClip] = field(default_factory=dict)
    """Clip id to what became of it."""
    _part_count: int = 0

    @classmethod
    def open(cls, path: Path) -> "EmbeddingFolder":
        """Read what is there.

        Raises:
            ExperimentError: a part cannot be read, or parts are of several encoders.
        """
        folder = cls(path)
        for file in sorted(path.glob("part-*.parquet")):
            folder._read(file)
        return folder

    def add(self, encoder: StoredEncoder, clips: list[StoredClip]) -> None:
        """Keep more clips."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.encoder = encoder
        about = {
            "encoder_id": encoder.encoder_id,
            "fingerprint": encoder.fingerprint,
            "embedding_dim": str(encoder.embedding_dim),
        }
        table = pa.Table.from_pydict(
            {
                "clip_id": [clip.clip_id for clip in clips],
                "content_hash": [clip.content_hash for clip in clips],
                "embedding": pa.array(
                    [clip.embedding for clip in clips],
                    pa.list_(pa.float32(), encoder.embedding_dim),
                ),
                "failure": [clip.failure for clip in clips],
            }
        ).replace_schema_metadata(about)
        file = self.path / f"part-{self._part_count:06}.parquet"
        write_atomically(file, lambda out: pq.write_table(table, out))
        self._part_count += 1
        self.clips.update((clip.clip_id, clip) for clip in clips)

    def _read(self, file: Path) -> None:
        try:
            number = int(file.stem.removeprefix("part-"))
            encoder, clips = _part(pq.read_table(file))
        except (OSError, pa.ArrowException, LookupError, TypeError, ValueError) as error:
            raise ExperimentError(f"{file} cannot be read; remove it, to do it again") from error
        if self.encoder not in (None, encoder):
            raise ExperimentError(
                f"{self.path} holds embeddings of several encoders; remove it, to embed anew"
            )
        self.encoder, self._part_count = encoder, number + 1
        self.clips.update((clip.clip_id, clip) for clip in clips)


def _part(table: pa.Table) -> tuple[StoredEncoder, list[StoredClip]]:
    """Return what EmbeddingFolder.add wrote."""
    about = {key.decode(): each.decode() for key, each in (table.schema.metadata or {}).items()}
    encoder = StoredEncoder(about["encoder_id"], about["fingerprint"], int(about["embedding_dim"]))
    column = table["embedding"].combine_chunks()
    vectors = np.empty((len(table), encoder.embedding_dim), np.float32)
    is_there = column.is_valid().to_numpy(zero_copy_only=False)
    vectors[is_there] = column.flatten().to_numpy().reshape(-1, encoder.embedding_dim)
    return encoder, [
        StoredClip(clip_id, content_hash, vector if there else None, failure)
        for clip_id, content_hash, vector, there, failure in zip(
            table["clip_id"].to_pylist(),
            table["content_hash"].to_pylist(),
            vectors,
            is_there.tolist(),
            table["failure"].to_pylist(),
            strict=True,
        )
    ]


def complete(
    folder: EmbeddingFolder,
    recordings: Iterable[Recording],
    connect: Callable[[], EmbeddingClient],
    on_clip: Callable[[], None],
) -> dict[str, str]:
    """Embed the recordings that a folder does not have, or has of other audio.

    Args:
        folder: grows.
        recordings: of a data set.
        connect: starts the encoder; called only if a recording is missing.
        on_clip: told of each one that is there or done.

    Returns:
        Clip id to why it has no embedding, for those that cannot be read or decoded.

    Raises:
        ExperimentError: the encoder is not the one that the folder's embeddings were made by, or
            failed at a clip that is not at fault.
        AloeError: the embedding service failed.
    """
    hashes: dict[str, str] = {}
    unread: dict[str, str] = {}
    missing = _missing(folder, recordings, hashes, unread, on_clip)
    first = next(missing, None)
    if first is not None:
        _embed(folder, connect(), chain([first], missing), hashes, on_clip)
    undecoded = {
        clip_id: folder.clips[clip_id].failure
        for clip_id in hashes
        if folder.clips[clip_id].embedding is None
    }
    return unread | undecoded


def _embed(
    folder: EmbeddingFolder,
    client: EmbeddingClient,
    clips: Iterable[tuple[str, Audio]],
    hashes: Mapping[str, str],
    on_clip: Callable[[], None],
) -> None:
    encoder = _same_encoder(folder, client.get_encoder())
    done: list[StoredClip] = []
    began = time.monotonic()
    try:
        for result in client.embed_stream(
            clips, fingerprint=encoder.fingerprint, timeout=_PATIENCE
        ):
            if result.failure and result.failure.reason not in _FAULTS_OF_CLIP:
                raise ExperimentError(
                    f"the embedding service failed at {result.key}: {result.failure.message}"
                    f" ({result.failure.reason}); run it again, to go on from there"
                )
            failure = result.failure.message if result.failure else ""
            done.append(StoredClip(result.key, hashes[result.key], result.embedding, failure))
            on_clip()
            if len(done) >= _PART_CLIP_COUNT or time.monotonic() - began > _PART_S:
                folder.add(encoder, done)
                done, began = [], time.monotonic()
    finally:
        if done:
            folder.add(encoder, done)


def _missing(
    folder: EmbeddingFolder,
    recordings: Iterable[Recording],
    hashes: dict[str, str],
    unread: dict[str, str],
    on_clip: Callable[[], None],
) -> Iterator[tuple[str, Audio]]:
    """Yield the recordings to embed; note the hash of each, or why it cannot be read."""
    for recording in recordings:
        try:
            audio = _read(recording)
        except (DatasetError, OSError) as error:
            # Without the names of this machine's folders: results keep this text and may be shared.
            unread[recording.clip_id] = str(error).replace(str(recording.path), recording.path.name)
            on_clip()
            continue
        content_hash = hashes[recording.clip_id] = hashlib.sha256(audio).hexdigest()
        stored = folder.clips.get(recording.clip_id)
        if stored is not None and stored.content_hash == content_hash:
            on_clip()
        else:
            yield recording.clip_id, audio


def _read(recording: Recording) -> bytes:
    audio = recording.audio()
    return audio.read_bytes() if isinstance(audio, Path) else audio


def _same_encoder(folder: EmbeddingFolder, encoder: Encoder) -> StoredEncoder:
    found = StoredEncoder(encoder.encoder_id, encoder.fingerprint, encoder.embedding_dim)
    if folder.encoder not in (None, found):
        raise ExperimentError(
            f"{encoder.encoder_id} is another encoder than the one whose embeddings are in"
            f" {folder.path}; remove that folder, to embed anew"
        )
    return found
