"""Imports of recordings, from and to their messages."""

from collections.abc import AsyncIterator
from datetime import timedelta

from aloe.audio.cutting.sounds import check_sounds
from aloe.audio.cutting.spans import DEFAULT_MAX_WINDOW_S, BadCut
from aloe.learner.domain.errors import InvalidInput, Violation
from aloe.learner.rpc import fields
from aloe.learner.rpc.attributes import MAX_SHOWN_VIOLATIONS
from aloe.learner.rpc.pools import write_failure
from aloe.learner.rpc.recordings import HASH, MAX_URI_LENGTH, read_recording_id, write_recording
from aloe.learner.usecases.cut_plans import field_of_cut
from aloe.learner.usecases.recording_import import (
    AudioWanted,
    NewRecording,
    RecordingReport,
)
from aloe.learner.usecases.window_run import Progress
from aloe.v1 import recording_import_pb2 as pb
from aloe.values.cuts import Cut, GridCut, LastWindow, SegmentCut, SoundCut
from aloe.wire.attributes import read_attributes
from aloe.wire.audio import read_decoding
from aloe.wire.bounds import SHOWN_COUNT
from aloe.wire.enums import LAST_WINDOWS

MAX_CHUNK_BYTES = 1 << 20


async def read_chunks(
    messages: AsyncIterator[pb.ImportRecordingRequest],
) -> AsyncIterator[bytes]:
    """Read the bytes of a file. Raises InvalidInput where something else comes."""
    async for message in messages:
        if message.WhichOneof("content") != "chunk":
            raise InvalidInput.of("header", "only the first message has one; send chunks")
        if len(message.chunk) > MAX_CHUNK_BYTES:
            raise InvalidInput.of(
                "chunk", f"{len(message.chunk):,} bytes; at most {MAX_CHUNK_BYTES:,}"
            )
        yield message.chunk


def read_header(message: pb.RecordingHeader) -> tuple[str, NewRecording]:
    """Read what recording is to be imported, and into which pool. Raises InvalidInput."""
    if not HASH.fullmatch(message.content_hash):
        raise InvalidInput.of("header.content_hash", "32 hexadecimal digits, as Recording says")
    if not message.byte_count:
        raise InvalidInput.of("header.byte_count", "0; say how many bytes the file has")
    return fields.read_pool_id(message.pool, "header.pool"), NewRecording(
        recording_id=read_recording_id(message.recording_id, "header.recording_id"),
        content_hash=message.content_hash,
        byte_count=message.byte_count,
        uri=fields.read_text(message.uri, MAX_URI_LENGTH, "header.uri"),
        decoding=fields.valid(read_decoding, message.decoding, "header.decoding"),
        attributes=fields.parsed(read_attributes, message.attributes, "header.attributes"),
        cut=_read_cut(message),
    )


def write_answer(answer: AudioWanted | Progress) -> pb.ImportRecordingResponse:
    match answer:
        case AudioWanted():
            return pb.ImportRecordingResponse(audio_needed=pb.AudioNeeded(reason=answer.reason))
        case Progress():
            return pb.ImportRecordingResponse(progress=_write_progress(answer))


def _write_progress(progress: Progress) -> pb.RecordingProgress:
    return pb.RecordingProgress(
        decoded_duration=fields.write_duration(progress.decoded_s),
        promised_duration=fields.write_known_duration(progress.promised_s),
        window_count=progress.window_count,
        stored_count=progress.stored_count,
    )


def write_report(
    pool_id: str, report: RecordingReport, window_count: int
) -> pb.ImportRecordingResponse:
    """Write what came of an import; so many windows of the recording are in the pool now."""
    written = pb.RecordingReport(
        recording=write_recording(pool_id, report.recording, window_count),
        imported_count=report.imported_count,
        existing_count=report.existing_count,
        failures=[write_failure(each) for each in report.failures[:SHOWN_COUNT]],
        failed_count=len(report.failures),
    )
    return pb.ImportRecordingResponse(report=written)


