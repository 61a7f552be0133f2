"""Single fields of messages: names, ids, numbers and times, checked where they enter."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

from google.protobuf import duration_pb2, timestamp_pb2

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.events import START_OF_LOG
from aloe.wire import names
from aloe.wire.errors import MalformedValue

MAX_ROWS = 10**9
P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V")


def valid(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function of aloe.wire whose MalformedValue names the field; raise InvalidInput."""
    try:
        return read(*args, **kwargs)
    except MalformedValue as error:
        raise InvalidInput.of(error.field, error.description) from error


def parsed(parse: Callable[[V], T], value: V, field: str) -> T:
    """Call a function of aloe.wire that is not told the field; raise InvalidInput for `field`."""
    try:
        return parse(value)
    except ValueError as error:
        raise InvalidInput.of(field, str(error)) from error


def read_pool_id(name: str, field: str) -> str:
    """Read "pools/{pool}". Raises InvalidInput that blames `field`."""
    return parsed(names.parse_pool_name, name, field)


def read_task_id(name: str, field: str) -> str:
    """Read "tasks/{task}". Raises InvalidInput that blames `field`."""
    return parsed(names.parse_task_name, name, field)


def read_clip_name(name: str, field: str) -> names.ClipName:
    """Read "pools/{pool}/clips/{clip}". Raises InvalidInput that blames `field`."""
    return parsed(names.parse_clip_name, name, field)


def read_id(value: str, field: str) -> str:
    """Check an id. Raises InvalidInput that blames `field`."""
    return parsed(names.check_id, value, field)


def read_optional_id(value: str, field: str) -> str:
    """Check an id, if there is one. Raises InvalidInput that blames `field`."""
    return read_id(value, field) if value else ""


def read_oracle_id(value: str, field: str) -> str:
    """Check the id of an oracle. Raises InvalidInput that blames `field`."""
    return parsed(names.check_oracle_id, value, field)


def read_page_size(size: int, most: int = 1_000) -> int:
    """Return how many to list, at most `most`; 0 means 1,000."""
    return min(size or 1_000, most)


def read_page_offset(token: str) -> int:
    """Read a page token that is a number; empty is 0."""
    if not token:
        return 0
    if not re.fullmatch(r"[0-9]{1,12}", token):
        raise InvalidInput.of("page_token", f"{token!r} is no token of this list")
    return int(token)


def read_event_id(token: str) -> str:
    """Read a page token that is an event id; empty is the start of the log."""
    if not token:
        return START_OF_LOG
    if not re.fullmatch(r"[0-9]{1,15}-[0-9]{1,15}", token):
        raise InvalidInput.of("page_token", f"{token!r} is no token of this list")
    return token


def read_row(number: int, field: str) -> int:
    """Check a row number. Raises InvalidInput past MAX_ROWS."""
    if number > MAX_ROWS:
        raise InvalidInput.of(field, f"{number:,}; no pool holds more than {MAX_ROWS:,} clips")
    return number


def read_count(count: int, most: int, field: str) -> int:
    """Read a count; 0 means 1. Raises InvalidInput past `most`."""
    if count > most:
        raise InvalidInput.of(field, f"{count:,}; at most {most:,}")
    return count or 1


def read_duration(message: duration_pb2.Duration) -> timedelta:
    """Read a duration; one past timedelta's range becomes timedelta.max."""
    try:
        return message.ToTimedelta()
    except (OverflowError, ValueError):
        return timedelta.max


def write_duration(seconds: float) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def write_known_duration(seconds: float | None) -> duration_pb2.Duration | None:
    return None if seconds is None else write_duration(seconds)


def read_time(message: timestamp_pb2.Timestamp, field: str) -> datetime:
    """Read a time. Raises InvalidInput outside the years 1 to 9999."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (OverflowError, ValueError) as error:
        raise InvalidInput.of(field, f"no time: {error}") from error


def write_time(time: datetime) -> timestamp_pb2.Timestamp:
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(time)
    return message
