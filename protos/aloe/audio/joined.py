"""Files that were joined end to end, as chunked recorders and text-to-speech programs do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aloe.audio import mp3, wav
from aloe.audio.content import CHUNK_BYTES, Content, Slices


@dataclass(frozen=True, slots=True)
class _Start:
    """How the files of a kind begin."""

    literal: bytes
    """What is searched for."""
    offset: int
    """Where it stands in the file."""
    pattern: "re.Pattern[bytes]"
    """All of the start: so long that it does not occur in sound by chance."""

    def find_all(self, data: bytes) -> Iterator[int]:
        """Yield where files of this kind begin."""
        place = data.find(self.literal)
        while place >= 0:
            begin = place - self.offset
            if begin >= 0 and self.pattern.match(data, begin):
                yield begin
            place = data.find(self.literal, place + 1)


# Decoders stop at the end of the first file of these; those of Ogg, MP3 and ADTS go on.
_STARTS = tuple(
    _Start(literal, offset, re.compile(pattern, re.DOTALL))
    for literal, offset, pattern in (
        (b"WAVE", 8, rb"(?:RIFF|RF64|BW64|RIFX).{4}WAVE"),
        (b"AIF", 8, rb"FORM.{4}AIF[FC]"),
        (b"riff\x2e\x91\xcf\x11", 0, rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"),
        (b"fLaC", 0, rb"fLaC[\x00\x80]\x00\x00\x22"),
        (b".snd\0\0", 0, rb"\.snd\x00\x00[\x00-\x7f].{5}\x00\x00\x00."),
        (b"caff\0\1", 0, rb"caff\x00\x01\x00\x00desc"),
        (b"#!AMR", 0, rb"#!AMR(?:-WB)?\n"),
        (b"\x1aE\xdf\xa3", 0, rb"\x1aE\xdf\xa3.{1,48}?(?:webm|matroska)"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, rb".{8}\xa6\xd9\x00\xaa\x00\x62\xce\x6c"),
        (b"ftyp", 4, rb"\x00\x00\x00.ftyp[A-Za-z0-9 ]{4}"),
        (b"FLV\1", 0, rb"FLV\x01[\x01\x04\x05]\x00\x00\x00\x09"),
        (b"TTA1\1\0", 0, rb"TTA1\x01\x00"),
        (b"ID3", 0, rb"ID3[\x02-\x04]\x00[\x00-\xf0][\x00-\x7f]{4}"),
    )
)
_START_BYTES = 64
"""As long as the start of any of them is, at most."""
_LAZY_COUNT = 5
"""The first ones hold nothing but sound, in which no other file occurs but one that was joined;
their decoders read on from begin to end."""
_ID3 = _STARTS[-1]


class Part(Slices):
    """One of the files that a file consists of: all of it, unless several were joined.

    A file that may be long is searched for the next one only as it is read, and counts as going on
    to the end of the whole until that is found; `find_end` searches it at once.
    """

    def __init__(self, content: Content, begin: int = 0) -> None:
        """Take what begins at a place."""
        self._content, self._begin, self._end = content, begin, len(content)
        self._starts: tuple[_Start, ...] = ()
        self._after = self._searched = begin
        """Before the first lies no other file, before the second none that was not found."""
        plain = wav.find_wav_data(self)
        if plain and plain.is_complete:  # Most files are: no need to search them.
            return
        body = begin + _tags_length(content, begin)
        self._starts = _starts_like(content[body : body + _START_BYTES], has_tags=body > begin)
        self._after = self._searched = body
        if len(self._starts) < _LAZY_COUNT:
            self.find_end()

    def __len__(self) -> int:
        return self._end - self._begin

    def __getitem__(self, part: slice, /) -> bytes:
        first, last, _ = part.indices(len(self))
        self._search(self._begin + first, self._begin + last)
        return self._content[self._begin + first : min(self._begin + last, self._end)]

    def find_end(self) -> int:
        """Return the length, for which all that was not read is searched."""
        while self._starts and self._searched < self._end:
            self._search(self._searched, min(self._searched + CHUNK_BYTES, self._end))
        return len(self)

    def next(self) -> "Part | None":
        """Return what follows; None after the last part."""
        self.find_end()
        return Part(self._content, self._end) if self._end < len(self._content) else None

    def _search(self, first: int, last: int) -> None:
        """Let the part end where another file begins, before some of its bytes are handed out."""
        is_next = first <= self._searched
        first = max(first, self._searched) if is_next else first
        if not self._starts or first >= last:
            return
        # What begins at an edge is in sight from both sides.
        origin = max(self._after + 1, first - _START_BYTES)
        data = self._content[origin : last + _START_BYTES]
        begins = [begin for start in self._starts for begin in start.find_all(data)]
        self._end = min([self._end, *(origin + begin for begin in begins)])
        if is_next:
            self._searched = last


def parts_of(content: Content) -> Iterator[Part]:
    """Yield the files that a file consists of: itself, unless several were joined."""
    part: Part | None = Part(content)
    while part:
        yield part
        part = part.next()


def _tags_length(content: Content, begin: int) -> int:
    """Return how long the tags in front are: one that follows another one is no other file."""
    length = 0
    while tag := mp3.id3_length(content[begin + length : begin + length + 10]):
        length += tag
    return length


def _starts_like(head: bytes, *, has_tags: bool) -> tuple[_Start, ...]:
    """Return how files begin that may follow one that begins so."""
    for number, start in enumerate(_STARTS):
        if start.pattern.match(head):
            return _STARTS[:_LAZY_COUNT] if number < _LAZY_COUNT and not has_tags else (start,)
    return (_ID3,) if has_tags else ()
