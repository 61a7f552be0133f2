"""The STREAMINFO block of FLAC files (RFC 9639): length, rate, and a checksum of the sound."""

import hashlib
from typing import Self

import numpy as np

from aloe.audio.arrays import SampleArray
from aloe.audio.content import Content
from aloe.audio.headers import Layout

_MARKER = b"fLaC"
_MARKER_REACH = 1 << 24
"""How long tags in front of it may be: of pictures, for instance."""
_BITS_PLACE, _MD5_PLACE = 18, 26
TOTAL_SAMPLES = (1 << 36) - 1
"""The bits of `header_bits` that hold the number of frames; 0 where it was a stream."""
RATE_SHIFT = 44
_DEPTH_SHIFT, _DEPTH = 36, 31
_CHANNELS_SHIFT, _CHANNELS = 41, 7
_MOST_BITS = 24
"""What float32 holds exactly."""


def header_bits(content: Content) -> int:
    """Return 64 bits of STREAMINFO: 20 of the rate, 8 of the layout, 36 of the length."""
    begin = content.find(_MARKER, 0, _MARKER_REACH) + _BITS_PLACE
    return int.from_bytes(content[begin : begin + 8], "big")


def layout(content: Content) -> Layout | None:
    """Return what the header says; None if it is no FLAC file, or has no rate."""
    bits = header_bits(content) if content[:4] in (_MARKER, b"ID3\2", b"ID3\3", b"ID3\4") else 0
    if not bits >> RATE_SHIFT:
        return None
    channel_count = (bits >> _CHANNELS_SHIFT & _CHANNELS) + 1
    return Layout(bits >> RATE_SHIFT, channel_count, bits & TOTAL_SAMPLES or None)


class FlacDigest:
    """Compares decoded sound to the checksum that the encoder made of it."""

    def __init__(self, expected: bytes, depth: int) -> None:
        self._expected, self._depth = expected, depth
        self._digest = hashlib.md5(usedforsecurity=False)

    @classmethod
    def of(cls, content: Content) -> Self | None:
        """Read what a file says; None if it has no checksum, or samples too large for it."""
        begin = content.find(_MARKER, 0, _MARKER_REACH) + _MD5_PLACE
        expected = content[begin : begin + 16]
        depth = (header_bits(content) >> _DEPTH_SHIFT & _DEPTH) + 1
        if len(expected) < 16 or not any(expected) or depth > _MOST_BITS:
            return None
        return cls(expected, depth)

    def take(self, frames: SampleArray) -> None:
        """Take the next frames, (n_frames, n_channels), as int16 or float32 with full scale 1."""
        if frames.dtype == np.int16 and self._depth == 16:
            self._digest.update(np.ascontiguousarray(frames, "<i2").data)
            return
        full = 2.0 ** (self._depth - (16 if frames.dtype == np.int16 else 1))
        whole = np.rint(frames * np.float32(full)).astype("<i4")
        byte_count = -(-self._depth // 8)
        self._digest.update(whole.reshape(-1, 1).view(np.uint8)[:, :byte_count].tobytes())

    def agrees(self) -> bool:
        """Whether all frames together are what was encoded."""
        return self._digest.digest() == self._expected
