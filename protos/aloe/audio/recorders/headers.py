"""All that a WAV file says of how it was recorded: bad headers are noted, and fail nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from aloe.audio import riff, wav
from aloe.audio.content import Content
from aloe.audio.recorders import audiomoth, broadcast, guano
from aloe.audio.recorders.attributes import Attributes, Value, decoded

_MOST_BYTES = 1 << 18
"""Of a chunk."""
_COMMENT, _ARTIST = b"ICMT", b"IART"


@dataclass(frozen=True, slots=True)
class RecorderHeaders:
    """What was found."""

    attributes: dict[str, Value]
    """By name, such as recorded_at, recorder_serial, latitude or battery_v."""
    notes: tuple[str, ...]
    """What could not be used, and why."""


def read_headers(content: Content, zone: tzinfo | None = None) -> RecorderHeaders:
    """Read the GUANO, INFO, bext and iXML chunks of a WAV file; of another file nothing.

    Where several say the same, GUANO is believed first, then an AudioMoth's comment.

    Args:
        content: the file.
        zone: of times without a time zone; None has them as text, with a note.
    """
    found = Attributes(zone)
    chunks: dict[bytes, bytes] = {}
    for name, body in _chunks(content):
        if len(body) > _MOST_BYTES:
            found.note(f"{decoded(name)}: only the first {_MOST_BYTES:,} bytes are read")
        chunks.setdefault(name, body[:_MOST_BYTES])
    if guano.CHUNK in chunks:
        guano.read(chunks[guano.CHUNK], found)
    comment = decoded(chunks.get(_COMMENT, b"")).strip()
    if audiomoth.is_comment(comment):
        audiomoth.read(comment, found)
    found.text("comment", comment)
    found.text("artist", decoded(chunks.get(_ARTIST, b"")))
    if broadcast.BEXT in chunks:
        data = wav.find_wav_data(content)
        rate_hz = data.layout.sample_rate_hz if data else 0
        broadcast.read_bext(chunks[broadcast.BEXT], rate_hz, found)
    if broadcast.IXML in chunks:
        broadcast.read_ixml(chunks[broadcast.IXML], found)
    return RecorderHeaders(found.values, tuple(found.notes))


def _chunks(content: Content) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks that are read, with a little more than is taken of each."""
    head = content[:12]
    if head[:4] not in riff.KINDS or head[8:] != b"WAVE":
        return
    order = ">" if head[:4] == b"RIFX" else "<"
    data = wav.find_wav_data(content)
    place = 12
    for _ in range(riff.MOST_CHUNKS):
        name, size = riff.chunk_head(content, place, order)
        if not name:
            return
        begin = place + 8
        if name == b"data" and data:
            if data.byte_count is None:  # to the end of the file
                return
            size = data.byte_count
        body = content[begin : begin + min(size, _MOST_BYTES + 1)] if name in _READ else b""
        if name == b"LIST" and body[:4] == b"INFO":
            yield from _info(body[4:], order)
        elif body:
            yield name, body
        place = riff.next_chunk(content, begin + size)


_READ = (b"LIST", guano.CHUNK, broadcast.BEXT, broadcast.IXML)


def _info(body: bytes, order: str) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    for _ in range(riff.MOST_CHUNKS):
        name, size = riff.chunk_head(body, place, order)
        if not name:
            return
        if name in (_COMMENT, _ARTIST):
            yield name, body[place + 8 : place + 8 + size]
        place = riff.next_chunk(body, place + 8 + size)
