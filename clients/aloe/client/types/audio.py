"""Recordings, encoders and what these make of those."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloe.client.types.calls import ClipFailure
from aloe.values.audio import NOTHING_FOUND, AudioReport, Decoding
from aloe.wire.arrays import Float32Array


@dataclass(frozen=True, slots=True)
class Pcm:
    """Raw samples."""

    samples: NDArray[np.float32] | NDArray[np.int16]
    """(n_samples,) or (n_samples, n_channels); float32 in [-1, 1], or int16."""
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, and how to read it."""

    audio: bytes | Path | Pcm
    decoding: Decoding
    """Which channel to hear, and whether to take it damaged."""


Audio = bytes | Path | Pcm | Recording
"""A recording: the bytes of a file, a file to read, or raw samples."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """A frozen network that turns audio into embeddings."""

    encoder_id: str
    fingerprint: str
    """Equal fingerprints mean comparable embeddings."""
    embedding_dim: int
    sample_rate_hz: int
    length_policy: str
    max_clip_duration: timedelta


@dataclass(frozen=True, slots=True)
class Embeddings:
    """What Embed returns."""

    values: Float32Array
    """(n_clips, embedding_dim)"""
    fingerprint: str
    durations: tuple[timedelta, ...]
    reports: tuple[AudioReport, ...]
    """What was found in decoding each clip."""


@dataclass(frozen=True, slots=True)
class EmbeddedClip:
    """What became of one clip of embed_stream."""

    key: str
    """The key it was given with."""
    embedding: Float32Array | None
    """(embedding_dim,); None where the clip failed."""
    duration: timedelta | None
    """As decoded; None where the clip failed."""
    failure: ClipFailure | None
    """Why there is no embedding; its clip_id is the key."""
    report: AudioReport = NOTHING_FOUND
    """What was found in decoding it."""


@dataclass(frozen=True, slots=True)
class ClipAudio:
    """A recording to be heard."""

    content: bytes
    media_type: str
    start: timedelta | None = None
    """Of a window: where it begins in this."""
    end: timedelta | None = None
    """Of a window: where it ends in this."""
