"""Leases, answers, labels and events, to and from their messages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

from aloe.learner.domain.classes import NO_CLASS, ClassTable
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.events import Event, event_order
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.domain.given_labels import named_set
from aloe.learner.domain.pool import NamedClip, Pool
from aloe.learner.domain.replay import Replay
from aloe.learner.domain.task import SPLIT_OF_STATE, Task
from aloe.learner.rpc import fields
from aloe.learner.rpc.classes import write_classes
from aloe.learner.rpc.reasons import write_reason
from aloe.learner.rpc.recordings import write_window
from aloe.learner.rpc.searches import read_example
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.label_import import KnownLabel
from aloe.learner.usecases.labeling import LeasedClip, OracleAnswer, QueryOutcome
from aloe.learner.usecases.tasks import MAX_PAGE_CHANGES, ExportedLabel, TaskHistory
from aloe.v1 import labeling_pb2
from aloe.values.labels import Label
from aloe.values.states import ClipState, EventKind
from aloe.wire import names, times
from aloe.wire.attributes import write_attributes
from aloe.wire.bounds import ID_COUNT
from aloe.wire.enums import CLIP_STATES, EVENT_KINDS, POOL_STATES, SPLITS
from aloe.wire.labels import decode_labels, encode_labels
from aloe.wire.settings import encode_strategy


def read_known_label(message: labeling_pb2.KnownLabel, index: int) -> KnownLabel:
    """Read a label to import."""
    field = f"labels[{index}]"
    name = fields.read_clip_name(message.clip, f"{field}.clip")
    return KnownLabel(
        name.pool_id,
        name.clip_id,
        _read_label(message),
        fields.valid(SPLITS.member, message.split, f"{field}.split"),
        fields.read_oracle_id(message.oracle_id, f"{field}.oracle_id") if message.oracle_id else "",
        (
            fields.read_time(message.label_time, f"{field}.label_time")
            if message.HasField("label_time")
            else None
        ),
        message.is_audit,
    )


def _read_label(message: labeling_pb2.KnownLabel) -> Label | None:
    match message.WhichOneof("answer"):
        case "abstention":
            return None
        case "labels":
            return decode_labels(message.labels)
        case _:
            return message.label


def read_question(request: labeling_pb2.QueryRequest) -> Question:
    """Read what an oracle asks for."""
    names = (
        fields.read_clip_name(name, f"clips[{index}]") for index, name in enumerate(request.clips)
    )
    clips = [NamedClip(name.pool_id, name.clip_id) for name in names]
    return Question(
        fields.read_oracle_id(request.oracle_id, "oracle_id"),
        fields.read_count(request.max_clip_count or len(clips), ID_COUNT, "max_clip_count"),
        request.min_head_version,
        fields.read_duration(request, "lease_duration"),
        fields.read_optional_id(request.request_id, "request_id"),
        parse_filter(request.filter),
        clips,
        read_example(request.like, "like") if request.HasField("like") else None,
    )


def read_answer(message: labeling_pb2.Answer, index: int) -> OracleAnswer:
    """Read an oracle's answer."""
    match message.WhichOneof("answer"):
        case "label":
            return OracleAnswer(message.lease_id, message.label)
        case "labels":
            return OracleAnswer(message.lease_id, decode_labels(message.labels))
        case "abstention":
            return OracleAnswer(message.lease_id, None)
        case "retraction":
            return OracleAnswer(message.lease_id, None, retracted=True)
        case _:
            raise InvalidInput.of(
                f"answers[{index}].answer",
                "unset; give a label or labels, abstention or retraction",
            )


def write_outcome(outcome: QueryOutcome) -> labeling_pb2.QueryResponse:
    return labeling_pb2.QueryResponse(
        leases=[_write_lease(outcome, leased) for leased in outcome.leases],
        pool_state=POOL_STATES.number(outcome.pool_state),
        head_version=outcome.head_version,
    )


def write_labels(
    pool: Pool, task: Task, labels: Sequence[ExportedLabel]
) -> labeling_pb2.ExportLabelsResponse:
    return labeling_pb2.ExportLabelsResponse(
        labels=[_write_label(pool, task, each) for each in labels]
    )


def page_of_events(events: Sequence[Event], count: int) -> Sequence[Event]:
    """Return the first events, up to `count` and to what fits into a message; at least one."""
    change_counts = accumulate(event.size for event in events[:count])
    fitting = sum(each <= MAX_PAGE_CHANGES for each in change_counts)
    return events[: max(fitting, 1)]


