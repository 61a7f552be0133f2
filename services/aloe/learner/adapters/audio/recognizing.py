"""Whether bytes are an audio file: nothing else that a caller names is given away.

A look at how it is built, not a decoding: that is the embedding service's, in processes with
bounds. A text, a picture, a program or an archive is none.
"""

from aloe.audio.mp3 import id3_length
from aloe.learner.adapters.audio.media_types import UNKNOWN, media_type_of

_TEXT_BYTES = 1_024
_TEXT_CONTROLS = b"\t\n\r\f"
_JUNK_BYTES = 1 << 16
"""How much may stand before the first frame of MP3 or AAC: tags of other kinds, padding."""
_MANY_FRAMES = 4

_BIT_RATES = {
    # MPEG version 1, then 2 and 2.5, by layer; kbit/s by the index in a frame's head.
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = (44_100, 48_000, 32_000)
_FRAMED = ("audio/mpeg", "audio/aac")


def is_recording(content: bytes) -> bool:
    """Whether a file is built as one that holds sound."""
    if _is_text(content):
        return False
    kind = media_type_of(content)
    if kind == "audio/wav":
        return b"fmt " in content[12:_JUNK_BYTES]
    # MP3 may begin with what is no frame of it.
    return kind not in (UNKNOWN, *_FRAMED) or content.startswith(b"ADIF") or _has_frames(content)


def _is_text(content: bytes) -> bool:
    """Whether a file begins as a text, such as one whose first word is that of a container."""
    head = content[:_TEXT_BYTES]
    has_controls = any(byte < 0x20 or byte == 0x7F for byte in head.translate(None, _TEXT_CONTROLS))
    return not has_controls and _is_utf8(head)


def _is_utf8(head: bytes) -> bool:
    # The cut may go through a character.
    return any(_decodes(head[: len(head) - cut]) for cut in range(4))


def _decodes(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_frames(content: bytes) -> bool:
    """Whether frames of MPEG audio follow each other: two bytes alone may be anything's."""
    begin = place = id3_length(content)
    if _frame_count(content, begin) >= 1:
        return True
    while 0 <= (place := content.find(b"\xff", place)) < begin + _JUNK_BYTES:
        if _frame_count(content, place) >= _MANY_FRAMES:
            return True
        place += 1
    return False


def _frame_count(content: bytes, place: int) -> int:
    """Return how many whole frames follow, up to _MANY_FRAMES; 0 where something else does."""
    count = 0
    while place < len(content) and count < _MANY_FRAMES:
        length = _frame_length(content[place : place + 7])
        if not length:
            return 0
        place += length
        count += place <= len(content)
    return count


def _frame_length(head: bytes) -> int:
    """Return how many bytes a frame of ADTS or MPEG audio has, by its head; 0 if it is none."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    if layer == 4:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return length if head[1] & 0xF0 == 0xF0 and length >= 7 else 0
    index, rate_index = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or index in (0, 15) or rate_index == 3:
        return 0
    is_first = version == 3
    bit_rate = 1_000 * _BIT_RATES[is_first, layer if is_first else min(layer, 2)][index]
    rate_hz = _RATES_HZ[rate_index] >> (0 if is_first else 1 if version == 2 else 2)
    padding = head[2] >> 1 & 1
    if layer == 1:
        return (12 * bit_rate // rate_hz + padding) * 4
    slots = 72 if layer == 3 and not is_first else 144
    return slots * bit_rate // rate_hz + padding
