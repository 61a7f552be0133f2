"""Pools and their clips."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aloe.client.types.audio import Audio
from aloe.client.types.calls import ClipFailure
from aloe.values.audio import (
    DEFAULT_DECODING,
    NOTHING_FOUND,
    AudioReport,
    AudioWarning,
    Decoding,
)
from aloe.wire.arrays import Float32Array


@dataclass(frozen=True, slots=True)
class Pool:
    """Clips and their embeddings under one encoder."""

    pool_id: str
    encoder_id: str
    encoder_fingerprint: str
    embedding_dim: int
    keep_audio: bool
    clip_count: int
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of a pool."""

    clip_id: str
    uri: str
    duration: timedelta | None
    """None where it is not known."""
    content_hash: str
    """Of what it was imported from; the choice of a channel is part of it."""
    decoding: Decoding = DEFAULT_DECODING
    """How its recording was read."""
    report: AudioReport = NOTHING_FOUND
    """What was found in its recording then."""


@dataclass(frozen=True, slots=True)
class EmbeddedPoolClip:
    """A clip of a pool with its embedding."""

    clip: Clip
    embedding: Float32Array
    """(embedding_dim,)"""


@dataclass(frozen=True, slots=True)
class NewClip:
    """A clip to import: its audio, or its embedding, or a URI that the server may read."""

    clip_id: str
    audio: Audio | None = None
    """Beside an embedding: what a pool that keeps audio is to keep, if it has the content_hash."""
    embedding: Float32Array | None = None
    """(embedding_dim,)"""
    uri: str = ""
    duration: timedelta | None = None
    """With an embedding: how long the recording is, where that is known."""
    content_hash: str = ""
    """With an embedding: that of the clip it was exported from, if it was. By default that of
    the audio beside it; with neither, the clip cannot be heard."""
    decoding: Decoding = DEFAULT_DECODING
    """How to read the audio, or what lies at the URI; with an embedding: how it was read."""
    report: AudioReport = NOTHING_FOUND
    """With an embedding: that of the clip it was exported from, if it was."""


@dataclass(frozen=True, slots=True)
class ClipWarnings:
    """What was found in the recording of a clip that was taken all the same."""

    clip_id: str
    warnings: tuple[AudioWarning, ...]


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of an import."""

    imported_count: int
    existing_count: int
    failures: tuple[ClipFailure, ...]
    warned_count: int = 0
    """New clips in whose recordings something was found."""
    warnings: tuple[ClipWarnings, ...] = ()
    """What was found; not of all of them, where there are very many."""

    @property
    def clip_count(self) -> int:
        """Clips in all, failed ones included."""
        return self.imported_count + self.existing_count + len(self.failures)
