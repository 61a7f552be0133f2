"""Long recordings made on the spot, a block at a time: a quiet night with a call every minute."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from tests.audio_files import Samples

RATE_HZ = 48_000
BLOCK_S = 60
CALL_S = 1
_SNDFILE = {
    "flac": ("FLAC", "PCM_16"),
    "wav": ("RF64", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
}
KINDS = (*_SNDFILE, "m4a")


def night(duration_s: int) -> Iterator[Samples]:
    """Yield blocks of a minute, at 48 kHz: noise at -46 dBFS; half a minute into each, a call."""
    rng = np.random.default_rng(0)
    noise = (0.005 * rng.standard_normal(RATE_HZ * BLOCK_S)).astype(np.float32)
    call = 0.2 * np.sin(2 * np.pi * 2_000 * np.arange(RATE_HZ * CALL_S) / RATE_HZ)
    middle = RATE_HZ * BLOCK_S // 2
    for number in range(-(-duration_s // BLOCK_S)):
        block = np.roll(noise, 997 * number)  # no two alike
        block[middle : middle + len(call)] += call.astype(np.float32)
        yield block[: RATE_HZ * min(BLOCK_S, duration_s - number * BLOCK_S)]


def write_night(path: Path, kind: str, duration_s: int) -> None:
    """Write a recording of a kind in KINDS."""
    if kind in _SNDFILE:
        container, coding = _SNDFILE[kind]
        with soundfile.SoundFile(path, "w", RATE_HZ, 1, coding, format=container) as file:
            for block in night(duration_s):
                file.write(block)
        return
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=RATE_HZ, layout="mono")
        stream.bit_rate = 64_000
        for number, block in enumerate(night(duration_s)):
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="fltp", layout="mono")
            frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
            frame.pts = number * BLOCK_S * RATE_HZ
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
