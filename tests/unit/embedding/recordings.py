"""Recordings made on the spot, in every form that audio arrives in."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from aloe.embedding.audio.clip import PcmAudio, SampleFormat

Samples = NDArray[np.float32]

CONTAINERS = [
    ("WAV", "PCM_16", 2e-4),
    ("WAV", "FLOAT", 1e-6),
    ("WAV", "PCM_24", 1e-5),
    ("FLAC", "PCM_16", 2e-4),
    ("OGG", "VORBIS", 0.1),
    ("OGG", "OPUS", 0.15),
    ("MP3", "MPEG_LAYER_III", 0.1),
    ("AIFF", "PCM_16", 2e-4),
]
"""Container, coding, and how far a decoded sample may be off."""


def tone(
    duration_s: float = 0.5, sample_rate_hz: int = 16_000, frequency_hz: float = 440.0
) -> Samples:
    """Make a mono sine of amplitude 0.5, (n_samples,) float32."""
    times = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)


def encoded(
    samples: Samples, sample_rate_hz: int, container: str = "WAV", coding: str = "PCM_16"
) -> bytes:
    """Write (n_samples,) or (n_samples, n_channels) as a file."""
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate_hz, format=container, subtype=coding)
    return file.getvalue()


def pcm(
    samples: Samples,
    sample_rate_hz: int = 16_000,
    sample_format: SampleFormat = SampleFormat.FLOAT32,
) -> PcmAudio:
    """Write (n_samples,) or (n_samples, n_channels) as raw samples."""
    channel_count = 1 if samples.ndim == 1 else samples.shape[1]
    if sample_format is SampleFormat.INT16:
        samples = np.round(samples * 32_767)
    content = samples.astype(sample_format.value).tobytes()
    return PcmAudio(content, sample_format, sample_rate_hz, channel_count)
