"""Pools and their clips, to and from their messages."""

from collections.abc import AsyncIterator, Sequence

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import ImportRules
from aloe.learner.domain.clip_index import MAX_OTHER_IDS
from aloe.learner.domain.errors import InvalidInput, Violation
from aloe.learner.domain.pool import (
    Audio,
    Clip,
    EncodedAudio,
    PcmAudio,
    Pool,
    content_hash,
    embedding_hash,
)
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.rpc import fields
from aloe.learner.rpc.attributes import MAX_SHOWN_VIOLATIONS, read_given
from aloe.learner.rpc.recordings import (
    HASH,
    MAX_URI_LENGTH,
    read_recording,
    read_window,
    write_window,
)
from aloe.learner.rpc.statuses import status_of
from aloe.learner.usecases.appending import BadClip, ImportReport
from aloe.learner.usecases.import_run import Batch, EmbeddedClips, NewClip
from aloe.serving.status import status_of_anything
from aloe.v1 import audio_pb2, pool_pb2
from aloe.values.audio import NOTHING_FOUND, AudioReport
from aloe.values.duplicates import DuplicateRule
from aloe.wire import names, times
from aloe.wire.arrays import decode_matrix, encode_matrix
from aloe.wire.attributes import write_attributes
from aloe.wire.audio import read_decoding, read_report, write_decoding
from aloe.wire.audio import write_report as write_audio_report
from aloe.wire.enums import DUPLICATE_RULES, REPRESENTATIONS

MAX_WARNINGS = 1_000
"""Clips whose warnings an import tells; how many there are is told as well."""
MAX_REPORT_BYTES = 65_536
MAX_SHOWN_DUPLICATES = 1_000
"""Ids whose clips it tells, likewise."""
_NO_RECORDING: Audio = EncodedAudio(b"")
_SAMPLE_FORMATS = {
    audio_pb2.SAMPLE_FORMAT_INT16: "int16",
    audio_pb2.SAMPLE_FORMAT_FLOAT32: "float32",
}


def read_audio(message: audio_pb2.Audio, field: str = "audio") -> Audio:
    """Read a recording. The embedding service checks it. Raises InvalidInput."""
    decoding = fields.valid(read_decoding, message.decoding, f"{field}.decoding")
    if message.WhichOneof("content") != "pcm":
        return EncodedAudio(message.encoded, decoding)
    pcm = message.pcm
    return PcmAudio(
        samples=pcm.samples,
        sample_rate_hz=pcm.sample_rate_hz,
        sample_format=_SAMPLE_FORMATS.get(pcm.sample_format, "unspecified"),
        channel_count=pcm.channel_count or 1,
        decoding=decoding,
    )


async def read_batches(
    first: pool_pb2.ImportClipsRequest, others: AsyncIterator[pool_pb2.ImportClipsRequest]
) -> AsyncIterator[Batch]:
    """Read the clips of a stream, message by message. Raises as read_batch does."""
    pool_id = fields.read_pool_id(first.pool, "pool")
    yield read_batch(first, pool_id)
    del first  # No message is held while the next one comes.
    async for message in others:
        yield read_batch(message, pool_id)
        del message


def read_batch(message: pool_pb2.ImportClipsRequest, pool_id: str) -> Batch:
    """Read some clips to import. Raises InvalidInput where the embeddings are not one per clip."""
    recordings = [
        read_recording(each, pool_id, f"recordings[{place}]")
        for place, each in enumerate(message.recordings)
    ]
    if recordings and not message.clips:
        return EmbeddedClips([], np.empty((0, 0), np.float32), windows_of=recordings)
    if recordings and not message.HasField("embeddings"):
        raise InvalidInput.of("recordings", "given without embeddings; see ImportRecording")
    if not message.HasField("embeddings"):
        return [_read_clip(clip) for clip in message.clips]
    embeddings = fields.parsed(decode_matrix, message.embeddings, "embeddings")
    if len(embeddings) != len(message.clips):
        raise InvalidInput.of(
            "embeddings", f"{len(embeddings)} rows for {len(message.clips)} clips; one for each"
        )
    read = [
        _read_embedded_clip(*each, pool_id) for each in zip(message.clips, embeddings, strict=True)
    ]
    audio = {place: audio for place, (_, audio) in enumerate(read) if audio is not None}
    return EmbeddedClips([clip for clip, _ in read], embeddings, audio, recordings)


def read_rules(first: pool_pb2.ImportClipsRequest) -> ImportRules:
    """Read what an import does with ids and contents that are there."""
    rule = fields.valid(
        DUPLICATE_RULES.member,
        first.duplicate_rule,
        "duplicate_rule",
        default=DuplicateRule.ALIAS,
    )
    return ImportRules(rule, first.replace)


def read_names(clip_names: Sequence[str], pool_id: str, most: int) -> list[str]:
    """Read the ids of clips of a pool. Raises InvalidInput that blames each name at fault."""
    if len(clip_names) > most:
        raise InvalidInput.of("names", f"{len(clip_names):,}; at most {most:,} in one call")
    ids: list[str] = []
    violations: list[Violation] = []
    for index, text in enumerate(clip_names):
        try:
            name = fields.read_clip_name(text, f"names[{index}]")
        except InvalidInput as error:
            violations += error.violations
            continue
        if name.pool_id != pool_id:
            violations.append(Violation(f"names[{index}]", f"{text} is not in pools/{pool_id}"))
        ids.append(name.clip_id)
    if violations:
        raise InvalidInput(*violations[:MAX_SHOWN_VIOLATIONS])
    return ids


