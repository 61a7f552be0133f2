"""WAV files that hold plain samples: where their data lies, without any decoder.

WAVE as in "Multimedia Programming Interface and Data Specifications 1.0" (1991), with
WAVE_FORMAT_EXTENSIBLE (2001), and RF64 as in EBU Tech 3306.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aloe.audio.arrays import SampleArray
from aloe.audio.findings import Findings

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_KINDS = (b"RIFF", b"RF64", b"BW64", b"RIFX")
_NO_CHUNKS = (*_KINDS, b"data", b"FORM", b"riff")
"""What does not follow the data of a file, unless another one was joined to it."""
_DTYPES = {
    (_PCM, 1): "u1",
    (_PCM, 2): "i2",
    (_PCM, 3): "i3",
    (_PCM, 4): "i4",
    (_PCM, 8): "i8",
    (_FLOAT, 4): "f4",
    (_FLOAT, 8): "f8",
}
"""By the bytes of a sample. Fewer bits than these hold are the upper ones."""
_NEVER_FILLED_IN = 0x7FFF_0000
"""Programs that write to a pipe leave a size like this, or 0: it means to the end."""
_BLOCK_SAMPLES = 1 << 18
_LOW_24 = 1 << 23
"""Beyond the samples of 24 bits that lie in the lower bytes of four."""
_MOST_CHUNKS = 1_000
"""A file of more is none that a program wrote; going through them takes time."""
_TAIL_BYTES = 1_024
"""Less than this after the data is what some program left there, and no sound."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the "fmt " chunk says."""

    sample_rate_hz: int
    channel_count: int
    order: str
    """ "<", or ">" in RIFX files."""
    dtype: str
    """As numpy writes it, without the order; "i3" for 24 bits."""
    stated_frame_bytes: int
    bits: int
    """Of a sample, as stated; those in four bytes may be 24."""

    @property
    def frame_bytes(self) -> int:
        return int(self.dtype[-1]) * self.channel_count


@dataclass(frozen=True, slots=True)
class WavData:
    """Plain samples within a file."""

    layout: _Layout
    data: memoryview
    """Whole frames, interleaved by channel."""
    promised_frame_count: int | None
    """What the header says; None where it does not."""
    unclaimed_bytes: int = 0
    """What follows the data and is no part of the file."""
    is_complete: bool = False
    """Whether the data has the stated size, and nothing but chunks of this file follows."""

    @property
    def frame_count(self) -> int:
        return len(self.data) // self.layout.frame_bytes

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1."""
        layout, scale = self.layout, self._integer_scale()
        step = max(1, _BLOCK_SAMPLES // layout.channel_count) * layout.frame_bytes
        for begin in range(0, len(self.data), step):
            samples = _read(self.data[begin : begin + step], layout, scale)
            yield samples.reshape(-1, layout.channel_count)

    def _integer_scale(self) -> float:
        """Return what integers of four or eight bytes are multiplied by."""
        layout = self.layout
        if layout.dtype == "i4" and layout.bits == 24:
            whole = np.frombuffer(self.data, f"{layout.order}i4")
            in_low_bytes = whole.min(initial=0) >= -_LOW_24 and whole.max(initial=0) < _LOW_24
            if in_low_bytes and (whole & 0xFF).any():
                return 1 / _LOW_24
        return 2.0 ** (1 - 8 * int(layout.dtype[-1]))


class PlainWav:
    """A WAV file of plain samples."""

    stream_count = 1

    def __init__(self, data: WavData) -> None:
        self.findings = Findings()
        layout = data.layout
        self.sample_rate_hz, self.channel_count = layout.sample_rate_hz, layout.channel_count
        self._data = data
        if layout.stated_frame_bytes != layout.frame_bytes:
            self.findings.damaged(
                f"its header says {layout.stated_frame_bytes:,} bytes a frame, which has"
                f" {layout.frame_bytes:,},",
                0.0,
            )

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1."""
        yield from self._data.blocks()
        promised, there = self._data.promised_frame_count, self._data.frame_count
        if promised is not None and there < promised:
            rate_hz = self.sample_rate_hz
            self.findings.cut_off = f"holds {there / rate_hz:.3f} s of {promised / rate_hz:.3f} s"
        if self._data.unclaimed_bytes:
            self.findings.damaged(
                f"{self._data.unclaimed_bytes:,} bytes follow that its header does not count,",
                there / self.sample_rate_hz,
            )

    def close(self) -> None:
        """Do nothing: there is no file."""


