"""Clips into a pool, in streams that are safe to send again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from aloe.client import types
from aloe.client.calls.translate import error_of_status, failure_of_error, invalid_field
from aloe.client.errors import InvalidArgument
from aloe.client.operations.audio import check_size, encode_audio
from aloe.client.operations.chunks import MESSAGE_BYTES
from aloe.client.operations.fields import attributes, duration, pool_name, recording_name
from aloe.client.operations.operation import Operation
from aloe.client.operations.recordings import encode_recording
from aloe.v1 import pool_pb2, recording_pb2
from aloe.values.audio import DEFAULT_DECODING, NOTHING_FOUND
from aloe.wire import names
from aloe.wire.arrays import encode_vector
from aloe.wire.audio import read_warning, write_decoding, write_report
from aloe.wire.bounds import PAGE_COUNT
from aloe.wire.enums import DUPLICATE_RULES

_MAX_STREAM_BYTES = 64 * 1024 * 1024
# Audio takes the encoder's time: short streams make progress visible and a
# repeat cheap.
_MAX_STREAM_AUDIO_COUNT = 512
_MAX_MESSAGE_CLIP_COUNT = 2_000
# The answer to a stream fits into a message even where every clip of it fails.
_MAX_STREAM_CLIP_COUNT = 50_000

# Hundreds of clips may have to be embedded.
_STREAM_TIMEOUT = timedelta(minutes=10)
_NOTHING = types.ImportSummary(imported_count=0, existing_count=0, failures=())


class _Stream:
    """The messages of one call of ImportClips, kept whole so that the call can be repeated."""

    def __init__(
        self,
        first: pool_pb2.ImportClipsRequest,
        recordings: Sequence[recording_pb2.Recording] = (),
    ) -> None:
        """Begin with what goes into the first message, and recordings, in messages of their own."""
        self._first = first
        self._messages: list[pool_pb2.ImportClipsRequest] = [
            pool_pb2.ImportClipsRequest(recordings=recordings[begin : begin + PAGE_COUNT])
            for begin in range(0, len(recordings), PAGE_COUNT)
        ]
        if self._messages:
            self._messages[0].MergeFrom(first)
        self._clips: list[pool_pb2.NewClip] = []
        """Those of the next message."""
        self._vectors: list[bytes] = []
        self._message_bytes = 0
        self._byte_count = 0
        self._audio_count = 0
        self._clip_count = 0

    @property
    def is_empty(self) -> bool:
        return not (self._messages or self._clips)

    @property
    def is_full(self) -> bool:
        return (
            self._byte_count >= _MAX_STREAM_BYTES
            or self._audio_count >= _MAX_STREAM_AUDIO_COUNT
            or self._clip_count >= _MAX_STREAM_CLIP_COUNT
        )

    def add(self, clip: pool_pb2.NewClip, vector: bytes | None) -> None:
        """Take a clip in, with its embedding if it has one."""
        size = clip.ByteSize() + len(vector or b"")
        if self._clips and not self._fits(size, vector):
            self._end_message()
        self._clips.append(clip)
        self._clip_count += 1
        if vector is None:
            self._audio_count += 1
        else:
            self._vectors.append(vector)
        self._message_bytes += size
        self._byte_count += size

    def operation(self) -> Operation[types.ImportSummary]:
        self._end_message()
        return Operation("ImportClips", self._messages, _parse_summary)

    def _fits(self, size: int, vector: bytes | None) -> bool:
        """Whether a clip can go into the message of those before it."""
        # The embeddings of a message are one matrix.
        if bool(self._vectors) != (vector is not None):
            return False
        if vector is not None and len(vector) != len(self._vectors[0]):
            return False
        return (
            len(self._clips) < _MAX_MESSAGE_CLIP_COUNT
            and self._message_bytes + size <= MESSAGE_BYTES
        )

    def _end_message(self) -> None:
        message = pool_pb2.ImportClipsRequest(clips=self._clips)
        if not self._messages:
            message.MergeFrom(self._first)
        if self._vectors:
            message.embeddings.values = b"".join(self._vectors)
            message.embeddings.row_count = len(self._vectors)
            message.embeddings.column_count = len(self._vectors[0]) // 4
        self._messages.append(message)
        self._clips, self._vectors, self._message_bytes = [], [], 0


class ClipImport:
    """An import in streams, one after the other, and what has become of it so far."""

    def __init__(
        self,
        pool_id: str,
        clips: Iterable[types.NewClip],
        *,
        encoder_fingerprint: str,
        duplicates: types.DuplicateRule,
        replace: bool,
        recordings: Sequence[types.PoolRecording],
        max_clip_bytes: int,
        on_progress: Callable[[int], None] | None,
    ) -> None:
        """Take clips, any number of them; they are read as they are needed.

        Raises:
            InvalidArgument: `pool_id` is no id.
        """
        self._first = pool_pb2.ImportClipsRequest(
            pool=pool_name(pool_id),
            encoder_fingerprint=encoder_fingerprint,
            duplicate_rule=DUPLICATE_RULES.number(duplicates),
            replace=replace,
        )
        self._recordings = [encode_recording(pool_id, each) for each in recordings]
        self._pool_id, self._clips, self._max_clip_bytes = pool_id, clips, max_clip_bytes
        self._on_progress = on_progress
        self._unread: list[types.ClipFailure] = []
        """Clips that could not be read here, since the last call ended."""
        self._summary = _NOTHING

    def operations(self) -> Iterator[Operation[types.ImportSummary]]:
        """Yield the calls, reading files as they are needed."""
        stream = _Stream(self._first, self._recordings)
        for clip in self._clips:
            try:
                message, vector = _encode_clip(self._pool_id, clip, self._max_clip_bytes)
                check_size(message.ByteSize() + len(vector or b""), "clip", self._max_clip_bytes)
            except InvalidArgument as error:
                self._unread.append(failure_of_error(clip.clip_id, error))
                continue
            stream.add(message, vector)
            if stream.is_full:
                yield stream.operation()
                stream = _Stream(self._first)
        if not stream.is_empty:
            yield stream.operation()

    def add(self, stored: types.ImportSummary) -> None:
        """Take note of what became of the next stream."""
        unread, self._unread = self._unread, []
        self._summary = types.ImportSummary(
            imported_count=self._summary.imported_count + stored.imported_count,
            existing_count=self._summary.existing_count + stored.existing_count,
            failures=self._summary.failures + stored.failures + tuple(unread),
            warned_count=self._summary.warned_count + stored.warned_count,
            warnings=self._summary.warnings + stored.warnings,
            replaced_count=self._summary.replaced_count + stored.replaced_count,
            duplicate_count=self._summary.duplicate_count + stored.duplicate_count,
            duplicates=self._summary.duplicates + stored.duplicates,
            updated_count=self._summary.updated_count + stored.updated_count,
        )
        if self._on_progress is not None:
            self._on_progress(self._summary.clip_count)

    def finish(self) -> types.ImportSummary:
        """Return what became of the import."""
        if self._unread:
            self.add(_NOTHING)
        return self._summary


def stream_timeout(given: timedelta | None) -> timedelta:
    """The time that one stream has."""
    return _STREAM_TIMEOUT if given is None else given


def _encode_clip(
    pool_id: str, clip: types.NewClip, max_bytes: int
) -> tuple[pool_pb2.NewClip, bytes | None]:
    try:
        message = pool_pb2.NewClip(clip_id=clip.clip_id, uri=clip.uri)
    except ValueError as error:  # a file name that is no UTF-8
        raise invalid_field("clip", f"id and URI must be Unicode text: {error}") from error
    if clip.attributes:
        message.MergeFrom(pool_pb2.NewClip(attributes=attributes("attributes", clip.attributes)))
    _encode_recording(clip, message, max_bytes)
    if clip.embedding is None:
        _check_without_embedding(clip)
        return message, None
    if clip.embedding.ndim != 1:
        raise invalid_field(
            "embedding", f"must be (embedding_dim,), got shape {clip.embedding.shape}"
        )
    message.content_hash = clip.content_hash
    if clip.recording_id:
        _encode_window(pool_id, clip, message)
    if clip.other_ids:
        message.other_ids.extend(clip.other_ids)
    if clip.report != NOTHING_FOUND:
        message.report.CopyFrom(write_report(clip.report))
    if clip.duration is not None:
        message.duration.FromTimedelta(clip.duration)
    return message, encode_vector(clip.embedding)


def _check_without_embedding(clip: types.NewClip) -> None:
    if clip.other_ids:
        raise invalid_field("other_ids", "given without an embedding; they go with one")
    if clip.recording_id:
        raise invalid_field("recording_id", "given without an embedding; see import_recording")


def _encode_window(pool_id: str, clip: types.NewClip, message: pool_pb2.NewClip) -> None:
    window = pool_pb2.NewClip(
        recording=recording_name(pool_id, clip.recording_id),
        start_offset=duration("start", clip.start),
        end_offset=duration("end", clip.end),
    )
    message.MergeFrom(window)


def _encode_recording(clip: types.NewClip, message: pool_pb2.NewClip, max_bytes: int) -> None:
    if clip.audio is not None:
        audio = encode_audio(clip.audio, field="audio", max_bytes=max_bytes, decoding=clip.decoding)
        message.audio.CopyFrom(audio)
    elif clip.decoding != DEFAULT_DECODING:
        message.audio.decoding.CopyFrom(write_decoding(clip.decoding))


def _parse_summary(message: pool_pb2.ImportClipsResponse) -> types.ImportSummary:
    return types.ImportSummary(
        imported_count=message.imported_count,
        existing_count=message.existing_count,
        failures=tuple(
            failure_of_error(failure.clip_id, error_of_status(failure.status))
            for failure in message.failures
        ),
        warned_count=message.warned_count,
        warnings=tuple(
            types.ClipWarnings(each.clip_id, tuple(map(read_warning, each.warnings)))
            for each in message.warnings
        ),
        replaced_count=message.replaced_count,
        duplicate_count=message.duplicate_count,
        duplicates=tuple(
            types.Duplicate(each.clip_id, names.parse_clip_name(each.clip).clip_id)
            for each in message.duplicates
        ),
        updated_count=message.updated_count,
    )
