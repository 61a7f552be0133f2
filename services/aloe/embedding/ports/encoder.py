"""The port to encoders: frozen networks that turn audio into embeddings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.length_policy import LengthPolicy


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """What an encoder is."""

    encoder_id: str
    fingerprint: str
    """Hash of weights and preprocessing, hexadecimal; equal ones mean comparable embeddings."""
    embedding_dim: int
    sample_rate_hz: int
    length_policy: LengthPolicy
    max_clip_s: float


class Encoder(Protocol):
    """A loaded encoder. Several threads may call `embed` and read `info` at once."""

    @property
    def info(self) -> EncoderInfo:
        """What it is; never changes."""

    def embed(self, batch: Float32Array) -> Float32Array:
        """Turn clips of one canonical length into embeddings.

        Args:
            batch: (n_clips, n_samples) float32 in [-1, 1] at the encoder's rate.

        Returns:
            (n_clips, embedding_dim) float32. A row does not depend on the other rows.

        Raises:
            InvalidAudio: the encoder cannot take clips of this length.
        """


@dataclass(frozen=True, slots=True)
class LazyEncoder:
    """An encoder to be loaded when it is first asked for."""

    encoder_id: str
    max_clip_s: float
    load: Callable[[], Encoder]
    """Loads it in seconds, or minutes if it is downloaded first; raises ConfigurationError."""