def find_wav_data(content: bytes | memoryview) -> WavData | None:
    """Find the samples of a WAV file; None if it is none, or its samples need a decoder."""
    view = memoryview(content)
    if len(view) < 12 or bytes(view[:4]) not in _KINDS or bytes(view[8:12]) != b"WAVE":
        return None
    layout: _Layout | None = None
    long_size: int | None = None
    order = ">" if bytes(view[:4]) == b"RIFX" else "<"
    place = 12
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(view):
            break
        name, size = bytes(view[place : place + 4]), _u32(view, place + 4, order)
        body = view[place + 8 : place + 8 + size]
        if name == b"ds64" and len(body) >= 16:
            long_size = struct.unpack_from("<Q", body, 8)[0]
        elif name == b"fmt ":
            layout = _layout(body, order)
        elif name == b"data":
            if layout is None:
                return None
            size = long_size if long_size is not None and size == 0xFFFF_FFFF else size
            return _data(view, place + 8, size, layout)
        place = _next_chunk(view, place + 8 + size)
    return None


def _layout(body: memoryview, order: str) -> _Layout | None:
    """Read a format; None if it needs a decoder."""
    if len(body) < 16:
        return None
    tag, channel_count, rate_hz, _, frame_bytes, bits = struct.unpack_from(order + "HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack_from(order + "H", body, 24)[0]
    dtype = _DTYPES.get((tag, -(-bits // 8)))
    if dtype is None or not channel_count or not rate_hz:
        return None
    if dtype == "i3" and frame_bytes == 4 * channel_count:
        dtype = "i4"  # 24 bits in four bytes
    return _Layout(rate_hz, channel_count, order, dtype, frame_bytes, bits)


def _data(view: memoryview, begin: int, size: int, layout: _Layout) -> WavData:
    there = len(view) - begin
    is_known = size < _NEVER_FILLED_IN and (size > 0 or _is_chunks(view, begin, layout.order))
    byte_count = min(size, there) if is_known else there
    end = begin + byte_count // layout.frame_bytes * layout.frame_bytes
    promised = size // layout.frame_bytes if is_known else None
    data = view[begin:end]
    rest = _next_chunk(view, begin + byte_count)
    is_end = _is_chunks(view, rest, layout.order)
    unclaimed = 0 if is_end else len(view) - begin - byte_count
    if unclaimed <= _TAIL_BYTES or not bytes(view[begin + byte_count :]).strip(b"\0"):
        unclaimed = 0
    return WavData(layout, data, promised, unclaimed, is_known and is_end and byte_count == size)


def _is_chunks(view: memoryview, place: int, order: str) -> bool:
    """Whether nothing but whole chunks follows, none of them data."""
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(view):
            break
        if not _is_name(view, place) or bytes(view[place : place + 4]) in _NO_CHUNKS:
            return False
        place = _next_chunk(view, place + 8 + _u32(view, place + 4, order))
    return place in (len(view), len(view) + 1)


def _next_chunk(view: memoryview, end: int) -> int:
    """Return where the next chunk begins: at an even place, but some programs forget to pad."""
    if end % 2 and _is_name(view, end):
        return end
    return end + end % 2


def _is_name(view: memoryview, place: int) -> bool:
    """Whether a chunk may begin here."""
    return bytes(view[place : place + 4]).rstrip(b" ").isalnum()


def _u32(view: memoryview, place: int, order: str) -> int:
    value: int = struct.unpack_from(order + "I", view, place)[0]
    return value


def _read(data: memoryview, layout: _Layout, scale: float) -> SampleArray:
    order, dtype = layout.order, layout.dtype
    if dtype == "u1":
        return (np.frombuffer(data, "u1").astype(np.float32) - 128) / np.float32(128)
    if dtype == "i3":
        # The three bytes become the upper ones of four.
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, slice(0, 3) if order == ">" else slice(1, 4)] = np.frombuffer(
            data, np.uint8
        ).reshape(-1, 3)
        return wide.view(f"{order}i4")[:, 0].astype(np.float32) * np.float32(2.0**-31)
    samples: SampleArray = np.frombuffer(data, order + dtype)
    if dtype == "i2":
        return samples.astype("<i2", copy=False)
    if dtype in ("i4", "i8"):
        return samples.astype(np.float32) * np.float32(scale)
    with np.errstate(over="ignore"):  # beyond float32 it is infinite, and refused as such
        return samples.astype(np.float32, copy=False)
