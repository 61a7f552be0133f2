"""Times and durations: what is read is what was written, and what is no time is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from aloe.wire.times import (
    MAX_DURATION,
    MalformedTime,
    read_duration,
    read_time,
    write_duration,
    write_time,
)


@given(st.timedeltas(timedelta(0), MAX_DURATION))
def test_a_duration_comes_back(duration):
    assert read_duration(write_duration(duration)) == duration
    # As the learner keeps it.
    assert timedelta(seconds=duration.total_seconds()) == duration


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back(time):
    assert read_time(write_time(time)) == time


def test_parts_of_a_microsecond_are_left_out():
    assert read_duration(Duration(seconds=1, nanos=1_999)) == timedelta(seconds=1, microseconds=1)
    last = Timestamp(seconds=253_402_300_799, nanos=999_999_999)
    assert read_time(last) == datetime.max.replace(tzinfo=UTC)
    before_1970 = Timestamp(seconds=-1, nanos=999_999_999)
    assert read_time(before_1970) == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [
        (-1, 0),
        (0, -1),
        (1, -1),
        (0, 10**9),
        (315_360_000, 1_000),
        (315_360_001, 0),
        (2**63 - 1, 0),
        (-(2**63), 0),
    ],
)
def test_no_duration_is_refused(seconds, nanos):
    with pytest.raises(MalformedTime, match="it must be 0 s to ten years"):
        read_duration(Duration(seconds=seconds, nanos=nanos))


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [
        (-62_135_596_801, 0),
        (253_402_300_800, 0),
        (0, -1),
        (0, 10**9),
        (2**63 - 1, 0),
        (-(2**63), 0),
    ],
)
def test_no_time_is_refused(seconds, nanos):
    with pytest.raises(MalformedTime, match="it must be a time of the years 1 to 9999"):
        read_time(Timestamp(seconds=seconds, nanos=nanos))
