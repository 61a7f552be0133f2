"""Samples as a WAV file, exactly."""

import struct

import numpy as np

from aloe.audio.arrays import INT16_FULL_SCALE, Float32Array

_PCM, _FLOAT = 1, 3
_FORMAT_BYTES = 16


def wav_of(samples: Float32Array, sample_rate_hz: int) -> bytes:
    """Write one channel, (n_samples,), as 16-bit integers where they hold it, or as floats.

    The same samples give the same bytes, and reading them gives the same samples.
    """
    scaled = samples * np.float32(INT16_FULL_SCALE)
    whole = np.rint(scaled).clip(-INT16_FULL_SCALE, INT16_FULL_SCALE - 1).astype("<i2")
    is_whole = bool((whole == scaled).all())
    tag, data = (_PCM, whole.tobytes()) if is_whole else (_FLOAT, samples.astype("<f4").tobytes())
    width = 2 if is_whole else 4
    layout = struct.pack(
        "<HHIIHH", tag, 1, sample_rate_hz, sample_rate_hz * width, width, 8 * width
    )
    chunks = _chunk(b"fmt ", layout)
    if not is_whole:
        chunks += _chunk(b"fact", struct.pack("<I", len(samples)))
    return _chunk(b"RIFF", b"WAVE" + chunks + _chunk(b"data", data))


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body
