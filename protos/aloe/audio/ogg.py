"""Ogg pages (RFC 3533): whether a file is whole, which its decoders do not say."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from aloe.audio.findings import Findings
from aloe.audio.headers import Layout

_CAPTURE = b"OggS"
_HEADER = struct.Struct("<4sBBqIIIB")
_FIRST, _LAST = 2, 4
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""The checksum of Ogg reads the bits of each byte in the other order than zlib."""
_NO_GRANULE = -1
_VORBIS, _OPUS = b"\x01vorbis", b"OpusHead"
_OPUS_RATE_HZ = 48_000
_LAST_PAGES = 10
"""Among the last ones there is one that says where it stands."""


@dataclass(frozen=True, slots=True)
class _Page:
    begin: int
    end: int
    flags: int
    granule: int
    """Samples up to here, or -1."""
    serial: int
    number: int
    is_intact: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """What an Ogg file is like, page by page."""

    findings: Findings
    granule: int | None
    """The last page's position, if the file is one stream: how many samples it holds."""


def layout(content: bytes) -> Layout | None:
    """Return what the first page says of Vorbis and Opus, and where the last one stands."""
    if not content.startswith(_CAPTURE) or len(content) <= _HEADER.size:
        return None
    packet = content[_HEADER.size + content[_HEADER.size - 1] :][:16]
    if packet.startswith(_VORBIS) and len(packet) == 16:
        rate_hz, channel_count = int.from_bytes(packet[12:16], "little"), packet[11]
    elif packet.startswith(_OPUS) and len(packet) == 16:
        rate_hz, channel_count = _OPUS_RATE_HZ, packet[9]
    else:
        return None
    return Layout(rate_hz, channel_count, _last_granule(content))


def _last_granule(content: bytes) -> int | None:
    place = len(content)
    for _ in range(_LAST_PAGES):
        place = content.rfind(_CAPTURE, 0, place)
        if place < 0:
            return None
        granule = int.from_bytes(content[place + 6 : place + 14], "little", signed=True)
        if granule > 0:
            return granule
    return None


def check_pages(content: bytes, granule_rate_hz: int) -> Pages:
    """Find pages that are damaged, missing or cut off.

    Args:
        content: an Ogg file.
        granule_rate_hz: 48,000 for Opus, the sampling rate for others.
    """
    check = _Check(granule_rate_hz)
    for page in _pages(content):
        check.take(page)
    check.end(content)
    return Pages(check.findings, check.granule if check.stream_count == 1 else None)


class _Check:
    """Goes through the pages of a file, in which streams may follow each other."""

    def __init__(self, granule_rate_hz: int) -> None:
        self.findings = Findings()
        self.stream_count = 0
        self.granule: int | None = None
        self._rate_hz = granule_rate_hz
        self._place, self._at_s, self._earlier_s = 0, 0.0, 0.0
        self._next_numbers: dict[int, int] = {}
        """Of each stream that has not ended."""

    def take(self, page: _Page) -> None:
        """Look at the next page."""
        if page.begin > self._place:
            self._damaged(f"{page.begin - self._place:,} bytes that are no pages")
        self._place = page.end
        if not page.is_intact:
            self._damaged(f"a page of {page.end - page.begin:,} bytes is damaged")
            return
        if page.flags & _FIRST:
            self._begin_stream(page)
        missing = page.number - self._next_numbers.get(page.serial, page.number)
        if missing:
            self._damaged(f"{abs(missing):,} pages are missing")
        self._next_numbers[page.serial] = page.number + 1
        if page.granule != _NO_GRANULE:
            self.granule = max(0, page.granule)
            self._at_s = self._earlier_s + self.granule / self._rate_hz
        if page.flags & _LAST:
            del self._next_numbers[page.serial]

    def end(self, content: bytes) -> None:
        """Look at what follows the last page."""
        rest = content[self._place :]
        if rest and (rest.startswith(_CAPTURE) or _CAPTURE.startswith(rest[:4])):
            self.findings.cut_off = f"ends within a page at {self._at_s:.3f} s"
        elif self._next_numbers:
            self.findings.cut_off = f"its last page is missing: it ends at {self._at_s:.3f} s"
        elif rest:
            self._damaged(f"{len(rest):,} bytes that are no pages")

    def _begin_stream(self, page: _Page) -> None:
        self.stream_count += 1
        if not self._next_numbers:
            self._earlier_s = self._at_s
        self._next_numbers[page.serial] = page.number

    def _damaged(self, what: str) -> None:
        self.findings.damaged(what, self._at_s)


def _pages(content: bytes) -> Iterator[_Page]:
    place = 0
    while (place := content.find(_CAPTURE, place)) >= 0:
        page = _read_page(content, place)
        if page is None:
            place += len(_CAPTURE)
            continue
        # Where a page is damaged its length may be, too: the next one begins where it says so.
        yield page
        place = page.end


def _read_page(content: bytes, begin: int) -> _Page | None:
    """Read a page; None if it is not all there."""
    table = begin + _HEADER.size
    if table > len(content):
        return None
    _, version, flags, granule, serial, number, checksum, count = _HEADER.unpack_from(
        content, begin
    )
    end = table + count + sum(content[table : table + count])
    if version or end > len(content):
        return None
    page = bytearray(content[begin:end])
    page[22:26] = bytes(4)
    is_intact = _checksum(bytes(page)) == checksum
    if not is_intact:
        another = re.compile(_CAPTURE).search(content, begin + 4, end)
        end = another.start() if another else end
    return _Page(begin, end, flags, granule, serial, number, is_intact)


def _checksum(page: bytes) -> int:
    """The CRC of Ogg: polynomial 0x04c11db7, neither reflected nor inverted."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")
