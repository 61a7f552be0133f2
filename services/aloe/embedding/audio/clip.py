"""A clip as it arrives, and as the encoder hears it."""

from dataclasses import dataclass
from enum import Enum

from aloe.embedding.domain.arrays import Float32Array


class SampleFormat(Enum):
    """How one PCM sample is written, as a little-endian numpy dtype."""

    INT16 = "<i2"
    FLOAT32 = "<f4"


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """The bytes of a file in any container that libsndfile reads."""

    content: bytes

    @property
    def byte_count(self) -> int:
        return len(self.content)


@dataclass(frozen=True, slots=True)
class PcmAudio:
    """Raw samples, interleaved by channel."""

    samples: bytes
    sample_format: SampleFormat | None
    """None if the sender gave none, or an unknown one."""
    sample_rate_hz: int
    channel_count: int = 1

    @property
    def byte_count(self) -> int:
        return len(self.samples)


Audio = EncodedAudio | PcmAudio


@dataclass(frozen=True, slots=True)
class DecodedClip:
    """A clip as the encoder hears it."""

    samples: Float32Array
    """(n_samples,) at the encoder's rate"""
    duration_s: float
    """As it was sent."""
