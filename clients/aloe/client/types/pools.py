"""Pools and their clips."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aloe.client.types.audio import Audio
from aloe.client.types.calls import ClipFailure
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import (
    DEFAULT_DECODING,
    NOTHING_FOUND,
    AudioReport,
    AudioWarning,
    Decoding,
)
from aloe.values.representations import Representation
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
class PoolMap:
    """A map of a pool's embeddings, which heads read instead of them."""

    map_name: str
    """As heads and rounds name it."""
    representation: Representation
    version: int
    """Among the pool's maps of that kind, from 1."""
    clip_count: int
    """Clips that the pool had when it was fitted."""


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
    other_ids: tuple[str, ...] = ()
    """Its names besides clip_id: of the same content, imported under other ids."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """What else is known of it, by name: texts, numbers and times."""
    recording_id: str = ""
    """Of the recording that it is a window of; empty where it is a file of its own."""
    start: timedelta | None = None
    """Where it begins in its recording."""
    end: timedelta | None = None
    """Where it ends there."""

    @property
    def start_s(self) -> float | None:
        """Where it begins in its recording, in seconds."""
        return None if self.start is None else self.start.total_seconds()

    @property
    def end_s(self) -> float | None:
        """Where it ends there, in seconds."""
        return None if self.end is None else self.end.total_seconds()


@dataclass(frozen=True, slots=True)
class ClipUpdate:
    """A change to a clip's attributes."""

    clip_id: str
    """Any of its ids."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """To set, by name; others stay."""
    removed: tuple[str, ...] = ()
    """Names of those to take away."""


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
    other_ids: tuple[str, ...] = ()
    """With an embedding: more names for it."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """What else is known of it, by name; of a clip that is there, these are added to its own."""
    recording_id: str = ""
    """With an embedding: of the recording that it is a window of, if it is."""
    start: timedelta | None = None
    """With a recording: where it begins in that."""
    end: timedelta | None = None
    """With a recording: where it ends there."""


@dataclass(frozen=True, slots=True)
class ClipWarnings:
    """What was found in the recording of a clip that was taken all the same."""

    clip_id: str
    warnings: tuple[AudioWarning, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An id that became another name of a clip with the same content."""

    clip_id: str
    same_as: str
    """The clip's first id."""


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
    replaced_count: int = 0
    """Ids that had other content and have the new content now."""
    duplicate_count: int = 0
    """Ids that became another name of a clip with the same content."""
    duplicates: tuple[Duplicate, ...] = ()
    """The first thousand of each stream."""
    updated_count: int = 0
    """Of those that were there, under any id, clips that have other attributes now."""

    @property
    def clip_count(self) -> int:
        """Clips in all, failed ones included."""
        return (
            self.imported_count
            + self.existing_count
            + self.replaced_count
            + self.duplicate_count
            + len(self.failures)
        )


@dataclass(frozen=True, slots=True)
class DeletedClips:
    """What a deletion did."""

    clip_count: int
    """Clips that are gone."""
    name_count: int
    """Other names that are gone of clips that are still there."""
    absent_count: int
    """Ids that named no clip any more before, as when a call is repeated."""
