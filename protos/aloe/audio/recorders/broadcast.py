"""Broadcast WAV: the "bext" chunk (EBU Tech 3285) and what is plain text in iXML (ixml.info)."""

import re
import struct
from html import unescape

from aloe.audio.recorders.attributes import Attributes, decoded

BEXT, IXML = b"bext", b"iXML"
_BEXT = struct.Struct("<256s32s32s10s8sQ")
_DATE = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)")
_TIME = re.compile(r"(\d\d)\D(\d\d)\D(\d\d)")
_PLAIN = re.compile(
    r"<(PROJECT|SCENE|TAKE|TAPE|NOTE|CIRCLED|FILE_UID)>([^<]{1,4096})</\1>", re.IGNORECASE
)


def read_bext(body: bytes, sample_rate_hz: int, found: Attributes) -> None:
    """Read a chunk; a recording's time counts in samples since midnight."""
    if len(body) < _BEXT.size:
        found.note(f"bext: {len(body):,} bytes, and it has at least {_BEXT.size}")
        return
    *texts, samples = _BEXT.unpack_from(body)
    description, originator, reference, date, time = (
        decoded(text.partition(b"\0")[0]) for text in texts
    )
    found.text("description", description)
    found.text("originator", originator)
    found.text("originator_reference", reference)
    day, moment = _DATE.match(date), _TIME.match(time)
    if day and moment:
        found.time("recorded_at", "-".join(day.groups()) + "T" + ":".join(moment.groups()))
    elif date.strip() or time.strip():
        found.note(f"bext: {date!r} {time!r} is no time")
    if samples and sample_rate_hz:
        found.number("time_of_day_s", repr(samples / sample_rate_hz))


def read_ixml(body: bytes, found: Attributes) -> None:
    """Read the elements that hold a text, by their look: no document type, no entities."""
    for match in _PLAIN.finditer(decoded(body)):
        found.text(match[1].lower(), unescape(match[2]))