def _read_cut(message: pb.RecordingHeader) -> Cut:
    match message.WhichOneof("cut"):
        case "windows":
            return _read_grid(message.windows)
        case "segments":
            return _read_segments(message.segments)
        case "sounds":
            return _read_sounds(message.sounds)
    raise InvalidInput.of("header.cut", "unset; give windows, segments or sounds")


def _read_grid(message: pb.WindowGrid) -> GridCut:
    path = "header.windows."
    window = fields.read_duration(message, "window", path)
    hop = fields.read_duration(message, "hop", path)
    if not window:
        raise InvalidInput.of(f"{path}window", "0 s; give its length, such as 5 s")
    if window.total_seconds() > DEFAULT_MAX_WINDOW_S:
        raise InvalidInput.of(
            f"{path}window",
            f"{window.total_seconds():g} s; at most {DEFAULT_MAX_WINDOW_S:g} s are taken",
        )
    if hop is not None and not hop:
        raise InvalidInput.of(f"{path}hop", "0 s; give how far the next window is, such as 2.5 s")
    last = fields.valid(
        LAST_WINDOWS.member, message.last_window, f"{path}last_window", default=LastWindow.SHORT
    )
    return GridCut(window.total_seconds(), hop.total_seconds() if hop else None, last)


def _read_segments(message: pb.Segments) -> SegmentCut:
    if not message.segments:
        raise InvalidInput.of("header.segments.segments", "empty; give at least one")
    places: dict[tuple[timedelta, timedelta], int] = {}
    violations: list[Violation] = []
    for index, segment in enumerate(message.segments):
        try:
            span = _read_segment(segment, f"header.segments.segments[{index}]")
            first = places.setdefault(span, index)
            if first != index:
                raise InvalidInput.of(
                    f"header.segments.segments[{index}]",
                    f"is the same as segments[{first}], and would have its id; give it once",
                )
        except InvalidInput as error:
            violations += error.violations
    if violations:
        raise InvalidInput(*violations[:MAX_SHOWN_VIOLATIONS], count=len(violations))
    return SegmentCut(tuple((start.total_seconds(), end.total_seconds()) for start, end in places))


def _read_segment(message: pb.Segment, path: str) -> tuple[timedelta, timedelta]:
    start = fields.read_duration(message, "start", f"{path}.") or timedelta()
    end = fields.read_duration(message, "end", f"{path}.")
    if end is None or end <= start:
        raise InvalidInput.of(
            f"{path}.end",
            f"{end.total_seconds() if end else 0:g} s; give more than the start,"
            f" {start.total_seconds():g} s",
        )
    length_s = (end - start).total_seconds()
    if length_s > DEFAULT_MAX_WINDOW_S:
        raise InvalidInput.of(
            f"{path}.end", f"lasts {length_s:g} s; at most {DEFAULT_MAX_WINDOW_S:g} s are taken"
        )
    return start, end


def _read_sounds(message: pb.SoundRule) -> SoundCut:
    path, given = "header.sounds.", dict[str, float]()
    for name in ("on_db", "off_db", "least_dbfs"):
        if message.HasField(name):
            given[name] = getattr(message, name)
    for name in ("min_sound", "min_silence", "pad", "max_sound"):
        duration = fields.read_duration(message, name, path)
        if duration is not None:
            given[f"{name}_s"] = duration.total_seconds()
    cut = SoundCut(**given)
    if cut.max_sound_s > DEFAULT_MAX_WINDOW_S:
        raise InvalidInput.of(
            f"{path}max_sound",
            f"{cut.max_sound_s:g} s; at most {DEFAULT_MAX_WINDOW_S:g} s are taken",
        )
    try:
        check_sounds(cut)
    except BadCut as error:
        raise InvalidInput.of(field_of_cut(error.field), error.description) from error
    return cut
