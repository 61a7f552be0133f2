"""How long the lists in messages may be, and how large requests: one table for both ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from aloe.wire.errors import MalformedValue

ID_COUNT = 10_000
"""Clips, leases, answers or labels in one call: Redis, which serves one call at a time, works on
them for a tenth of a second at most."""
CHANGED_CLIP_COUNT = 1_000
"""Clips in one call that deletes or changes them: Redis reads and writes the record of each."""
AUDIO_COUNT = 10_000
"""Recordings in one message; how many the embedding service holds at once is a setting of its."""
ROW_COUNT = 100_000
"""Inputs of one Predict."""
PAGE_COUNT = 1_000
CLIP_PAGE_COUNT = 10_000
STREAMED_COUNT = 5_000
"""Clips or labels in one message of an export."""
CHANGE_COUNT = 1_000_000
"""Clips that one event may change, as that of an import into a large pool."""
CLASS_COUNT = 1_000
FORMER_NAME_COUNT = 20
"""Of one class."""
RULE_COUNT = 100
"""Of one list; a stopping rule combines fewer in all."""
OTHER_ID_COUNT = 10_000
PROMOTION_COUNT = 100
"""Names of a task's heads, and heads that had one before."""
ATTRIBUTE_COUNT = 64
"""Of one clip."""
SEGMENT_COUNT = 100_000
"""Of one recording."""
SHOWN_COUNT = 1_000
"""Clips that a report names for one reason, while it counts all of them."""
FAILURE_COUNT = 50_000
"""Clips of one stream of ImportClips that fail: each is named, so that more end the stream."""

