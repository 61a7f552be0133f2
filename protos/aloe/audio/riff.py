"""Chunks of RIFF files, each with a name and a size."""

import struct

from aloe.audio.content import Content

KINDS = (b"RIFF", b"RF64", b"BW64", b"RIFX")
_NO_CHUNKS = (*KINDS, b"data", b"FORM", b"riff")
"""What does not follow the data of a file, unless another one was joined to it."""
MOST_CHUNKS = 1_000
"""A file of more is none that a program wrote; going through them takes time."""


def is_chunks(content: Content, place: int, order: str) -> bool:
    """Whether nothing but whole chunks follows, none of them data."""
    for _ in range(MOST_CHUNKS):
        name, size = chunk_head(content, place, order)
        if not name:
            break
        if not is_name(name) or name in _NO_CHUNKS:
            return False
        place = next_chunk(content, place + 8 + size)
    return place in (len(content), len(content) + 1)


def chunk_head(content: Content, place: int, order: str) -> tuple[bytes, int]:
    """Read a chunk's name and size; no name where there is no chunk."""
    head = content[place : place + 8]
    if len(head) < 8:
        return b"", 0
    name, size = struct.unpack(order + "4sI", head)
    return name, size


def next_chunk(content: Content, end: int) -> int:
    """Return where the next chunk begins: at an even place, but some programs forget to pad."""
    if end % 2 and is_name(content[end : end + 4]):
        return end
    return end + end % 2


def is_name(name: bytes) -> bool:
    """Whether a chunk may be called so."""
    return name.rstrip(b" ").isalnum()
