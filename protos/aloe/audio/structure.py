"""Whether all that a container announces is in the file, where its demuxer does not say so."""

import struct
from collections.abc import Iterator

from aloe.audio.content import Content

_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_HEADER_BYTES = 24
_CAF_EDIT_COUNT_BYTES = 4
_ELEMENT_HEAD_BYTES = 16
_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_MASTERS = (_SEGMENT, _CLUSTER)
"""Elements of Matroska that consist of others, down to the blocks of sound."""


def promised_data_bytes(content: Content, kind: str) -> int | None:
    """Return how many bytes of samples a W64 or CAF file says it holds; None if it does not."""
    if kind == "w64":
        place = content.find(_W64_DATA)
        if place < 0 or place + _W64_HEADER_BYTES > len(content):
            return None
        size: int = struct.unpack("<q", content[place + 16 : place + _W64_HEADER_BYTES])[0]
        return size - _W64_HEADER_BYTES if size > _W64_HEADER_BYTES else None
    for name, size, _ in _caf_chunks(content):
        if name == b"data":
            return size - _CAF_EDIT_COUNT_BYTES if size > 0 else None
    return None


def missing_bytes(content: Content, kind: str) -> int:
    """Return how many bytes are not there of what a file of a kind in ENDING says it holds."""
    return max(0, _END_OF[kind](content) - len(content))


def _w64_end(content: Content) -> int:
    size = promised_data_bytes(content, "w64") or 0
    return content.find(_W64_DATA) + _W64_HEADER_BYTES + size if size else 0


def _caf_end(content: Content) -> int:
    return max((place + max(0, size) for _, size, place in _caf_chunks(content)), default=0)


def _avi_end(content: Content) -> int:
    return 8 + int.from_bytes(content[4:8], "little")


def _caf_chunks(content: Content) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, size and place of each chunk of a CAF file."""
    place = 8
    while len(head := content[place : place + 12]) == 12:
        name, size = struct.unpack(">4sq", head)
        yield name, size, place + 12
        if size < 0:  # to the end of the file
            return
        place += 12 + size


def _mp4_end(content: Content) -> int:
    """Return where the last box of an MP4 file ends, by what it says."""
    place = 0
    while len(head := content[place : place + 16]) == 16:
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:], "big")
        if size == 0:  # to the end of the file
            return len(content)
        if size < 8 or not head[4:8].isalnum():
            return place  # no box: something was appended
        place += size
    return place


def _matroska_end(content: Content) -> int:
    """Return where the last element of a Matroska or WebM file ends, by what it says."""
    place = 0
    while head := content[place : place + _ELEMENT_HEAD_BYTES]:
        id_length = _vint_length(head[0])
        if not id_length or id_length >= len(head):
            return place + max(1, id_length)
        size_length = _vint_length(head[id_length])
        if not size_length:
            return place  # no element: something was appended
        body = id_length + size_length
        size = _vint(head[id_length:body])
        place += body
        if head[:id_length] not in _MASTERS:
            place += size if size is not None else 0
    return place


_END_OF = {
    "avi": _avi_end,
    "caf": _caf_end,
    "matroska": _matroska_end,
    "mov": _mp4_end,
    "w64": _w64_end,
}
ENDING = tuple(_END_OF)
"""Containers that say where they end."""


def _vint_length(first: int) -> int:
    """Return how many bytes a number of EBML has, by its first one; 0 if it is none."""
    return 9 - first.bit_length() if first else 0


def _vint(data: bytes) -> int | None:
    """Read a size of EBML; None where it is not known."""
    bits = 7 * len(data)
    value = int.from_bytes(data, "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