MAX_COUNTS: Mapping[str, int] = {
    # What clients send: checked where it arrives, before anything else is done.
    "aloe.v1.AudioClips.clips": AUDIO_COUNT,
    "aloe.v1.ClipNames.names": ID_COUNT,
    "aloe.v1.ClipUpdate.attributes": ATTRIBUTE_COUNT,
    "aloe.v1.ClipUpdate.removed_attributes": ATTRIBUTE_COUNT,
    "aloe.v1.DeleteClipsRequest.names": CHANGED_CLIP_COUNT,
    "aloe.v1.DeleteRecordingsRequest.names": CHANGED_CLIP_COUNT,
    "aloe.v1.EmbedRequest.clips": AUDIO_COUNT,
    "aloe.v1.EmbedStreamRequest.clips": AUDIO_COUNT,
    "aloe.v1.ImportClipsRequest.clips": ID_COUNT,
    "aloe.v1.ImportClipsRequest.recordings": PAGE_COUNT,
    "aloe.v1.ImportLabelsRequest.labels": ID_COUNT,
    "aloe.v1.LabelSet.negative": CLASS_COUNT,
    "aloe.v1.LabelSet.positive": CLASS_COUNT,
    "aloe.v1.LabelSet.unknown": CLASS_COUNT,
    "aloe.v1.NewClip.attributes": ATTRIBUTE_COUNT,
    "aloe.v1.NewClip.other_ids": OTHER_ID_COUNT,
    "aloe.v1.QueryRequest.clips": ID_COUNT,
    "aloe.v1.RecordingHeader.attributes": ATTRIBUTE_COUNT,
    "aloe.v1.ReleaseLeasesRequest.lease_ids": ID_COUNT,
    "aloe.v1.RenewLeasesRequest.lease_ids": ID_COUNT,
    "aloe.v1.Segments.segments": SEGMENT_COUNT,
    "aloe.v1.SubmitLabelsRequest.answers": ID_COUNT,
    "aloe.v1.UpdateClipsRequest.updates": CHANGED_CLIP_COUNT,
    "google.protobuf.FieldMask.paths": 100,
    # Both ways.
    "aloe.v1.AudioReport.warnings": SHOWN_COUNT,
    "aloe.v1.Recording.attributes": ATTRIBUTE_COUNT,
    "aloe.v1.Evaluation.class_recalls": CLASS_COUNT,
    "aloe.v1.Head.classes": CLASS_COUNT,
    "aloe.v1.Head.thresholds": CLASS_COUNT,
    "aloe.v1.LabelFigures.average_precisions": CLASS_COUNT,
    "aloe.v1.LabelFigures.f1s": CLASS_COUNT,
    "aloe.v1.LabelFigures.roc_aucs": CLASS_COUNT,
    "aloe.v1.LabelFigures.thresholds": CLASS_COUNT,
    "aloe.v1.LabelOrigins.class_label_counts": CLASS_COUNT,
    "aloe.v1.LabelOrigins.oracles": ID_COUNT,
    "aloe.v1.Round.classes": CLASS_COUNT,
    "aloe.v1.StopAdvice.reasons": RULE_COUNT,
    "aloe.v1.StoppingRules.rules": RULE_COUNT,
    "aloe.v1.Task.class_details": CLASS_COUNT,
    "aloe.v1.Task.classes": CLASS_COUNT,
    "aloe.v1.TaskClass.former_names": FORMER_NAME_COUNT,
    # What servers send: kept by those who write it.
    "aloe.v1.Clip.attributes": ATTRIBUTE_COUNT,
    "aloe.v1.Clip.other_ids": OTHER_ID_COUNT,
    "aloe.v1.ClipWarnings.warnings": SHOWN_COUNT,
    "aloe.v1.EmbedResponse.durations": AUDIO_COUNT,
    "aloe.v1.EmbedResponse.reports": AUDIO_COUNT,
    "aloe.v1.EmbedStreamResponse.results": AUDIO_COUNT,
    "aloe.v1.ExportClipsResponse.clips": STREAMED_COUNT,
    "aloe.v1.ExportLabelsResponse.labels": STREAMED_COUNT,
    "aloe.v1.Lease.attributes": ATTRIBUTE_COUNT,
    "aloe.v1.ImportClipsResponse.duplicates": SHOWN_COUNT,
    "aloe.v1.ImportClipsResponse.failures": FAILURE_COUNT,
    "aloe.v1.ImportClipsResponse.warnings": SHOWN_COUNT,
    "aloe.v1.ImportLabelsResponse.divided_recordings": SHOWN_COUNT,
    "aloe.v1.ListClipsResponse.clips": CLIP_PAGE_COUNT,
    "aloe.v1.ListEncodersResponse.encoders": PAGE_COUNT,
    "aloe.v1.ListEventsResponse.events": PAGE_COUNT,
    "aloe.v1.ListPoolsResponse.pools": PAGE_COUNT,
    "aloe.v1.ListPoolsResponse.unreadable": PAGE_COUNT,
    "aloe.v1.ListRecordingsResponse.recordings": PAGE_COUNT,
    "aloe.v1.ListRoundsResponse.rounds": PAGE_COUNT,
    "aloe.v1.ListTasksResponse.tasks": PAGE_COUNT,
    "aloe.v1.ListTasksResponse.unreadable": PAGE_COUNT,
    "aloe.v1.PredictPoolResponse.accepted": STREAMED_COUNT,
    "aloe.v1.PredictPoolResponse.classes": CLASS_COUNT,
    "aloe.v1.PredictPoolResponse.clip_ids": STREAMED_COUNT,
    "aloe.v1.PredictPoolResponse.clip_numbers": STREAMED_COUNT,
    "aloe.v1.PredictPoolResponse.label_classes": CLASS_COUNT,
    "aloe.v1.PredictPoolResponse.label_indices": STREAMED_COUNT,
    "aloe.v1.PredictPoolResponse.labels": STREAMED_COUNT,
    "aloe.v1.PredictPoolResponse.states": STREAMED_COUNT,
    "aloe.v1.PredictPoolResponse.thresholds": CLASS_COUNT,
    "aloe.v1.PredictResponse.accepted": ROW_COUNT,
    "aloe.v1.PredictResponse.classes": CLASS_COUNT,
    "aloe.v1.PredictResponse.failures": ROW_COUNT,
    "aloe.v1.PredictResponse.labels": ROW_COUNT,
    "aloe.v1.PredictResponse.thresholds": CLASS_COUNT,
    "aloe.v1.PredictResponse.warnings": ROW_COUNT,
    "aloe.v1.PredictWarnings.warnings": SHOWN_COUNT,
    "aloe.v1.ListPromotionsResponse.promotions": PROMOTION_COUNT,
    "aloe.v1.Promotion.earlier": PROMOTION_COUNT,
    "aloe.v1.SearchClipsResponse.results": ID_COUNT,
    "aloe.v1.QueryResponse.leases": ID_COUNT,
    "aloe.v1.RecordingReport.failures": SHOWN_COUNT,
    "aloe.v1.RefitPoolResponse.maps": 100,
    "aloe.v1.TaskEvent.changes": CHANGE_COUNT,
    "aloe.v1.TaskEvent.class_details": CLASS_COUNT,
    "aloe.v1.ReplayTaskResponse.differences": 100,
    "google.rpc.Status.details": 10,
}
_MIB = 1024**2
MAX_REQUEST_BYTES: Mapping[str, int] = {
    "aloe.v1.CreateTaskRequest": _MIB,
    "aloe.v1.DeleteClipsRequest": _MIB,
    "aloe.v1.DeleteRecordingsRequest": _MIB,
    "aloe.v1.EmbedRequest": 64 * _MIB,
    "aloe.v1.EmbedStreamRequest": 64 * _MIB,
    "aloe.v1.ImportClipsRequest": 64 * _MIB,
    "aloe.v1.ImportLabelsRequest": 16 * _MIB,
    "aloe.v1.ImportRecordingRequest": 4 * _MIB,
    "aloe.v1.PredictRequest": 64 * _MIB,
    "aloe.v1.QueryRequest": 64 * _MIB,
    "aloe.v1.ReleaseLeasesRequest": 4 * _MIB,
    "aloe.v1.RenewLeasesRequest": 4 * _MIB,
    "aloe.v1.RestoreHeadRequest": 64 * _MIB,
    "aloe.v1.SearchClipsRequest": 64 * _MIB,
    "aloe.v1.SubmitLabelsRequest": 16 * _MIB,
    "aloe.v1.UpdateClipsRequest": 16 * _MIB,
    "aloe.v1.UpdateTaskRequest": _MIB,
}
"""One message of each, serialized."""
DEFAULT_REQUEST_BYTES = 16 * 1024
"""One message of any other request: it has names and numbers. Streams of answers hold theirs."""


