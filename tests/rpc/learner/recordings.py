"""Short recordings in every form that audio arrives in."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

CONTAINERS = {
    "audio/wav": ("WAV", "PCM_16"),
    "audio/flac": ("FLAC", "PCM_16"),
    "audio/ogg": ("OGG", "VORBIS"),
    "audio/mpeg": ("MP3", "MPEG_LAYER_III"),
}
"""Container and coding by media type."""


def tone(
    frequency_hz: float = 440.0, *, duration_s: float = 0.5, sample_rate_hz: int = 16_000
) -> NDArray[np.float32]:
    """Make a mono sine of amplitude 0.5, (n_samples,) float32."""
    times = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)


def encoded(
    samples: NDArray[np.float32],
    media_type: str = "audio/wav",
    *,
    sample_rate_hz: int = 16_000,
    coding: str = "",
) -> bytes:
    """Write (n_samples,) or (n_samples, n_channels) as a file."""
    container, usual_coding = CONTAINERS[media_type]
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate_hz, format=container, subtype=coding or usual_coding)
    return file.getvalue()
