"""Clips to import, from protobuf to the domain."""

import re

from aloe.learner import convert
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.pool import Clip, embedding_hash
from aloe.learner.usecases.appending import BadClip
from aloe.learner.usecases.importing import Batch, EmbeddedClips, NewClip
from aloe.v1 import pool_pb2
from aloe.wire.arrays import MalformedArray, decode_matrix

MAX_URI_LENGTH = 2_048
_HASH = re.compile(r"[0-9a-f]{32}|")


def import_batch(message: pool_pb2.ImportClipsRequest) -> Batch:
    """Read some clips to import. Raises InvalidInput where the embeddings are not one per clip."""
    if not message.HasField("embeddings"):
        return [_new_clip(clip) for clip in message.clips]
    try:
        embeddings = decode_matrix(message.embeddings)
    except MalformedArray as error:
        raise InvalidInput.of("embeddings", str(error)) from error
    if len(embeddings) != len(message.clips):
        raise InvalidInput.of(
            "embeddings", f"{len(embeddings)} rows for {len(message.clips)} clips; one for each"
        )
    clips = [_embedded_clip(*each) for each in zip(message.clips, embeddings, strict=True)]
    return EmbeddedClips(clips, embeddings)


def _new_clip(message: pool_pb2.NewClip) -> NewClip | BadClip:
    try:
        _check_clip(message)
    except InvalidInput as error:
        return BadClip(message.clip_id[:200], error)
    recording = convert.audio(message.audio) if message.HasField("audio") else None
    return NewClip(message.clip_id, message.uri, recording)


def _embedded_clip(message: pool_pb2.NewClip, embedding: Float32Array) -> Clip | BadClip:
    try:
        _check_clip(message)
        if message.HasField("audio"):
            raise InvalidInput.of("audio", "given beside an embedding; give one of them")
    except InvalidInput as error:
        return BadClip(message.clip_id[:200], error)
    has_duration = message.HasField("duration")
    return Clip(
        message.clip_id,
        message.content_hash or embedding_hash(embedding),
        message.uri,
        duration_s=convert.duration(message.duration).total_seconds() if has_duration else None,
    )


def _check_clip(message: pool_pb2.NewClip) -> None:
    convert.an_id(message.clip_id, "clip_id")
    if len(message.uri) > MAX_URI_LENGTH:
        raise InvalidInput.of("uri", f"over {MAX_URI_LENGTH:,} characters")
    if not _HASH.fullmatch(message.content_hash):
        raise InvalidInput.of("content_hash", "not one that a clip was exported with")
