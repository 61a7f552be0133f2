"""Small messages grouped into messages of a good size for a stream."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

MESSAGE_BYTES = 2 * 1024 * 1024
"""A good size for one message of a stream."""


def group(messages: Iterable[M], *, max_count: int) -> Iterator[list[M]]:
    """Group messages in order, at most `max_count` and MESSAGE_BYTES in one.

    A message larger than that is alone in its group.
    """
    chunk: list[M] = []
    byte_count = 0
    for message in messages:
        size = message.ByteSize()
        if chunk and (len(chunk) == max_count or byte_count + size > MESSAGE_BYTES):
            yield chunk
            chunk, byte_count = [], 0
        chunk.append(message)
        byte_count += size
    if chunk:
        yield chunk
