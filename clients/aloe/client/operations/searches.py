"""Searches, and examples of what clips are to be like."""

from collections.abc import Sequence

import numpy as np

from aloe.client import types
from aloe.client.calls.translate import invalid_field
from aloe.client.operations.audio import encode_audio
from aloe.client.operations.fields import clip_name, pool_name, task_name, uint32
from aloe.client.operations.operation import Operation
from aloe.client.operations.pools import parse_clip
from aloe.v1 import search_pb2
from aloe.values.similarities import Similarity
from aloe.wire import names
from aloe.wire.arrays import encode_matrix
from aloe.wire.audio import read_report
from aloe.wire.enums import SIMILARITIES


def search_clips(
    pool_id: str,
    like: types.Like,
    *,
    similarity: Similarity,
    count: int,
    filter: str,
    task_id: str | None,
    unlabeled_only: bool,
    encoder_fingerprint: str,
    max_bytes: int,
) -> Operation[types.SearchResults]:
    request = search_pb2.SearchClipsRequest(
        pool=pool_name(pool_id),
        like=encode_example(pool_id, like, similarity, encoder_fingerprint, max_bytes),
        count=uint32("count", count),
        filter=filter,
        task="" if task_id is None else task_name(task_id),
        unlabeled_only=unlabeled_only,
    )
    return Operation("SearchClips", request, _parse_results)


def encode_example(
    pool_id: str,
    like: types.Like,
    similarity: Similarity,
    encoder_fingerprint: str,
    max_bytes: int,
) -> search_pb2.Example:
    """Write an example; the id of a clip is one of the pool.

    Raises:
        InvalidArgument: it is none of what a Like is, or cannot be read.
    """
    message = search_pb2.Example(
        similarity=SIMILARITIES.number(similarity), encoder_fingerprint=encoder_fingerprint
    )
    match like:
        case str():
            message.clip = _clip_name(pool_id, like)
        case np.ndarray():
            if like.ndim != 1:
                raise invalid_field("like", f"must be (embedding_dim,), got shape {like.shape}")
            message.embedding.CopyFrom(encode_matrix(like[None]))
        case _:
            message.audio.CopyFrom(encode_audio(like, field="like", max_bytes=max_bytes))
    return message


def encode_choice(
    pool_id: str,
    clip_ids: Sequence[str],
    like: types.Like | None,
    similarity: Similarity,
    max_bytes: int,
) -> tuple[list[str], search_pb2.Example | None]:
    """Write what a query is to choose from: names of clips, and an example."""
    clips = [clip_name(pool_id, each) for each in clip_ids]
    if like is None:
        return clips, None
    return clips, encode_example(pool_id, like, similarity, "", max_bytes)


def _clip_name(pool_id: str, text: str) -> str:
    if "/" not in text:
        return clip_name(pool_id, text)
    try:
        names.parse_clip_name(text)
    except names.MalformedName as error:
        raise invalid_field("like", str(error)) from error
    return text


def _parse_results(message: search_pb2.SearchClipsResponse) -> types.SearchResults:
    return types.SearchResults(
        tuple(types.FoundClip(parse_clip(each.clip), each.similarity) for each in message.results),
        read_report(message.report),
    )
