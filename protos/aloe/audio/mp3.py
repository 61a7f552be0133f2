"""What an MP3 file says of its length, which decoders use as a guess only, and its tags."""

import struct

_TAGS = (b"Xing", b"Info")
_TAG_PLACES = (36, 38, 21, 23, 13, 15)
"""Behind a frame's start: by version and channels, with and without a checksum."""
_VBRI_PLACE = 36
_FRAME_COUNT_FLAG = 1
_ID3V1_BYTES, _APE_BYTES, _LYRICS_END = 128, 32, b"LYRICS200"


def promised_frame_count(header: bytes) -> int | None:
    """Return how many frames follow, by the Xing, Info or VBRI header in an MPEG audio frame.

    Args:
        header: the bytes before the first frame of sound, tags included.
    """
    begin = id3_length(header)
    for tag in _TAGS:
        place = header.find(tag, begin)
        while place >= 0:
            if any(_is_frame(header, place - offset) for offset in _TAG_PLACES):
                if place + 12 > len(header):
                    return None
                flags, count = struct.unpack_from(">II", header, place + 4)
                return count if flags & _FRAME_COUNT_FLAG else None
            place = header.find(tag, place + 1)
    place = header.find(b"VBRI", begin)
    if place >= 0 and _is_frame(header, place - _VBRI_PLACE) and place + 18 <= len(header):
        return int.from_bytes(header[place + 14 : place + 18], "big")
    return None


def id3_length(content: bytes) -> int:
    """Return how long the ID3v2 tag in front of a file is; 0 without one."""
    if len(content) < 10 or content[:3] != b"ID3":
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if content[5] & 0x10 else 0)


def without_tail(content: bytes) -> bytes:
    """Return an MP3 file without the tags and the padding at its end; another file as it is."""
    begin = id3_length(content)
    if not _is_frame(content, begin):
        return content
    end = len(content)
    while True:
        tail = content[begin:end]
        if len(tail) > _ID3V1_BYTES and tail[-_ID3V1_BYTES:].startswith(b"TAG"):
            end -= _ID3V1_BYTES
        elif tail.endswith(_LYRICS_END) and tail[-15:-9].isdigit():
            end -= int(tail[-15:-9]) + 15
        elif tail.endswith(b"LYRICSEND") and b"LYRICSBEGIN" in tail:
            end = begin + tail.rfind(b"LYRICSBEGIN")
        elif tail[-_APE_BYTES:].startswith(b"APETAGEX"):
            end -= int.from_bytes(tail[-20:-16], "little")
            if content[max(begin, end - _APE_BYTES) : end].startswith(b"APETAGEX"):
                end -= _APE_BYTES
        elif tail.endswith(bytes(64)):
            end = begin + len(tail.rstrip(b"\0"))
        else:
            return content[:end]
        if end <= begin:
            return content


def _is_frame(data: bytes, place: int) -> bool:
    """Whether a frame of MPEG audio may begin here."""
    return 0 <= place < len(data) - 1 and data[place] == 0xFF and data[place + 1] & 0xE0 == 0xE0
