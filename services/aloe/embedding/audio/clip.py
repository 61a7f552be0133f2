"""A clip as it arrives, and as the encoder hears it."""

from dataclasses import dataclass
from enum import Enum

from aloe.embedding.domain.arrays import Float32Array
from aloe.values.audio import DEFAULT_DECODING, NOTHING_FOUND, AudioReport, Decoding


class SampleFormat(Enum):
    """How one PCM sample is written, as a little-endian numpy dtype."""

    INT16 = "<i2"
    FLOAT32 = "<f4"


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """The bytes of a file in any container that `aloe.audio` reads."""

    content: bytes
    decoding: Decoding = DEFAULT_DECODING

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
    decoding: Decoding = DEFAULT_DECODING

    @property
    def byte_count(self) -> int:
        return len(self.samples)


@dataclass(frozen=True, slots=True)
class MalformedAudio:
    """A message that does not say how it is to be read."""

    field: str
    description: str
    byte_count: int = 0


Audio = EncodedAudio | PcmAudio | MalformedAudio


@dataclass(frozen=True, slots=True)
class DecodedClip:
    """A clip as the encoder hears it."""

    samples: Float32Array
    """(n_samples,) at the encoder's rate"""
    duration_s: float
    """As it was sent."""
    report: AudioReport = NOTHING_FOUND
