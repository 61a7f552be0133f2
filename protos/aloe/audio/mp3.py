"""What an MP3 file says of its length, which decoders use as a guess only, and its tags."""

import struct

from aloe.audio.content import CHUNK_BYTES, Content
from aloe.audio.headers import Layout

_TAGS = (b"Xing", b"Info")
_TAG_PLACES = (36, 38, 21, 23, 13, 15)
"""Behind a frame's start: by version and channels, with and without a checksum."""
_VBRI_PLACE = 36
_FRAME_COUNT_FLAG = 1
_CUTS_PLACE = 141
"""Behind the tag: 12 bits of the encoder's delay and 12 of its padding, as LAME writes them."""
_MOST_DELAY, _MOST_PADDING = 1_728, 2_304
"""Samples that encoders add at either end: LAME 576, and less than two frames."""
_ID3V1_BYTES, _APE_BYTES, _LYRICS_END = 128, 32, b"LYRICS200"
_LYRICS_BYTES = 5_120
"""As long as lyrics of the first version are, at most."""
_TAIL_BYTES = 160

_RATES_HZ = (44_100, 48_000, 32_000)
_KBITS = (
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
"""Of layer III; MPEG-2 and 2.5, and MPEG-1."""
_MONO, _LAYER_3 = 3, 1
_HEADER_BYTES = 4_096
"""Beyond the tag: enough for a frame of any size, which is where the other headers stand."""


def layout(content: Content) -> Layout | None:
    """Return what the first frame says, or else what its bit rate makes of the size.

    None if it is no MP3 file, or nothing can be said.
    """
    begin = id3_length(content)
    header = content[begin : begin + _HEADER_BYTES]
    if len(header) < 4 or not _is_frame(header, 0) or header[1] >> 1 & 3 != _LAYER_3:
        return None
    version, rate, kbits = header[1] >> 3 & 3, header[2] >> 2 & 3, header[2] >> 4
    if version == 1 or rate == 3:
        return None
    is_first = version == 3
    rate_hz = _RATES_HZ[rate] >> (0, 1, 1, 2)[3 - version]
    channel_count = 1 if header[3] >> 6 == _MONO else 2
    count = promised_frame_count(header)
    if count:
        return Layout(rate_hz, channel_count, count * (1_152 if is_first else 576))
    if not 0 < kbits < 15:
        return Layout(rate_hz, channel_count)
    bytes_per_s = _KBITS[is_first][kbits - 1] * 125
    return Layout(rate_hz, channel_count, (len(content) - begin) * rate_hz // bytes_per_s)


def promised_frame_count(header: bytes) -> int | None:
    """Return how many frames follow, by the Xing, Info or VBRI header in an MPEG audio frame.

    Args:
        header: the bytes before the first frame of sound, tags included.
    """
    place = _info_place(header)
    if place is not None:
        if place + 12 > len(header):
            return None
        flags, count = struct.unpack_from(">II", header, place + 4)
        return count if flags & _FRAME_COUNT_FLAG else None
    place = header.find(b"VBRI", id3_length(header))
    if place >= 0 and _is_frame(header, place - _VBRI_PLACE) and place + 18 <= len(header):
        return int.from_bytes(header[place + 14 : place + 18], "big")
    return None


def implausible_cut(header: bytes) -> str:
    """Say what LAME's header has decoders cut that no encoder adds; empty if it is plausible."""
    place = _info_place(header)
    cuts = b"" if place is None else header[place + _CUTS_PLACE : place + _CUTS_PLACE + 3]
    if len(cuts) < 3:
        return ""
    begin, end = cuts[0] << 4 | cuts[1] >> 4, (cuts[1] & 0xF) << 8 | cuts[2]
    if begin <= _MOST_DELAY and end <= _MOST_PADDING:
        return ""
    return f"its header has {begin:,} samples cut at its begin and {end:,} at its end,"


def _info_place(header: bytes) -> int | None:
    """Return where the Xing or Info header is, at its place within a frame."""
    begin = id3_length(header)
    for tag in _TAGS:
        place = header.find(tag, begin)
        while place >= 0:
            if any(_is_frame(header, place - offset) for offset in _TAG_PLACES):
                return place
            place = header.find(tag, place + 1)
    return None


def id3_length(content: Content) -> int:
    """Return how long the ID3v2 tag in front of a file is; 0 without one."""
    head = content[:10]
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if head[5] & 0x10 else 0)


def end_of_sound(content: Content) -> int:
    """Return where an MP3 file ends without the tags and the padding at its end.

    Any other file ends where it ends.
    """
    begin, end = id3_length(content), len(content)
    is_framed = _is_frame(content[begin : begin + 2], 0)
    while is_framed:
        without = _end_without_tag(content, begin, end)
        if without == end:
            return end
        if without <= begin:
            break
        end = without
    return len(content)


def _end_without_tag(content: Content, begin: int, end: int) -> int:
    """Return where the last tag or padding of what lies between two places begins."""
    tail = content[max(begin, end - _TAIL_BYTES) : end]
    if len(tail) > _ID3V1_BYTES and tail[-_ID3V1_BYTES:].startswith(b"TAG"):
        return end - _ID3V1_BYTES
    if tail.endswith(_LYRICS_END) and tail[-15:-9].isdigit():
        return end - int(tail[-15:-9]) - 15
    if tail.endswith(b"LYRICSEND"):
        place = content.rfind(b"LYRICSBEGIN", max(begin, end - _LYRICS_BYTES), end)
        return place if place >= 0 else end
    if tail[-_APE_BYTES:].startswith(b"APETAGEX"):
        end -= int.from_bytes(tail[-20:-16], "little")
        head = content[max(begin, end - _APE_BYTES) : max(begin, end)]
        return end - _APE_BYTES if head.startswith(b"APETAGEX") else end
    return _end_without_zeros(content, begin, end) if tail.endswith(bytes(64)) else end


def _end_without_zeros(content: Content, begin: int, end: int) -> int:
    while end > begin:
        piece = content[max(begin, end - CHUNK_BYTES) : end]
        end -= len(piece)
        if sound := piece.rstrip(b"\0"):
            return end + len(sound)
    return begin


def _is_frame(data: bytes, place: int) -> bool:
    """Whether a frame of MPEG audio may begin here."""
    return 0 <= place < len(data) - 1 and data[place] == 0xFF and data[place + 1] & 0xE0 == 0xE0
