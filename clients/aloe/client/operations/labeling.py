"""The labeling loop: queries and answers."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from aloe.client import types
from aloe.client.operations.fields import (
    duration,
    parse_duration,
    parse_time,
    task_name,
    uint32,
)
from aloe.client.operations.operation import Operation
from aloe.v1 import labeling_pb2, search_pb2
from aloe.wire import names
from aloe.wire.attributes import read_attributes
from aloe.wire.enums import POOL_STATES
from aloe.wire.labels import encode_labels


def query(
    task_id: str,
    oracle_id: str,
    *,
    max_clip_count: int,
    min_head_version: int,
    lease_duration: timedelta | None,
    request_id: str | None,
    filter: str = "",
    clips: Sequence[str] = (),
    like: search_pb2.Example | None = None,
) -> Operation[types.QueryResult]:
    request = labeling_pb2.QueryRequest(
        task=task_name(task_id),
        oracle_id=oracle_id,
        max_clip_count=uint32("max_clip_count", max_clip_count),
        min_head_version=uint32("min_head_version", min_head_version),
        lease_duration=duration("lease_duration", lease_duration),
        request_id=_request_id(request_id),
        filter=filter,
        clips=clips,
        like=like,
    )
    return Operation(
        "Query",
        request,
        lambda response: types.QueryResult(
            leases=tuple(map(_parse_lease, response.leases)),
            pool_state=POOL_STATES.member(response.pool_state, "pool_state"),
            head_version=response.head_version,
        ),
    )


def submit_labels(
    task_id: str, oracle_id: str, answers: Iterable[types.Answer], *, request_id: str | None
) -> Operation[types.SubmitResult]:
    request = labeling_pb2.SubmitLabelsRequest(
        task=task_name(task_id),
        oracle_id=oracle_id,
        answers=map(_encode_answer, answers),
        request_id=_request_id(request_id),
    )
    return Operation(
        "SubmitLabels",
        request,
        lambda response: types.SubmitResult(
            head_version=_parse_head_version(response), label_count=response.label_count
        ),
    )


def release_leases(task_id: str, oracle_id: str, lease_ids: Sequence[str]) -> Operation[int]:
    return Operation(
        "ReleaseLeases",
        labeling_pb2.ReleaseLeasesRequest(
            task=task_name(task_id), oracle_id=oracle_id, lease_ids=list(lease_ids)
        ),
        lambda response: response.released_count,
    )


def _request_id(given: str | None) -> str:
    """Every attempt of one call carries the same id, so that the server can replay its answer."""
    return given or str(uuid.uuid4())


def renew_leases(
    task_id: str, oracle_id: str, lease_ids: Sequence[str], lease_duration: timedelta | None
) -> Operation[datetime]:
    return Operation(
        "RenewLeases",
        labeling_pb2.RenewLeasesRequest(
            task=task_name(task_id),
            oracle_id=oracle_id,
            lease_ids=list(lease_ids),
            lease_duration=duration("lease_duration", lease_duration),
        ),
        lambda response: parse_time(response.expire_time),
    )


def _encode_answer(answer: types.Answer) -> labeling_pb2.Answer:
    if answer.retracted:
        return labeling_pb2.Answer(lease_id=answer.lease_id, retraction=labeling_pb2.Retraction())
    if answer.label is None:
        return labeling_pb2.Answer(lease_id=answer.lease_id, abstention=labeling_pb2.Abstention())
    if isinstance(answer.label, types.LabelSet):
        return labeling_pb2.Answer(lease_id=answer.lease_id, labels=encode_labels(answer.label))
    return labeling_pb2.Answer(lease_id=answer.lease_id, label=answer.label)


def _parse_lease(message: labeling_pb2.Lease) -> types.Lease:
    return types.Lease(
        lease_id=message.lease_id,
        clip_id=names.parse_clip_name(message.clip).clip_id,
        uri=message.uri,
        expire_time=parse_time(message.expire_time),
        predicted_class=message.predicted_class,
        score=message.score if message.HasField("score") else None,
        duration=parse_duration(message, "duration"),
        is_audit=message.is_audit,
        reason=parse_reason(message),
        attributes=read_attributes(message.attributes),
        recording_id=(
            names.parse_recording_name(message.recording).recording_id if message.recording else ""
        ),
        start=parse_duration(message, "start_offset"),
        end=parse_duration(message, "end_offset"),
    )


def parse_reason(message: labeling_pb2.Lease | labeling_pb2.ClipChange) -> types.PickReason | None:
    """Read why a clip was picked; None where that is not said."""
    if not message.HasField("reason"):
        return None
    reason = message.reason
    nearest = reason.nearest_clip
    return types.PickReason(
        gain=reason.gain if reason.HasField("gain") else None,
        nearest_clip_id=names.parse_clip_name(nearest).clip_id if nearest else None,
        nearest_distance=reason.nearest_distance if reason.HasField("nearest_distance") else None,
        text=reason.text,
    )


def _parse_head_version(message: labeling_pb2.SubmitLabelsResponse) -> int | None:
    return message.head_version if message.HasField("head_version") else None
