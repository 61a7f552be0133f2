"""What an MP3 file says of its length, which decoders use as a guess only."""

import struct

_TAGS = (b"Xing", b"Info")
_FRAME_COUNT_FLAG = 1


def promised_frame_count(header: bytes) -> int | None:
    """Return how many frames follow, by the Xing, Info or VBRI header in an MPEG audio frame.

    Args:
        header: the bytes before the first frame of sound.
    """
    for tag in _TAGS:
        place = header.find(tag)
        if place >= 0 and place + 12 <= len(header):
            flags, count = struct.unpack_from(">II", header, place + 4)
            return count if flags & _FRAME_COUNT_FLAG else None
    place = header.find(b"VBRI")
    if place >= 0 and place + 18 <= len(header):
        return int.from_bytes(header[place + 14 : place + 18], "big")
    return None
