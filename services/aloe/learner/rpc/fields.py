"""Single fields of messages: names, ids, numbers and times, checked where they enter."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.message import Message

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.events import START_OF_LOG
from aloe.wire import names, times
from aloe.wire.errors import MalformedValue

MAX_ROWS = 10**9
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
"""With the characters that end lines."""
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


def read_head(head: str, field: str) -> str:
    """Read which head is asked for: a version, a name, or nothing. Raises InvalidInput."""
    return read_optional_id(head, field)


def read_promotion_name(name: str, field: str) -> tuple[str, str]:
    """Read "tasks/{task}/promotions/{promotion}". Raises InvalidInput that blames `field`."""
    return parsed(names.parse_promotion_name, name, field)


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


def read_text(text: str, most: int, field: str) -> str:
    """Check a text of one line. Raises InvalidInput past `most` characters."""
    if len(text) > most:
        raise InvalidInput.of(field, f"{len(text):,} characters; at most {most:,}")
    if found := _CONTROL.search(text):
        raise InvalidInput.of(
            field, f"holds the control character {found[0]!r} at {found.start():,}; leave it out"
        )
    return text


def read_duration(message: Message, name: str, path: str = "") -> timedelta | None:
    """Read a duration of a message, None where it is absent.

    Raises:
        InvalidInput: it is negative or beyond ten years; it blames the field, under `path`.
    """
    if not message.HasField(name):
        return None
    return parsed(times.read_duration, getattr(message, name), path + name)


def write_duration(seconds: float) -> duration_pb2.Duration:
    return times.write_duration(timedelta(seconds=seconds))


def write_known_duration(seconds: float | None) -> duration_pb2.Duration | None:
    return None if seconds is None else write_duration(seconds)


def read_time(message: timestamp_pb2.Timestamp, field: str) -> datetime:
    """Read a time. Raises InvalidInput outside the years 1 to 9999."""
    return parsed(times.read_time, message, field)
