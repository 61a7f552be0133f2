"""Recordings, encoders and what these make of those."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloe.client.types.calls import ClipFailure
from aloe.wire.arrays import Float32Array


@dataclass(frozen=True, slots=True)
class Pcm:
    """Raw samples."""

    samples: NDArray[np.float32] | NDArray[np.int16]
    """(n_samples,) or (n_samples, n_channels); float32 in [-1, 1], or int16."""
    sample_rate_hz: int


Audio = bytes | Path | Pcm
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


@dataclass(frozen=True, slots=True)
class ClipAudio:
    """A recording to be heard."""

    content: bytes
    media_type: str
