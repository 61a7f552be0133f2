"""Lists that may be long, divided into messages that are not larger than a message may be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

T = TypeVar("T")
M = TypeVar("M", bound=Message)

MESSAGE_BYTES = 2 * 1024 * 1024
"""A good size for one message of a stream."""
AUDIO_COUNT = 64
AUDIO_BYTES = 8 * 1024 * 1024
"""Good sizes for a call with recordings, which take the encoder's time: a short one makes progress
visible and a repeat cheap."""


@dataclass(frozen=True, slots=True)
class Sized(Generic[T]):
    """An item of a list, with its place in the list and the bytes it takes in a message."""

    place: int
    item: T
    byte_count: int


def group_sized(
    items: Iterable[Sized[T]], *, max_count: int, max_bytes: int
) -> Iterator[list[Sized[T]]]:
    """Group items in order, at most `max_count` and `max_bytes` in one.

    An item larger than that is alone in its group.
    """
    chunk: list[Sized[T]] = []
    byte_count = 0
    for each in items:
        if chunk and (len(chunk) == max_count or byte_count + each.byte_count > max_bytes):
            yield chunk
            chunk, byte_count = [], 0
        chunk.append(each)
        byte_count += each.byte_count
    if chunk:
        yield chunk


def group(
    messages: Iterable[M], *, max_count: int, max_bytes: int = MESSAGE_BYTES
) -> Iterator[list[M]]:
    """Group messages likewise."""
    sized = (Sized(place, each, each.ByteSize()) for place, each in enumerate(messages))
    for chunk in group_sized(sized, max_count=max_count, max_bytes=max_bytes):
        yield [each.item for each in chunk]