def write_pool(pool: Pool) -> pool_pb2.Pool:
    return pool_pb2.Pool(
        name=names.pool_name(pool.pool_id),
        encoder_id=pool.encoder.encoder_id,
        encoder_fingerprint=pool.encoder.fingerprint,
        embedding_dim=pool.encoder.embedding_dim,
        keep_audio=pool.keep_audio,
        clip_count=pool.clip_count,
        create_time=times.write_time(pool.create_time),
    )


def write_map(pool_map: PoolMap) -> pool_pb2.PoolMap:
    return pool_pb2.PoolMap(
        map_name=pool_map.name,
        representation=REPRESENTATIONS.number(pool_map.kind),
        version=pool_map.version,
        clip_count=pool_map.clip_count,
    )


def write_clip(pool_id: str, clip: Clip) -> pool_pb2.Clip:
    message = pool_pb2.Clip(
        name=names.clip_name(pool_id, clip.clip_id),
        uri=clip.uri,
        content_hash=clip.content_hash,
        duration=fields.write_known_duration(clip.duration_s),
        decoding=write_decoding(clip.decoding),
        report=write_audio_report(clip.report),
        other_ids=clip.other_ids,
        attributes=write_attributes(clip.attributes),
    )
    write_window(pool_id, clip.window, message)
    return message


def write_report(pool_id: str, report: ImportReport) -> pool_pb2.ImportClipsResponse:
    return pool_pb2.ImportClipsResponse(
        imported_count=report.imported_count,
        existing_count=report.existing_count,
        failures=[write_failure(failure) for failure in report.failures],
        warned_count=len(report.warned),
        warnings=[
            pool_pb2.ClipWarnings(
                clip_id=clip.clip_id, warnings=write_audio_report(clip.report).warnings
            )
            for clip in report.warned[:MAX_WARNINGS]
        ],
        replaced_count=report.replaced_count,
        updated_count=report.updated_count,
        duplicate_count=len(report.duplicates),
        duplicates=[
            pool_pb2.Duplicate(clip_id=each.clip_id, clip=names.clip_name(pool_id, each.same_as))
            for each in report.duplicates[:MAX_SHOWN_DUPLICATES]
        ],
    )


def write_block(
    pool_id: str, clips: Sequence[Clip], vectors: Float32Array
) -> pool_pb2.ExportClipsResponse:
    """Write clips with their embeddings, (n_clips, embedding_dim) float32."""
    return pool_pb2.ExportClipsResponse(
        clips=[write_clip(pool_id, clip) for clip in clips], embeddings=encode_matrix(vectors)
    )


def _read_clip(message: pool_pb2.NewClip) -> NewClip | BadClip:
    try:
        other_ids = _check_clip(message)
        attributes = read_given(message)
        recording = read_audio(message.audio)
        if other_ids:
            raise InvalidInput.of("other_ids", "given with a recording; they go with an embedding")
        if message.recording:
            raise InvalidInput.of(
                "recording", "given without an embedding; ImportRecording cuts windows"
            )
    except InvalidInput as error:
        return BadClip(message.clip_id[:200], error)
    has_content = message.audio.WhichOneof("content") is not None
    return NewClip(
        message.clip_id,
        message.uri,
        recording if has_content else None,
        recording.decoding,
        attributes,
    )


def _read_embedded_clip(
    message: pool_pb2.NewClip, embedding: Float32Array, pool_id: str
) -> tuple[Clip | BadClip, Audio | None]:
    """Read a clip, and its recording where that came with it."""
    # Most have neither, and there may be very many.
    recording, report = _NO_RECORDING, NOTHING_FOUND
    try:
        other_ids = _check_clip(message)
        if message.HasField("audio"):
            recording = read_audio(message.audio)
        if message.HasField("report"):
            report = _read_report(message.report)
        attributes = read_given(message)
        duration = fields.read_duration(message, "duration")
        window = read_window(message, pool_id)
    except InvalidInput as error:
        return BadClip(message.clip_id[:200], error), None
    has_audio = message.audio.WhichOneof("content") is not None
    hash_ = message.content_hash
    if not hash_:
        hash_ = content_hash(recording) if has_audio else embedding_hash(embedding)
    clip = Clip(
        message.clip_id,
        hash_,
        message.uri,
        duration_s=None if duration is None else duration.total_seconds(),
        decoding=recording.decoding,
        report=report,
        other_ids=other_ids,
        attributes=attributes,
        window=window,
    )
    return clip, recording if has_audio else None


def _read_report(message: audio_pb2.AudioReport) -> AudioReport:
    if message.ByteSize() > MAX_REPORT_BYTES:
        raise InvalidInput.of("report", f"over {MAX_REPORT_BYTES:,} bytes")
    return fields.parsed(read_report, message, "report")


def _check_clip(message: pool_pb2.NewClip) -> tuple[str, ...]:
    """Check what clips of every kind have; return its other ids, each once."""
    # Few are wrong, and finding the words for those takes long.
    if not names.ID_PATTERN.fullmatch(message.clip_id):
        fields.read_id(message.clip_id, "clip_id")
    if message.uri:
        fields.read_text(message.uri, MAX_URI_LENGTH, "uri")
    if message.content_hash and not HASH.fullmatch(message.content_hash):
        raise InvalidInput.of("content_hash", "not one that a clip was exported with")
    other_ids = message.other_ids
    if not other_ids:
        return ()
    if len(other_ids) > MAX_OTHER_IDS:
        raise InvalidInput.of("other_ids", f"over {MAX_OTHER_IDS:,}")
    for index, other_id in enumerate(other_ids):
        fields.read_id(other_id, f"other_ids[{index}]")
    return tuple(dict.fromkeys(other_ids))


def write_failure(failure: BadClip) -> pool_pb2.ClipFailure:
    status = status_of_anything(failure.error, status_of)
    return pool_pb2.ClipFailure(clip_id=failure.clip_id, status=status.to_proto())
