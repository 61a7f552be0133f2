"""Pools and their clips."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from aloe.client import types
from aloe.client.calls.translate import error_of_status
from aloe.client.operations.fields import (
    attributes,
    clip_name,
    duration,
    parse_duration,
    parse_time,
    pool_name,
    uint32,
    uint64,
)
from aloe.client.operations.operation import ListOperation, Operation, Page, StreamOperation
from aloe.v1 import pool_pb2
from aloe.wire import names
from aloe.wire.arrays import decode_matrix
from aloe.wire.attributes import read_attributes
from aloe.wire.audio import read_decoding, read_report
from aloe.wire.settings import decode_representation


def create_pool(
    pool_id: str,
    *,
    encoder_id: str,
    encoder_fingerprint: str,
    embedding_dim: int,
    keep_audio: bool,
) -> Operation[types.Pool]:
    pool = pool_pb2.Pool(
        encoder_id=encoder_id,
        encoder_fingerprint=encoder_fingerprint,
        embedding_dim=uint32("embedding_dim", embedding_dim),
        keep_audio=keep_audio,
    )
    return Operation(
        "CreatePool",
        pool_pb2.CreatePoolRequest(pool_id=pool_id, pool=pool),
        lambda response: _parse_pool(response.pool),
    )


def get_pool(pool_id: str) -> Operation[types.Pool]:
    return Operation(
        "GetPool",
        pool_pb2.GetPoolRequest(name=pool_name(pool_id)),
        lambda response: _parse_pool(response.pool),
    )


def list_pools() -> ListOperation[types.Pool]:
    return lambda page_token: Operation(
        "ListPools",
        pool_pb2.ListPoolsRequest(page_token=page_token),
        lambda response: Page(
            tuple(map(_parse_pool, response.pools)),
            response.next_page_token,
            tuple(map(error_of_status, response.unreadable)),
        ),
    )


def delete_pool(pool_id: str) -> Operation[None]:
    return Operation(
        "DeletePool", pool_pb2.DeletePoolRequest(name=pool_name(pool_id)), lambda _: None
    )


def refit_pool(pool_id: str) -> Operation[tuple[types.PoolMap, ...]]:
    return Operation(
        "RefitPool",
        pool_pb2.RefitPoolRequest(name=pool_name(pool_id)),
        lambda response: tuple(map(_parse_map, response.maps)),
    )


def list_clips(pool_id: str, filter: str) -> ListOperation[types.Clip]:
    name = pool_name(pool_id)
    return lambda page_token: Operation(
        "ListClips",
        pool_pb2.ListClipsRequest(pool=name, page_token=page_token, filter=filter),
        lambda response: Page(tuple(map(parse_clip, response.clips)), response.next_page_token),
    )


def get_clip(pool_id: str, clip_id: str) -> Operation[types.Clip]:
    return Operation(
        "GetClip",
        pool_pb2.GetClipRequest(name=clip_name(pool_id, clip_id)),
        lambda response: parse_clip(response.clip),
    )


def delete_clips(pool_id: str, clip_ids: Sequence[str]) -> Operation[types.DeletedClips]:
    return Operation(
        "DeleteClips",
        pool_pb2.DeleteClipsRequest(
            pool=pool_name(pool_id), names=[clip_name(pool_id, each) for each in clip_ids]
        ),
        lambda response: types.DeletedClips(
            response.deleted_count, response.name_count, response.absent_count
        ),
    )


def update_clips(pool_id: str, updates: Iterable[types.ClipUpdate]) -> Operation[int]:
    return Operation(
        "UpdateClips",
        pool_pb2.UpdateClipsRequest(
            pool=pool_name(pool_id),
            updates=[
                pool_pb2.ClipUpdate(
                    name=clip_name(pool_id, each.clip_id),
                    attributes=attributes("attributes", each.attributes),
                    removed_attributes=each.removed,
                )
                for each in updates
            ],
        ),
        lambda response: response.updated_count,
    )


def rename_clip(pool_id: str, clip_id: str, new_id: str) -> Operation[types.Clip]:
    return Operation(
        "RenameClip",
        pool_pb2.RenameClipRequest(name=clip_name(pool_id, clip_id), new_id=new_id),
        lambda response: parse_clip(response.clip),
    )


def export_clips(
    pool_id: str, skip_count: int, filter: str
) -> StreamOperation[types.EmbeddedPoolClip]:
    return StreamOperation(
        "ExportClips",
        pool_pb2.ExportClipsRequest(
            pool=pool_name(pool_id),
            skip_count=uint64("skip_count", skip_count),
            filter=filter,
        ),
        _parse_embedded_clips,
        key=lambda each: each.clip.clip_id,
    )


def get_clip_audio(
    pool_id: str, clip_id: str, before: timedelta | None, after: timedelta | None
) -> Operation[types.ClipAudio]:
    return Operation(
        "GetClipAudio",
        pool_pb2.GetClipAudioRequest(
            name=clip_name(pool_id, clip_id),
            context_before=duration("before", before),
            context_after=duration("after", after),
        ),
        lambda response: types.ClipAudio(
            response.content,
            response.media_type,
            parse_duration(response, "start_offset"),
            parse_duration(response, "end_offset"),
        ),
    )


def _parse_pool(message: pool_pb2.Pool) -> types.Pool:
    return types.Pool(
        pool_id=names.parse_pool_name(message.name),
        encoder_id=message.encoder_id,
        encoder_fingerprint=message.encoder_fingerprint,
        embedding_dim=message.embedding_dim,
        keep_audio=message.keep_audio,
        clip_count=message.clip_count,
        create_time=parse_time(message.create_time),
    )


def _parse_map(message: pool_pb2.PoolMap) -> types.PoolMap:
    return types.PoolMap(
        map_name=message.map_name,
        representation=decode_representation(message.representation, "representation"),
        version=message.version,
        clip_count=message.clip_count,
    )


def parse_clip(message: pool_pb2.Clip) -> types.Clip:
    """Read a clip."""
    return types.Clip(
        clip_id=names.parse_clip_name(message.name).clip_id,
        uri=message.uri,
        duration=message.duration.ToTimedelta() if message.HasField("duration") else None,
        content_hash=message.content_hash,
        decoding=read_decoding(message.decoding, "decoding"),
        report=read_report(message.report),
        other_ids=tuple(message.other_ids),
        attributes=read_attributes(message.attributes),
        recording_id=(
            names.parse_recording_name(message.recording).recording_id if message.recording else ""
        ),
        start=parse_duration(message, "start_offset"),
        end=parse_duration(message, "end_offset"),
    )


def _parse_embedded_clips(
    message: pool_pb2.ExportClipsResponse,
) -> Iterator[types.EmbeddedPoolClip]:
    embeddings = decode_matrix(message.embeddings)
    for clip, embedding in zip(message.clips, embeddings, strict=True):
        yield types.EmbeddedPoolClip(parse_clip(clip), embedding)
