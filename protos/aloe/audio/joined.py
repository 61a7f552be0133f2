"""Files that were joined end to end, as chunked recorders and text-to-speech programs do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aloe.audio import mp3, wav


@dataclass(frozen=True, slots=True)
class _Start:
    """How the files of a kind begin."""

    literal: bytes
    """What is searched for."""
    offset: int
    """Where it stands in the file."""
    pattern: "re.Pattern[bytes]"
    """All of the start: so long that it does not occur in sound by chance."""

    def find_all(self, content: bytes) -> Iterator[int]:
        """Yield where files of this kind begin."""
        place = content.find(self.literal)
        while place >= 0:
            begin = place - self.offset
            if begin >= 0 and self.pattern.match(content, begin):
                yield begin
            place = content.find(self.literal, place + 1)


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


_PLAIN_COUNT = 5
"""The first ones hold nothing but sound, in which no other file occurs but one that was joined."""


def _without_tags_of_tags(content: bytes, begins: list[int]) -> Iterator[int]:
    """Leave out where a tag only follows another one: both are of one file."""
    after_tags = 0
    for begin in begins:
        if begin == 0 or begin > after_tags:
            yield begin
            after_tags = begin
        after_tags = max(after_tags, begin + mp3.id3_length(content[begin : begin + 10]))


def parts_of(content: bytes) -> Iterator[bytes]:
    """Yield the files that a file consists of: itself, unless several were joined."""
    plain = wav.find_wav_data(content)
    if plain and plain.is_complete:  # Most files are: no need to search them.
        yield content
        return
    for number, start in enumerate(_STARTS):
        # Tags may stand before the first one.
        if start.pattern.match(content) or content[:3] == b"ID3":
            alike = [start]
            if number < _PLAIN_COUNT and start.pattern.match(content):
                alike = list(_STARTS[:_PLAIN_COUNT])
            begins = sorted({begin for each in alike for begin in each.find_all(content)})
            begins = list(_without_tags_of_tags(content, begins))
            if len(begins) > 1:
                begins[0] = 0
                for begin, end in zip(begins, [*begins[1:], len(content)], strict=True):
                    yield content[begin:end]
                return
    yield content
