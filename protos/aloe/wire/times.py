"""Times and durations, to and from their messages: in microseconds, as Python keeps them."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

MAX_DURATION = timedelta(days=3_650)
DURATION_RULE = "0 s to ten years"
TIME_RULE = "a time of the years 1 to 9999"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S = round((datetime.min.replace(tzinfo=UTC) - _EPOCH).total_seconds())
_LAST_S = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
_NANOS = range(10**9)
_NANOS_PER_MICROSECOND = 1_000


class MalformedTime(ValueError):
    """A time or duration that is out of range."""


def read_duration(message: Duration) -> timedelta:
    """Read a duration; of a microsecond's parts nothing is kept.

    Raises:
        MalformedTime: it is negative, beyond MAX_DURATION, or no duration.
    """
    seconds, nanos = message.seconds, message.nanos
    if nanos in _NANOS and 0 <= seconds <= MAX_DURATION.total_seconds():
        duration = timedelta(seconds=seconds, microseconds=nanos // _NANOS_PER_MICROSECOND)
        if duration <= MAX_DURATION:
            return duration
    raise MalformedTime(f"{_said(seconds, nanos)}; it must be {DURATION_RULE}")


def write_duration(duration: timedelta) -> Duration:
    """Write a duration."""
    message = Duration()
    message.FromTimedelta(duration)
    return message


def read_time(message: Timestamp) -> datetime:
    """Read a time, in UTC; of a microsecond's parts nothing is kept.

    Raises:
        MalformedTime: it is outside of the years 1 to 9999, or no time.
    """
    seconds, nanos = message.seconds, message.nanos
    if nanos not in _NANOS or not _FIRST_S <= seconds <= _LAST_S:
        raise MalformedTime(f"{_said(seconds, nanos)} from 1970 on; it must be {TIME_RULE}")
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // _NANOS_PER_MICROSECOND)


def write_time(time: datetime) -> Timestamp:
    """Write a time."""
    message = Timestamp()
    message.FromDatetime(time)
    return message


def _said(seconds: int, nanos: int) -> str:
    return f"{seconds:,} s and {nanos:,} ns"
