"""How many fields a serialized message has, found without parsing it.

Parsing makes an object of each message in a list: what is small on the wire may be large in memory.
"""

from collections.abc import Mapping
from functools import cache

from google.protobuf.descriptor import Descriptor

from aloe.wire.errors import MalformedValue

SCANNED_BYTES = 1024**2
"""What is smaller is parsed in some 30 ms at most, whatever it holds."""
MAX_FIELD_COUNT = 100_000
"""Of a message, with those of large messages in it: more than the bounds of its lists allow."""


def check_field_count(data: bytes, message: Descriptor) -> None:
    """Check a message, at any depth, by its serialized form, in time bounded by MAX_FIELD_COUNT.

    What is no message passes: its parser will say so.

    Raises:
        MalformedValue: it has more fields than any message of ours.
    """
    if len(data) > SCANNED_BYTES:
        _count(data, 0, len(data), message, MAX_FIELD_COUNT)


def _count(data: bytes, place: int, end: int, message: Descriptor, most: int) -> int:
    """Return how many more fields may come after those of a part of the data."""
    within = _messages_in(message)
    try:
        while place < end:
            most -= 1
            if most < 0:
                raise MalformedValue(
                    "request", f"over {MAX_FIELD_COUNT:,} fields in one message; send several"
                )
            tag, place = _varint(data, place)
            match tag & 7:
                case 2:  # so many bytes
                    size, place = _varint(data, place)
                    inner = within.get(tag >> 3)
                    if inner is not None and size > SCANNED_BYTES:
                        most = _count(data, place, min(place + size, end), inner, most)
                    place += size
                case 0:  # a varint
                    _, place = _varint(data, place)
                case 1:  # 64 bits
                    place += 8
                case 5:  # 32 bits
                    place += 4
                case _:
                    return most
    except IndexError:  # It ends in the middle of a field, or is no message.
        pass
    return most


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of the wire and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise IndexError  # No number is longer.


@cache
def _messages_in(message: Descriptor) -> Mapping[int, Descriptor]:
    """Return the fields that hold messages, by number."""
    return {field.number: field.message_type for field in message.fields if field.message_type}
