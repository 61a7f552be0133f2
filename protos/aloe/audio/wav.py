"""WAV files that hold plain samples: where their data lies, without any decoder.

WAVE as in "Multimedia Programming Interface and Data Specifications 1.0" (1991), with
WAVE_FORMAT_EXTENSIBLE (2001), and RF64 as in EBU Tech 3306.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aloe.audio import riff
from aloe.audio.arrays import SampleArray
from aloe.audio.content import CHUNK_BYTES, Content
from aloe.audio.findings import Findings

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
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
_NEVER_FILLED_IN = (0x7FFF, 0x8000, 0xFFFF)
"""Programs that write to a pipe leave a size with these upper bits, or 0: it means to the end."""
_SEE_DS64 = 0xFFFF_FFFF
_FORMAT_BYTES = 64
"""As much of a chunk as is read."""
_BLOCK_SAMPLES = 1 << 18
_LOW_24 = 1 << 23
"""Beyond the samples of 24 bits that lie in the lower bytes of four."""
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

    content: Content
    layout: _Layout
    begin: int
    """Where they begin in the file."""
    byte_count: int | None
    """What the header says; None where it does not, and they go on to the end of the file."""
    is_complete: bool = False
    """Whether all of that is there, and nothing but chunks of this file follows."""

    @property
    def promised_frame_count(self) -> int | None:
        return None if self.byte_count is None else self.byte_count // self.layout.frame_bytes

    @property
    def frame_count(self) -> int:
        """The whole frames that are there."""
        there = max(0, len(self.content) - self.begin)
        byte_count = there if self.byte_count is None else min(there, self.byte_count)
        return byte_count // self.layout.frame_bytes

    def blocks(self, first_frame: int = 0) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1."""
        layout, scale = self.layout, self._integer_scale()
        for data in self._pieces(first_frame):
            yield _read(data, layout, scale).reshape(-1, layout.channel_count)

    def unclaimed_bytes(self) -> int:
        """Return how much follows that is no part of the file."""
        if self.byte_count is None:
            return 0
        end = self.begin + self.byte_count
        byte_count = _end(self.content, end) - end
        if byte_count <= _TAIL_BYTES:
            return 0
        rest = riff.next_chunk(self.content, end)
        if riff.is_chunks(self.content, rest, self.layout.order) or _is_zero(self.content, end):
            return 0
        return byte_count

    def _pieces(self, first_frame: int = 0) -> Iterator[bytes]:
        """Yield the bytes of whole frames."""
        frame_bytes = self.layout.frame_bytes
        step = max(1, _BLOCK_SAMPLES // self.layout.channel_count) * frame_bytes
        place = self.begin + first_frame * frame_bytes
        end = None if self.byte_count is None else self.begin + self.byte_count
        while True:
            data = self.content[place : place + step if end is None else min(end, place + step)]
            data = data[: len(data) // frame_bytes * frame_bytes]
            if not data:
                return
            yield data
            place += len(data)

    def _integer_scale(self) -> float:
        """Return what integers of four or eight bytes are multiplied by."""
        layout = self.layout
        if layout.dtype == "i4" and layout.bits == 24 and self._is_in_low_bytes():
            return 1 / _LOW_24
        return 2.0 ** (1 - 8 * int(layout.dtype[-1]))

    def _is_in_low_bytes(self) -> bool:
        """Whether 24 bits lie in the lower bytes of four; most often a look at the begin says."""
        is_finer = False
        for data in self._pieces():
            whole = np.frombuffer(data, f"{self.layout.order}i4")
            if whole.min(initial=0) < -_LOW_24 or whole.max(initial=0) >= _LOW_24:
                return False
            is_finer = is_finer or bool((whole & 0xFF).any())
        return is_finer


class PlainWav:
    """A WAV file of plain samples."""

    stream_count = 1

    def __init__(self, data: WavData) -> None:
        self.findings = Findings()
        layout = data.layout
        self.sample_rate_hz, self.channel_count = layout.sample_rate_hz, layout.channel_count
        self._data, self._first_frame = data, 0
        if layout.stated_frame_bytes != layout.frame_bytes:
            self.findings.damaged(
                f"its header says {layout.stated_frame_bytes:,} bytes a frame, which has"
                f" {layout.frame_bytes:,},",
                0.0,
            )

    @property
    def promised_frame_count(self) -> int | None:
        return self._data.promised_frame_count

    def seek(self, frame: int) -> int:
        """Let `blocks` begin at a frame, or at the end if that is before; return which."""
        self._first_frame = min(frame, self._data.frame_count)
        return self._first_frame

    def blocks(self) -> Iterator[SampleArray]:
        """Yield the frames, (n_frames, n_channels), as int16 or float32 with full scale 1."""
        there, rate_hz = self._first_frame, self.sample_rate_hz
        for block in self._data.blocks(self._first_frame):
            there += len(block)
            yield block
        promised = self._data.promised_frame_count
        if promised is not None and there < promised:
            self.findings.cut_off = f"holds {there / rate_hz:,.3f} s of {promised / rate_hz:,.3f} s"
        unclaimed = self._data.unclaimed_bytes()
        if unclaimed:
            self.findings.damaged(
                f"{unclaimed:,} bytes follow that its header does not count,", there / rate_hz
            )

    def close(self) -> None:
        """Do nothing: there is no file."""


def find_wav_data(content: Content) -> WavData | None:
    """Find the samples of a WAV file; None if it is none, or its samples need a decoder."""
    head = content[:12]
    if len(head) < 12 or head[:4] not in riff.KINDS or head[8:] != b"WAVE":
        return None
    layout: _Layout | None = None
    long_size: int | None = None
    order = ">" if head[:4] == b"RIFX" else "<"
    place = 12
    for _ in range(riff.MOST_CHUNKS):
        name, size = riff.chunk_head(content, place, order)
        if not name:
            break
        body = content[place + 8 : place + 8 + min(size, _FORMAT_BYTES)]
        if name == b"ds64" and len(body) >= 16:
            long_size = struct.unpack_from("<Q", body, 8)[0]
        elif name == b"fmt ":
            layout = _layout(body, order)
        elif name == b"data":
            if layout is None:
                return None
            if long_size is not None and size == _SEE_DS64:
                size = long_size
            return _data(content, place + 8, size, layout)
        place = riff.next_chunk(content, place + 8 + size)
    return None


def _layout(body: bytes, order: str) -> _Layout | None:
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


def _data(content: Content, begin: int, stated: int, layout: _Layout) -> WavData:
    there = len(content) - begin
    size = _size(content, begin, stated, layout.order)
    is_complete = size is not None and (
        size <= there
        and riff.is_chunks(content, riff.next_chunk(content, begin + size), layout.order)
    )
    return WavData(content, layout, begin, size, is_complete)


def _size(content: Content, begin: int, stated: int, order: str) -> int | None:
    """Return how many bytes of samples there should be; None if nobody filled it in."""
    there = len(content) - begin
    if stated == 0:
        return 0 if riff.is_chunks(content, begin, order) else None
    if stated > there and _is_never_filled_in(stated):
        return None
    # The sizes of files of over 4 GiB lack what has no room in 32 bits.
    for size in range(stated + (1 << 32), there + 1, 1 << 32) if stated < 1 << 32 else ():
        if riff.is_chunks(content, riff.next_chunk(content, begin + size), order):
            return size
    return stated


def _is_never_filled_in(size: int) -> bool:
    return size >> 16 in _NEVER_FILLED_IN or size >= 1 << 62


def _end(content: Content, place: int) -> int:
    """Return where a file ends, by reading on: what was joined to it shows only then."""
    while data := content[place : place + CHUNK_BYTES]:
        place += len(data)
    return place


def _is_zero(content: Content, place: int) -> bool:
    """Whether nothing but zeros follows."""
    while data := content[place : place + CHUNK_BYTES]:
        if data.strip(b"\0"):
            return False
        place += len(data)
    return True


def _read(data: bytes, layout: _Layout, scale: float) -> SampleArray:
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
