"""Recordings made on the spot, in every container that people have."""

import io
from fractions import Fraction

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE_HZ = 16_000

SNDFILE_KINDS = {
    "wav": ("WAV", "PCM_16"),
    "wav8": ("WAV", "PCM_U8"),
    "wav24": ("WAV", "PCM_24"),
    "wav32": ("WAV", "PCM_32"),
    "wavf": ("WAV", "FLOAT"),
    "wavd": ("WAV", "DOUBLE"),
    "rf64": ("RF64", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "flac24": ("FLAC", "PCM_24"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "ulaw": ("WAV", "ULAW"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
FFMPEG_KINDS = {
    "m4a": ("mp4", "aac"),
    "aac": ("adts", "aac"),
    "wma": ("asf", "wmav2"),
    "webm": ("webm", "libopus"),
    "mka": ("matroska", "flac"),
    "alac": ("ipod", "alac"),
    "amr": ("amr", "amr_nb"),
}
LOSSY = ("ogg", "opus", "mp3", "m4a", "aac", "wma", "webm", "ulaw", "amr")
KINDS = (*SNDFILE_KINDS, *(kind for kind in FFMPEG_KINDS if kind != "amr"))
"""All at 16 kHz; AMR has 8 kHz."""
EXACT = ("wav", "wav24", "wav32", "wavf", "wavd", "rf64", "flac", "flac24", "aiff", "au", "caf")


def speechlike(duration_s: float = 1.0, rate_hz: int = RATE_HZ, seed: int = 0) -> Samples:
    """Make noise under a slow envelope, (n_samples,) float32: no two parts of it are alike."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(duration_s * rate_hz)) / rate_hz
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * times + seed)
    tone = np.sin(2 * np.pi * 220 * times) + 0.3 * rng.standard_normal(times.size)
    return (0.4 * envelope * tone).clip(-0.99, 0.99).astype(np.float32)


def made(kind: str, samples: Samples, rate_hz: int = RATE_HZ) -> bytes:
    """Write (n_samples,) or (n_samples, n_channels) as a file of a kind."""
    file = io.BytesIO()
    if kind in SNDFILE_KINDS:
        container, coding = SNDFILE_KINDS[kind]
        soundfile.write(file, samples, rate_hz, format=container, subtype=coding)
        return file.getvalue()
    container, codec = FFMPEG_KINDS[kind]
    with av.open(file, "w", format=container) as output:
        layout = "mono" if samples.ndim == 1 else "stereo"
        stream = output.add_stream(codec, rate=rate_hz, layout=layout)
        stream.bit_rate = 64_000
        planes = np.ascontiguousarray(samples.reshape(len(samples), -1).T)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        wanted = stream.codec_context.format.name
        resampler = av.AudioResampler(format=wanted, layout=layout, rate=stream.rate)
        for ready in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(ready))
        output.mux(stream.encode(None))
    return file.getvalue()
