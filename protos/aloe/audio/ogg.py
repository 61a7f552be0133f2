"""Ogg pages (RFC 3533): whether a file is whole, which its decoders do not say."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from aloe.audio.content import Content
from aloe.audio.findings import Findings
from aloe.audio.headers import Layout

_CAPTURE = b"OggS"
_HEADER = struct.Struct("<4sBBqIIIB")
_HEADER_REACH = 512
"""Enough for a page's header and the begin of its first packet."""
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


def layout(content: Content) -> Layout | None:
    """Return what the first page says of Vorbis and Opus, and where the last one stands."""
    head = content[:_HEADER_REACH]
    if not head.startswith(_CAPTURE) or len(head) <= _HEADER.size:
        return None
    packet = head[_HEADER.size + head[_HEADER.size - 1] :][:16]
    if packet.startswith(_VORBIS) and len(packet) == 16:
        rate_hz, channel_count = int.from_bytes(packet[12:16], "little"), packet[11]
    elif packet.startswith(_OPUS) and len(packet) == 16:
        rate_hz, channel_count = _OPUS_RATE_HZ, packet[9]
    else:
        return None
    return Layout(rate_hz, channel_count, _last_granule(content))


def _last_granule(content: Content) -> int | None:
    place = len(content)
    for _ in range(_LAST_PAGES):
        place = content.rfind(_CAPTURE, 0, place)
        if place < 0:
            return None
        granule = int.from_bytes(content[place + 6 : place + 14], "little", signed=True)
        if granule > 0:
            return granule
    return None


class PageCheck:
    """Finds pages that are damaged, missing or cut off, going through a file in step with a reader.

    Streams may follow each other in it.
    """

    def __init__(self, content: Content, granule_rate_hz: int, findings: Findings) -> None:
        """Take a file, and where to note what is wrong with it.

        Args:
            content: an Ogg file.
            granule_rate_hz: 48,000 for Opus, the sampling rate for others.
            findings: gets what is found.
        """
        self._content, self._rate_hz, self._findings = content, granule_rate_hz, findings
        self._pages = _pages(content)
        self._next = next(self._pages, None)
        self._stream_count = 0
        self._granule: int | None = None
        self._place, self._at_s, self._earlier_s = 0, 0.0, 0.0
        self._next_numbers: dict[int, int] = {}
        """Of each stream that has not ended."""

    @property
    def granule(self) -> int | None:
        """The last page's position, if the file is one stream: how many samples it holds."""
        return self._granule if self._stream_count == 1 else None

    def go_on_to(self, place: int) -> None:
        """Look at the pages that begin before a place."""
        while self._next is not None and self._next.begin < place:
            self._take(self._next)
            self._next = next(self._pages, None)

    def end(self) -> None:
        """Look at all that is left, and at what follows the last page."""
        self.go_on_to(len(self._content))
        rest = self._content[self._place : self._place + len(_CAPTURE)]
        if rest and (rest.startswith(_CAPTURE) or _CAPTURE.startswith(rest)):
            self._findings.cut_off = f"ends within a page at {self._at_s:,.3f} s"
        elif self._next_numbers:
            self._findings.cut_off = f"its last page is missing: it ends at {self._at_s:,.3f} s"
        elif rest:
            self._damaged(f"{len(self._content) - self._place:,} bytes that are no pages")

    def _take(self, page: _Page) -> None:
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
            count = abs(missing)
            self._damaged(f"{count:,} {'page is' if count == 1 else 'pages are'} missing")
        self._next_numbers[page.serial] = page.number + 1
        if page.granule != _NO_GRANULE:
            self._granule = max(0, page.granule)
            self._at_s = self._earlier_s + self._granule / self._rate_hz
        if page.flags & _LAST:
            del self._next_numbers[page.serial]

    def _begin_stream(self, page: _Page) -> None:
        self._stream_count += 1
        if not self._next_numbers:
            self._earlier_s = self._at_s
        self._next_numbers[page.serial] = page.number

    def _damaged(self, what: str) -> None:
        self._findings.damaged(what, self._at_s)


def _pages(content: Content) -> Iterator[_Page]:
    place = 0
    while (place := content.find(_CAPTURE, place)) >= 0:
        page = _read_page(content, place)
        if page is None:
            place += len(_CAPTURE)
            continue
        # Where a page is damaged its length may be, too: the next one begins where it says so.
        yield page
        place = page.end


def _read_page(content: Content, begin: int) -> _Page | None:
    """Read a page; None if it is not all there."""
    head = content[begin : begin + _HEADER.size]
    if len(head) < _HEADER.size:
        return None
    _, version, flags, granule, serial, number, checksum, count = _HEADER.unpack(head)
    table = begin + _HEADER.size
    end = table + count + sum(content[table : table + count])
    page = bytearray(content[begin:end])
    if version or len(page) < end - begin:
        return None
    page[22:26] = bytes(4)
    is_intact = _checksum(bytes(page)) == checksum
    if not is_intact:
        another = content.find(_CAPTURE, begin + len(_CAPTURE), end)
        end = another if another >= 0 else end
    return _Page(begin, end, flags, granule, serial, number, is_intact)


def _checksum(page: bytes) -> int:
    """The CRC of Ogg: polynomial 0x04c11db7, neither reflected nor inverted."""
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")
