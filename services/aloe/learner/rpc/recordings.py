"""Recordings and their windows, to and from their messages."""

import re
from collections.abc import Sequence
from datetime import datetime

from google.protobuf.message import Message

from aloe.learner.domain.errors import InvalidInput, Violation
from aloe.learner.domain.windows import MAX_RECORDING_ID_LENGTH, Recording, Window
from aloe.learner.ports.recordings import Context
from aloe.learner.rpc import fields
from aloe.learner.rpc.attributes import MAX_SHOWN_VIOLATIONS
from aloe.v1 import pool_pb2, recording_pb2
from aloe.values.attributes import NO_ATTRIBUTES
from aloe.wire import names, times
from aloe.wire.attributes import read_attributes, write_attributes
from aloe.wire.audio import read_decoding, read_report, write_decoding, write_report

MAX_URI_LENGTH = 2_048
MAX_PROBLEM_LENGTH = 4_096
HASH = re.compile(r"[0-9a-f]{32}")


def read_recording_id(value: str, field: str) -> str:
    """Check the id of a recording. Raises InvalidInput that blames `field`."""
    if len(fields.read_id(value, field)) > MAX_RECORDING_ID_LENGTH:
        raise InvalidInput.of(
            field, f"{len(value)} characters; at most {MAX_RECORDING_ID_LENGTH} for a recording"
        )
    return value


def read_recording_name(text: str, field: str) -> names.RecordingName:
    """Read "pools/{pool}/recordings/{recording}". Raises InvalidInput that blames `field`."""
    name = fields.parsed(names.parse_recording_name, text, field)
    read_recording_id(name.recording_id, field)
    return name


def read_recording_names(texts: Sequence[str], pool_id: str) -> list[str]:
    """Read the ids of recordings of a pool. Raises InvalidInput that blames each at fault."""
    ids: list[str] = []
    violations: list[Violation] = []
    for index, text in enumerate(texts):
        try:
            ids.append(_id_in(text, pool_id, f"names[{index}]"))
        except InvalidInput as error:
            violations += error.violations
    if violations:
        raise InvalidInput(*violations[:MAX_SHOWN_VIOLATIONS], count=len(violations))
    return list(dict.fromkeys(ids))


def read_recording(message: recording_pb2.Recording, pool_id: str, field: str) -> Recording:
    """Read a recording as it was exported. Raises InvalidInput that blames a path below `field`."""
    if not HASH.fullmatch(message.content_hash):
        raise InvalidInput.of(f"{field}.content_hash", "not one that a recording has")
    duration = fields.read_duration(message, "duration", f"{field}.")
    decoded = fields.read_duration(message, "decoded_duration", f"{field}.")
    return Recording(
        recording_id=_id_in(message.name, pool_id, f"{field}.name"),
        content_hash=message.content_hash,
        create_time=_to_milliseconds(fields.read_time(message.create_time, f"{field}.create_time")),
        byte_count=message.byte_count,
        uri=fields.read_text(message.uri, MAX_URI_LENGTH, f"{field}.uri"),
        decoding=fields.valid(read_decoding, message.decoding, f"{field}.decoding"),
        report=fields.parsed(read_report, message.report, f"{field}.report"),
        duration_s=None if duration is None else duration.total_seconds(),
        decoded_s=decoded.total_seconds() if decoded else 0.0,
        problem=_checked_problem(message.problem, f"{field}.problem"),
        attributes=(
            fields.parsed(read_attributes, message.attributes, f"{field}.attributes")
            if message.attributes
            else NO_ATTRIBUTES
        ),
    )


def write_recording(
    pool_id: str, recording: Recording, window_count: int = 0
) -> recording_pb2.Recording:
    return recording_pb2.Recording(
        name=names.recording_name(pool_id, recording.recording_id),
        content_hash=recording.content_hash,
        byte_count=recording.byte_count,
        uri=recording.uri,
        decoding=write_decoding(recording.decoding),
        report=write_report(recording.report),
        attributes=write_attributes(recording.attributes),
        duration=fields.write_known_duration(recording.duration_s),
        decoded_duration=fields.write_duration(recording.decoded_s),
        problem=recording.problem,
        window_count=window_count,
        create_time=times.write_time(recording.create_time),
    )


def _to_milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1_000 * 1_000)


def _checked_problem(text: str, field: str) -> str:
    if len(text) > MAX_PROBLEM_LENGTH:
        raise InvalidInput.of(field, f"{len(text):,} characters; at most {MAX_PROBLEM_LENGTH:,}")
    return text


def read_window(message: pool_pb2.NewClip, pool_id: str) -> Window | None:
    """Read which part of a recording a clip is; None of one that is none. Raises InvalidInput."""
    offsets = [fields.read_duration(message, name) for name in ("start_offset", "end_offset")]
    start, end = offsets
    if not message.recording:
        if start is not None or end is not None:
            raise InvalidInput.of("recording", "unset; offsets are those of a recording")
        return None
    recording_id = _id_in(message.recording, pool_id, "recording")
    if start is None or end is None or start >= end:
        raise InvalidInput.of("end_offset", "a window begins somewhere, and ends behind that")
    return Window(recording_id, start.total_seconds(), end.total_seconds())


def write_window(pool_id: str, window: Window | None, message: Message) -> None:
    """Write which part of a recording a clip is into a message with those fields."""
    if window is not None:
        message.recording = names.recording_name(  # type: ignore[attr-defined]
            pool_id, window.recording_id
        )
        for name, seconds in (("start_offset", window.start_s), ("end_offset", window.end_s)):
            getattr(message, name).CopyFrom(fields.write_duration(seconds))


def read_context(message: pool_pb2.GetClipAudioRequest) -> Context:
    """Read how much is wanted around a window. Raises InvalidInput."""
    before, after = (
        fields.read_duration(message, name) for name in ("context_before", "context_after")
    )
    return Context(
        before.total_seconds() if before else 0.0, after.total_seconds() if after else 0.0
    )


def _id_in(text: str, pool_id: str, field: str) -> str:
    name = read_recording_name(text, field)
    if name.pool_id != pool_id:
        raise InvalidInput.of(field, f"{text} is not in pools/{pool_id}")
    return name.recording_id
