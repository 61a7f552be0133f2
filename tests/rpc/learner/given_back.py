"""Whether a message that was read back says all that was said in the one that was sent."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_NOT_READ = {field_behavior_pb2.OUTPUT_ONLY, field_behavior_pb2.IDENTIFIER}
_NS_PER_MS, _NS_PER_US = 10**6, 10**3
NOT_READ: Mapping[str, str | None] = {}


def lost(
    sent: Message, read: Message, renamed: Mapping[str, str | None] = NOT_READ
) -> Iterator[str]:
    """Yield the fields that were set and are not given back: times to the millisecond, durations to
    the microsecond, anything else as it was.

    `renamed` says what a field of `sent` is called in `read`, None for one that is not to be given
    back. A field that is in neither fails the test.
    """
    for field, value in sent.ListFields():
        name = renamed.get(field.name, field.name)
        behaviour = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
        if name is None or not _NOT_READ.isdisjoint(behaviour):
            continue
        if name not in read.DESCRIPTOR.fields_by_name:
            yield f"{field.full_name}: {read.DESCRIPTOR.name} has no such field"
            continue
        found: Any = getattr(read, name)
        pairs = [(value, found)]
        if field.is_repeated:
            if len(value) != len(found):
                yield f"{field.full_name}: {len(found)} of {len(value)}"
            pairs = list(zip(value, found, strict=False))
        elif field.has_presence and not read.HasField(name):
            yield f"{field.full_name}: not set"
        for one, other in pairs:
            yield from _lost_in(field.full_name, one, other)


def _lost_in(path: str, sent: Any, read: Any) -> Iterator[str]:
    if isinstance(sent, Timestamp | Duration):
        nanos_kept = _NS_PER_MS if isinstance(sent, Timestamp) else _NS_PER_US
        kept = (sent.seconds, sent.nanos // nanos_kept * nanos_kept)
        if kept != (read.seconds, read.nanos):
            yield f"{path}: {kept} is {(read.seconds, read.nanos)}"
    elif isinstance(sent, Message):
        yield from lost(sent, read)
    elif sent != read:
        yield f"{path}: {sent!r} is {read!r}"