def write_event(history: TaskHistory, event: Event) -> labeling_pb2.TaskEvent:
    milliseconds, _ = event_order(event.event_id)
    strategy = event.query_strategy
    return labeling_pb2.TaskEvent(
        event_id=event.event_id,
        event_time=times.write_time(datetime.fromtimestamp(milliseconds / 1000, UTC)),
        kind=EVENT_KINDS.number(event.kind),
        oracle_id=event.oracle_id,
        changes=[
            _write_change(history, event, place)
            for place in range(len(event.rows))
            if history.has_clip(event, place)
        ],
        head_version=event.head_version,
        query_strategy=encode_strategy(strategy) if strategy else None,
        promotion_id=event.promotion_id,
        cutoff_event_id=event.cutoff_event_id,
        map_name=event.map_name,
        class_details=(
            write_classes(event.settings.class_table)
            if event.kind is EventKind.CLASSES_CHANGED and event.settings
            else ()
        ),
    )


def _write_lease(outcome: QueryOutcome, leased: LeasedClip) -> labeling_pb2.Lease:
    task = outcome.task
    message = labeling_pb2.Lease(
        lease_id=leased.lease.lease_id,
        clip=names.clip_name(task.pool_id, leased.clip.clip_id),
        uri=leased.clip.uri,
        expire_time=times.write_time(leased.lease.expire_time),
        predicted_class=leased.predicted_class,
        score=leased.lease.pick.score,
        duration=fields.write_known_duration(leased.clip.duration_s),
        is_audit=leased.lease.pick.is_audit,
        reason=write_reason(
            leased.lease.pick.reason,
            outcome.query_strategy,
            task.pool_id,
            leased.nearest_id,
        ),
        attributes=write_attributes(leased.clip.attributes),
    )
    write_window(task.pool_id, leased.clip.window, message)
    return message


def _write_label(pool: Pool, task: Task, each: ExportedLabel) -> labeling_pb2.StoredLabel:
    label = each.label
    message = labeling_pb2.StoredLabel(
        clip=names.clip_name(pool.pool_id, each.clip.clip_id),
        uri=each.clip.uri,
        split=SPLITS.number(SPLIT_OF_STATE[label.state]),
        oracle_id=label.oracle_id,
        label_time=times.write_time(label.label_time),
        is_audit=label.is_audit,
    )
    if label.class_set is not None:
        message.labels.CopyFrom(encode_labels(named_set(task, label.class_set)))
    elif label.state is ClipState.ABSTAINED:
        message.abstention.SetInParent()
    else:
        _write_class(task.class_table, label.class_index, message)
    return message


def _write_class(table: ClassTable, class_index: int, message: labeling_pb2.StoredLabel) -> None:
    message.label = table.shown(class_index)
    message.is_retired = table.target(class_index) == NO_CLASS
    given = table.names[class_index]
    if given != message.label:
        message.given_label = given


def _write_change(history: TaskHistory, event: Event, place: int) -> labeling_pb2.ClipChange:
    class_index, task = event.class_indices[place], history.task
    class_set = event.class_sets[place] if event.class_sets else None
    return labeling_pb2.ClipChange(
        clip=names.clip_name(history.task.pool_id, history.clips[event.rows[place]].clip_id),
        state=CLIP_STATES.number(ClipState(event.states[place])),
        label="" if class_index == NO_CLASS else task.classes[class_index],
        labels=encode_labels(named_set(task, class_set)) if class_set is not None else None,
        lease_id=event.lease_ids[place] if event.lease_ids else "",
        score=event.scores[place] if event.scores else None,
        clip_number=event.rows[place],
        is_audit=bool(event.audits) and event.audits[place],
        reason=_write_reason(history, event, place),
    )


def _write_reason(history: TaskHistory, event: Event, place: int) -> labeling_pb2.PickReason | None:
    reason = event.reasons[place] if event.reasons else None
    if reason is None:
        return None
    is_there = 0 <= reason.nearest_row < len(history.clips)
    return write_reason(
        reason,
        event.query_strategy,
        history.task.pool_id,
        history.clips[reason.nearest_row].clip_id if is_there else "",
    )


def write_replay(replay: Replay) -> labeling_pb2.ReplayTaskResponse:
    return labeling_pb2.ReplayTaskResponse(
        event_count=replay.event_count,
        total_event_count=replay.total_event_count,
        head_count=replay.head_count,
        pick_count=replay.pick_count,
        unknown_count=replay.unknown_count,
        unknown_text=replay.unknown_text,
        difference_count=replay.difference_count,
        differences=[
            labeling_pb2.ReplayDifference(event_id=each.event_id, text=each.text)
            for each in replay.differences
        ],
    )
