"""Single fields of messages: ids, numbers and times, checked before they are sent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from aloe.client.calls.translate import invalid_field
from aloe.v1.attribute_pb2 import AttributeValue
from aloe.values.attributes import Attributes, MalformedAttribute, check_attributes
from aloe.wire import names, times
from aloe.wire.attributes import write_attributes
from aloe.wire.errors import MalformedValue

V = TypeVar("V")
M = TypeVar("M", bound=Message)


def pool_name(pool_id: str) -> str:
    """Raises InvalidArgument where `pool_id` is no id."""
    return names.pool_name(_checked_id("pool_id", pool_id))


def task_name(task_id: str) -> str:
    """Raises InvalidArgument where `task_id` is no id."""
    return names.task_name(_checked_id("task_id", task_id))


def clip_name(pool_id: str, clip_id: str) -> str:
    """Raises InvalidArgument where one of them is no id."""
    return names.clip_name(_checked_id("pool_id", pool_id), _checked_id("clip_id", clip_id))


def recording_name(pool_id: str, recording_id: str) -> str:
    """Raises InvalidArgument where one of them is no id."""
    return names.recording_name(
        _checked_id("pool_id", pool_id), _checked_id("recording_id", recording_id)
    )


def promotion_name(task_id: str, promotion_id: str) -> str:
    """Raises InvalidArgument where one of them is no id."""
    return names.promotion_name(
        _checked_id("task_id", task_id), _checked_id("promotion_id", promotion_id)
    )


def head_text(head: int | str) -> str:
    """Write which head is asked for: a version, a name, or 0 or "" for the newest.

    Raises InvalidArgument where it is neither.
    """
    if isinstance(head, int):
        return str(uint32("head", head)) if head else ""
    return _checked_id("head", head) if head else ""


def uint32(field: str, value: int) -> int:
    """Raises InvalidArgument where `value` is out of range."""
    return _whole(field, value, 2**32 - 1)


def uint64(field: str, value: int) -> int:
    """Raises InvalidArgument where `value` is out of range."""
    return _whole(field, value, 2**64 - 1)


def duration(field: str, value: timedelta | None) -> Duration | None:
    """Raises InvalidArgument where `value` is negative or beyond ten years."""
    if value is None:
        return None
    if not timedelta(0) <= value <= times.MAX_DURATION:
        got = f"{value.total_seconds():g} s"
        raise invalid_field(field, f"must be {times.DURATION_RULE}, got {got}")
    return times.write_duration(value)


def attributes(field: str, values: Attributes) -> dict[str, AttributeValue]:
    """Raises InvalidArgument where no clip can have these attributes."""
    try:
        check_attributes(values)
    except MalformedAttribute as error:
        raise invalid_field(field, str(error)) from error
    return write_attributes(values)


def parse_time(message: Timestamp) -> datetime:
    """Return an aware time, in UTC."""
    return message.ToDatetime(tzinfo=UTC)


def parse_duration(message: Message, field: str) -> timedelta | None:
    """Return a duration of a message, None where it is absent."""
    if not message.HasField(field):
        return None
    lasting: timedelta = getattr(message, field).ToTimedelta()
    return lasting


def encoded(encode: Callable[[V, str], M], value: V, field: str) -> M:
    """Write settings by a function of aloe.wire.

    Raises:
        InvalidArgument: a setting does not fit its field of the message.
    """
    try:
        return encode(value, field)
    except MalformedValue as error:
        raise invalid_field(error.field, error.description) from error


def _checked_id(field: str, value: str) -> str:
    try:
        return names.check_id(value)
    except names.MalformedName as error:
        raise invalid_field(field, str(error)) from error


def _whole(field: str, value: int, maximum: int) -> int:
    if not 0 <= value <= maximum:
        raise invalid_field(field, f"must be 0 to {maximum}, got {value}")
    return value
