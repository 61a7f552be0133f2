"""Single fields of messages: ids, numbers, enums and times, checked where they enter."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from aloe.client._translate import invalid_field
from aloe.wire import names

E = TypeVar("E", bound=Enum)

_MAX_DURATION = timedelta(days=3650)


def pool_name(pool_id: str) -> str:
    """Raises InvalidArgument where `pool_id` is no id."""
    return names.pool_name(_checked_id("pool_id", pool_id))


def task_name(task_id: str) -> str:
    """Raises InvalidArgument where `task_id` is no id."""
    return names.task_name(_checked_id("task_id", task_id))


def clip_name(pool_id: str, clip_id: str) -> str:
    """Raises InvalidArgument where one of them is no id."""
    return names.clip_name(_checked_id("pool_id", pool_id), _checked_id("clip_id", clip_id))


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
    if not timedelta(0) <= value <= _MAX_DURATION:
        raise invalid_field(field, f"must be between 0 and ten years, got {value}")
    message = Duration()
    message.FromTimedelta(value)
    return message


def parse_time(message: Timestamp) -> datetime:
    """Return an aware time, in UTC."""
    return message.ToDatetime(tzinfo=UTC)


def parse_duration(message: Message, field: str) -> timedelta | None:
    """Return a duration of a message, None where it is absent."""
    if not message.HasField(field):
        return None
    lasting: timedelta = getattr(message, field).ToTimedelta()
    return lasting


def parse_enum(kind: type[E], wire_kind: Any, prefix: str, number: int) -> E:
    """Return the member that is called as `number` is on the wire, less the prefix.

    Raises:
        ValueError: this version of the library has none.
    """
    name = wire_kind.Name(number).removeprefix(f"{prefix}_")
    if name not in kind.__members__:
        raise ValueError(f"{prefix} {name} is unknown to this version of the library")
    return kind[name]


def wire_enum(wire_kind: Any, prefix: str, member: Enum) -> Any:
    """Return the number of a member on the wire."""
    return wire_kind.Value(f"{prefix}_{member.name}")


def _checked_id(field: str, value: str) -> str:
    try:
        return names.check_id(value)
    except names.MalformedName as error:
        raise invalid_field(field, str(error)) from error


def _whole(field: str, value: int, maximum: int) -> int:
    if not 0 <= value <= maximum:
        raise invalid_field(field, f"must be 0 to {maximum}, got {value}")
    return value
