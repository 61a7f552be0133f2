"""Pools, clips and recordings."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.windows import Window
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import DEFAULT_DECODING, NOTHING_FOUND, AudioReport, Decoding

MAX_MAGNITUDE = 1e9
"""Larger values may overflow float32 when training squares what it makes of them."""
RANGE_RULE = f"holds NaN, infinity or a value beyond {MAX_MAGNITUDE:g} in size"
_HASH_LENGTH = 32
# The prefix of every embedding's hash, digested once for all of an import.
_EMBEDDING_DIGEST = hashlib.sha256(b"embedding\0")


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """A recording as the bytes of a file."""

    content: bytes
    decoding: Decoding = DEFAULT_DECODING


@dataclass(frozen=True, slots=True)
class PcmAudio:
    """A recording as raw little-endian samples, interleaved by channel."""

    samples: bytes
    sample_rate_hz: int
    sample_format: str
    """ "int16", "float32", or "unspecified", which the encoder refuses."""
    channel_count: int
    decoding: Decoding = DEFAULT_DECODING


Audio = EncodedAudio | PcmAudio


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """The encoder behind a pool."""

    encoder_id: str
    fingerprint: str
    embedding_dim: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Clips and their embeddings under one encoder."""

    pool_id: str
    encoder: EncoderInfo
    keep_audio: bool
    epoch: str
    """Differs between a pool and a later one of the same id."""
    create_time: datetime
    row_count: int = 0
    """Rows that were ever filled; those of retired clips stay."""
    retired_count: int = 0
    """Rows whose clip was deleted or replaced."""
    change_count: int = 0
    """Changes to clips that were there: new names, replacements, deletions."""
    mark: str = field(default="", compare=False)
    """Of the change after which it was read. A store that went back to an earlier state has it no
    more, or never again. Empty: no state in particular."""

    @property
    def clip_count(self) -> int:
        """Clips that are in the pool now."""
        return self.row_count - self.retired_count

    def same_content(self, other: "Pool") -> bool:
        """Whether creating `other` where this pool exists is a repetition."""
        return self.encoder == other.encoder and self.keep_audio == other.keep_audio


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of a pool. Its row is its place in the order of import, for good."""

    clip_id: str
    content_hash: str
    """Of the audio or embedding it was imported from."""
    uri: str = ""
    duration_s: float | None = None
    decoding: Decoding = DEFAULT_DECODING
    """How its recording was read."""
    report: AudioReport = NOTHING_FOUND
    """What was found in its recording then."""
    other_ids: tuple[str, ...] = ()
    """Its names besides clip_id: of the same content, imported under other ids."""
    is_retired: bool = False
    """It was deleted or replaced. Nothing but what happened to it before still tells of it."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """What else is known of it, by name. Never changed in place."""
    window: Window | None = None
    """Which part of a recording it is; None where it is a file of its own, or not known to be."""


def recordings_of(clips: Iterable[Clip]) -> list[str]:
    """Return the ids of the recordings that clips are windows of, each once."""
    return list(dict.fromkeys(clip.window.recording_id for clip in clips if clip.window))


@dataclass(frozen=True, slots=True)
class NamedClip:
    """A clip as a caller names it, by any of its ids."""

    pool_id: str
    clip_id: str


@dataclass(frozen=True, slots=True)
class ChangedClip:
    """A clip of a pool after a change."""

    row: int
    clip: Clip


def content_hash(recording: Audio) -> str:
    """Hash a recording and the choice of a channel of it: 32 hexadecimal digits."""
    channel = recording.decoding.channel_text
    heard = f" channel={channel}\0" if channel else "\0"
    digest = hashlib.sha256()
    match recording:
        case EncodedAudio():
            digest.update(f"encoded{heard}".encode())
            digest.update(recording.content)
        case PcmAudio():
            digest.update(
                f"pcm {recording.sample_rate_hz} {recording.sample_format}"
                f" {recording.channel_count}{heard}".encode()
            )
            digest.update(recording.samples)
    return digest.hexdigest()[:_HASH_LENGTH]


def of_any_channel(recording: Audio) -> Audio:
    """Return a recording with no channel of it chosen."""
    decoding = replace(recording.decoding, channel_rule=None, channel=0)
    return recording if decoding == recording.decoding else replace(recording, decoding=decoding)


def embedding_hash(embedding: Float32Array) -> str:
    """Hash an embedding, (embedding_dim,) little-endian float32: 32 hexadecimal digits."""
    digest = _EMBEDDING_DIGEST.copy()
    digest.update(embedding.data)
    return digest.hexdigest()[:_HASH_LENGTH]


def in_range(embeddings: Float32Array) -> NDArray[np.bool_]:
    """Say of each value whether heads can be trained on it: no NaN, and within MAX_MAGNITUDE."""
    # Comparisons with NaN are false.
    inside: NDArray[np.bool_] = np.abs(embeddings) <= MAX_MAGNITUDE
    return inside