def max_request_bytes(request: Descriptor) -> int:
    """Return how large one message of a request may be, serialized."""
    return MAX_REQUEST_BYTES.get(request.full_name, DEFAULT_REQUEST_BYTES)


def check_counts(message: Message) -> None:
    """Check every list in a message, at any depth.

    Raises:
        MalformedValue: one is longer than its bound; it names the first one.
    """
    lists = _lists_in(message.DESCRIPTOR)
    if lists:
        _check(message, lists, "")


def _check(message: Message, lists: "Sequence[_Place]", path: str) -> None:
    for place in lists:
        value = getattr(message, place.name)
        if place.bound is None:
            if message.HasField(place.name):
                _check(value, _lists_in(place.within), f"{path}{place.name}.")
            continue
        if len(value) > place.bound:
            raise MalformedValue(
                f"{path}{place.name}",
                f"{len(value):,} in one message; at most {place.bound:,}: give fewer, or send"
                " several",
            )
        if place.within is not None and (inner := _lists_in(place.within)):
            for index, each in enumerate(value):
                _check(each, inner, f"{path}{place.name}[{index}].")


@dataclass(frozen=True, slots=True)
class _Place:
    """A field that is a list, or a message with lists in it."""

    name: str
    bound: int | None
    """Of a list; None of a single message."""
    within: Descriptor | None
    """Of the message or messages there; None of a list of other values."""


@cache
def _lists_in(message: Descriptor) -> Sequence[_Place]:
    places = []
    for field in message.fields:
        if field.is_repeated:
            bound = MAX_COUNTS[f"{message.full_name}.{field.name}"]
            places.append(_Place(field.name, bound, field.message_type))
        elif field.message_type and _has_lists(field.message_type, frozenset()):
            places.append(_Place(field.name, None, field.message_type))
    return tuple(places)


def _has_lists(message: Descriptor, seen: frozenset[str]) -> bool:
    if message.full_name in seen:
        return False
    seen |= {message.full_name}
    return any(
        field.is_repeated or (field.message_type and _has_lists(field.message_type, seen))
        for field in message.fields
    )
