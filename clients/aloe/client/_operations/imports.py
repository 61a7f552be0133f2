"""Clips into a pool, in streams that are safe to send again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from aloe.client import types
from aloe.client._audio import encode_audio
from aloe.client._chunks import group
from aloe.client._fields import pool_name
from aloe.client._operations.operation import Operation
from aloe.client._translate import error_of_status, failure_of_error, invalid_field
from aloe.client.errors import InvalidArgument
from aloe.v1 import learner_service_pb2 as pb
from aloe.wire.arrays import encode_vector

_MAX_STREAM_BYTES = 32 * 1024 * 1024
# Audio takes the encoder's time: short streams make progress visible and a
# repeat cheap.
_MAX_STREAM_AUDIO_COUNT = 512
_MAX_MESSAGE_CLIP_COUNT = 2_000

# Hundreds of clips may have to be embedded.
_STREAM_TIMEOUT = timedelta(minutes=10)

EMPTY_SUMMARY = types.ImportSummary(imported_count=0, existing_count=0, failures=())


@dataclass(slots=True)
class ImportStream:
    """The clips of one call of ImportClips, kept whole so that the call can be repeated."""

    clips: list[pb.NewClip] = field(default_factory=list)
    failures: list[types.ClipFailure] = field(default_factory=list)
    """Clips that could not be read here."""
    byte_count: int = 0
    audio_count: int = 0

    @property
    def clip_count(self) -> int:
        """Clips taken in, failed ones included."""
        return len(self.clips) + len(self.failures)

    @property
    def is_full(self) -> bool:
        return self.byte_count >= _MAX_STREAM_BYTES or self.audio_count >= _MAX_STREAM_AUDIO_COUNT

    def unread_summary(self) -> types.ImportSummary:
        """What to say of the clips that could not be read here."""
        return types.ImportSummary(0, 0, tuple(self.failures))

    def add(self, clip: types.NewClip, max_bytes: int) -> None:
        """Take a clip in, reading its file if it has one."""
        try:
            message = _encode_clip(clip, max_bytes)
        except InvalidArgument as error:
            self.failures.append(failure_of_error(clip.clip_id, error))
            return
        self.clips.append(message)
        self.byte_count += message.ByteSize()
        self.audio_count += clip.embedding is None


def import_streams(clips: Iterable[types.NewClip], max_bytes: int) -> Iterator[ImportStream]:
    """Split an import into streams, reading files as they are needed.

    Args:
        clips: any number of them.
        max_bytes: how large one clip may be.
    """
    stream = ImportStream()
    for clip in clips:
        stream.add(clip, max_bytes)
        if stream.is_full:
            yield stream
            stream = ImportStream()
    if stream.clip_count:
        yield stream


def import_clips(
    pool_id: str, stream: ImportStream, encoder_fingerprint: str
) -> Operation[types.ImportSummary]:
    name = pool_name(pool_id)
    requests = [
        pb.ImportClipsRequest(pool=name, encoder_fingerprint=encoder_fingerprint, clips=chunk)
        for chunk in group(stream.clips, max_count=_MAX_MESSAGE_CLIP_COUNT)
    ]
    return Operation("ImportClips", requests, _parse_summary)


def stream_timeout(given: timedelta | None) -> timedelta:
    """The time that one stream has."""
    return _STREAM_TIMEOUT if given is None else given


def add_summaries(first: types.ImportSummary, second: types.ImportSummary) -> types.ImportSummary:
    """What became of both."""
    return types.ImportSummary(
        imported_count=first.imported_count + second.imported_count,
        existing_count=first.existing_count + second.existing_count,
        failures=first.failures + second.failures,
    )


def _encode_clip(clip: types.NewClip, max_bytes: int) -> pb.NewClip:
    if clip.audio is not None and clip.embedding is not None:
        raise invalid_field("clip", "has both audio and embedding; give one")
    try:
        message = pb.NewClip(clip_id=clip.clip_id, uri=clip.uri)
    except ValueError as error:  # a file name that is no UTF-8
        raise invalid_field("clip", f"id and URI must be Unicode text: {error}") from error
    if clip.audio is not None:
        message.audio.CopyFrom(encode_audio(clip.audio, field="audio", max_bytes=max_bytes))
    elif clip.embedding is not None:
        if clip.embedding.ndim != 1:
            raise invalid_field(
                "embedding", f"must be (embedding_dim,), got shape {clip.embedding.shape}"
            )
        message.embedding = encode_vector(clip.embedding)
        message.content_hash = clip.content_hash
        if clip.duration is not None:
            message.duration.FromTimedelta(clip.duration)
    return message


def _parse_summary(message: pb.ImportClipsResponse) -> types.ImportSummary:
    return types.ImportSummary(
        imported_count=message.imported_count,
        existing_count=message.existing_count,
        failures=tuple(
            failure_of_error(failure.clip_id, error_of_status(failure.status))
            for failure in message.failures
        ),
    )
