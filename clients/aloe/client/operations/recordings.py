"""Recordings: what is asked of them, and how one is imported."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration

from aloe.client import types
from aloe.client.calls.translate import error_of_status, failure_of_error, invalid_field
from aloe.client.operations.fields import (
    attributes,
    duration,
    parse_duration,
    parse_time,
    pool_name,
    recording_name,
)
from aloe.client.operations.operation import ListOperation, Operation, Page
from aloe.v1 import recording_import_pb2 as pb
from aloe.v1 import recording_pb2
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import DEFAULT_DECODING, Decoding
from aloe.values.cuts import Cut, GridCut, SegmentCut, SoundCut
from aloe.wire import names, times
from aloe.wire.attributes import read_attributes, write_attributes
from aloe.wire.audio import read_decoding, read_report, write_decoding, write_report
from aloe.wire.enums import LAST_WINDOWS

RPC = "ImportRecording"
_CHUNK_BYTES = 1 << 20
_PREFIX = b"encoded\0"
_HASH_LENGTH = 32


def get_recording(pool_id: str, recording_id: str) -> Operation[types.PoolRecording]:
    return Operation(
        "GetRecording",
        recording_pb2.GetRecordingRequest(name=recording_name(pool_id, recording_id)),
        lambda response: parse_recording(response.recording),
    )


def list_recordings(pool_id: str) -> ListOperation[types.PoolRecording]:
    name = pool_name(pool_id)
    return lambda page_token: Operation(
        "ListRecordings",
        recording_pb2.ListRecordingsRequest(pool=name, page_token=page_token),
        lambda response: Page(
            tuple(map(parse_recording, response.recordings)), response.next_page_token
        ),
    )


def delete_recordings(
    pool_id: str, recording_ids: Sequence[str]
) -> Operation[types.DeletedRecordings]:
    return Operation(
        "DeleteRecordings",
        recording_pb2.DeleteRecordingsRequest(
            pool=pool_name(pool_id),
            names=[recording_name(pool_id, each) for each in recording_ids],
        ),
        lambda response: types.DeletedRecordings(response.deleted_count, response.window_count),
    )


class RecordingImport:
    """The import of a recording, in as many calls as it takes."""

    def __init__(
        self,
        pool_id: str,
        recording_id: str,
        file: Path,
        cut: Cut,
        *,
        uri: str | None = None,
        decoding: Decoding = DEFAULT_DECODING,
        given: Attributes = NO_ATTRIBUTES,
        on_progress: Callable[[types.RecordingProgress], None] | None = None,
    ) -> None:
        """Read the file once for its hash.

        Raises:
            InvalidArgument: it cannot be read, or something does not fit its field.
        """
        self._file, self._on_progress = file, on_progress
        self._stored_count = -1
        content_hash, byte_count = _hash_of(file)
        self.header = pb.ImportRecordingRequest(
            header=pb.RecordingHeader(
                pool=pool_name(pool_id),
                recording_id=recording_id,
                content_hash=content_hash,
                byte_count=byte_count,
                uri=file.resolve().as_uri() if uri is None else uri,
                decoding=write_decoding(decoding),
                attributes=attributes("attributes", given),
            )
        )
        self.header.header.MergeFrom(_encode_cut(cut))

    def chunks(self) -> Iterator[pb.ImportRecordingRequest]:
        """Yield the messages that send the file."""
        with self._file.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield pb.ImportRecordingRequest(chunk=chunk)

    def tell(self, message: pb.RecordingProgress) -> bool:
        """Tell how far it is; return whether that is further than any call was before."""
        if self._on_progress is not None:
            self._on_progress(
                types.RecordingProgress(
                    parse_duration(message, "decoded_duration") or timedelta(),
                    parse_duration(message, "promised_duration"),
                    message.window_count,
                    message.stored_count,
                )
            )
        before, self._stored_count = (
            self._stored_count,
            max(self._stored_count, message.stored_count),
        )
        return self._stored_count > before


def parse_report(message: pb.RecordingReport) -> types.RecordingSummary:
    """Read what came of an import."""
    return types.RecordingSummary(
        parse_recording(message.recording),
        message.imported_count,
        message.existing_count,
        tuple(
            failure_of_error(each.clip_id, error_of_status(each.status))
            for each in message.failures
        ),
        message.failed_count,
    )


def parse_recording(message: recording_pb2.Recording) -> types.PoolRecording:
    """Read a recording."""
    return types.PoolRecording(
        recording_id=names.parse_recording_name(message.name).recording_id,
        content_hash=message.content_hash,
        create_time=parse_time(message.create_time),
        byte_count=message.byte_count,
        uri=message.uri,
        decoding=read_decoding(message.decoding, "decoding"),
        report=read_report(message.report),
        duration=parse_duration(message, "duration"),
        decoded=parse_duration(message, "decoded_duration") or timedelta(),
        problem=message.problem,
        attributes=read_attributes(message.attributes),
        window_count=message.window_count,
    )


def encode_recording(pool_id: str, recording: types.PoolRecording) -> recording_pb2.Recording:
    """Write a recording as it was exported."""
    return recording_pb2.Recording(
        name=recording_name(pool_id, recording.recording_id),
        content_hash=recording.content_hash,
        byte_count=recording.byte_count,
        uri=recording.uri,
        decoding=write_decoding(recording.decoding),
        report=write_report(recording.report),
        attributes=write_attributes(recording.attributes),
        duration=duration("duration", recording.duration),
        decoded_duration=duration("decoded", recording.decoded),
        problem=recording.problem,
        create_time=times.write_time(recording.create_time),
    )


def _encode_cut(cut: Cut) -> pb.RecordingHeader:
    """Write what is cut out, as the part of the header that says it."""
    match cut:
        case GridCut():
            grid = pb.WindowGrid(
                window=_seconds("window_s", cut.window_s),
                hop=None if cut.hop_s is None else _seconds("hop_s", cut.hop_s),
                last_window=LAST_WINDOWS.number(cut.last_window),
            )
            return pb.RecordingHeader(windows=grid)
        case SegmentCut():
            segments = [
                pb.Segment(
                    start=_seconds(f"segments[{place}]", start_s),
                    end=_seconds(f"segments[{place}]", end_s),
                )
                for place, (start_s, end_s) in enumerate(cut.segments)
            ]
            return pb.RecordingHeader(segments=pb.Segments(segments=segments))
        case SoundCut():
            return pb.RecordingHeader(
                sounds=pb.SoundRule(
                    on_db=cut.on_db,
                    off_db=cut.off_db,
                    least_dbfs=cut.least_dbfs,
                    min_sound=_seconds("min_sound_s", cut.min_sound_s),
                    min_silence=_seconds("min_silence_s", cut.min_silence_s),
                    pad=_seconds("pad_s", cut.pad_s),
                    max_sound=_seconds("max_sound_s", cut.max_sound_s),
                )
            )


def _seconds(field: str, seconds: float) -> Duration | None:
    try:
        return duration(field, timedelta(seconds=seconds))
    except (OverflowError, ValueError) as error:
        raise invalid_field(field, f"{seconds!r} is no number of seconds") from error


def _hash_of(file: Path) -> tuple[str, int]:
    """Return the content hash of a file, and its length."""
    try:
        if not file.is_file():
            raise invalid_field("file", f"{file} is no file")
        digest, size = hashlib.sha256(_PREFIX), 0
        with file.open("rb") as content:
            while block := content.read(_CHUNK_BYTES):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise invalid_field("file", f"cannot read {file}: {error.strerror}") from error
    if not size:
        raise invalid_field("file", f"{file} is empty")
    return digest.hexdigest()[:_HASH_LENGTH], size
