"""Times and durations, as protobuf has them."""

from datetime import datetime

from google.protobuf import duration_pb2, timestamp_pb2


def timestamp(each: datetime) -> timestamp_pb2.Timestamp:
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(each)
    return message


def duration(seconds: float) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def known_duration(seconds: float | None) -> duration_pb2.Duration | None:
    return None if seconds is None else duration(seconds)
