"""What a task has learned: rounds, labels, heads."""

from collections.abc import Iterable
from datetime import datetime

from aloe.client import types
from aloe.client.operations.classes import parse_classes
from aloe.client.operations.fields import (
    head_text,
    parse_duration,
    parse_time,
    promotion_name,
    task_name,
    uint32,
)
from aloe.client.operations.labeling import parse_reason
from aloe.client.operations.operation import ListOperation, Operation, Page, StreamOperation
from aloe.client.operations.tasks import parse_task
from aloe.v1 import head_pb2, labeling_pb2, task_pb2
from aloe.wire import names, times
from aloe.wire.arrays import decode_matrix
from aloe.wire.enums import CLIP_STATES, EVENT_KINDS, LABEL_MODES, SPLITS
from aloe.wire.labels import decode_labels
from aloe.wire.settings import HEAD_RECIPE, decode_advice, decode_representation, decode_strategy


def list_rounds(task_id: str, min_head_version: int = 0) -> ListOperation[types.Round]:
    request = head_pb2.ListRoundsRequest(
        task=task_name(task_id), min_head_version=uint32("min_head_version", min_head_version)
    )
    return lambda page_token: Operation(
        "ListRounds",
        head_pb2.ListRoundsRequest(
            task=request.task, min_head_version=request.min_head_version, page_token=page_token
        ),
        lambda response: Page(tuple(map(_parse_round, response.rounds)), response.next_page_token),
    )


def watch_task(task_id: str) -> StreamOperation[types.TaskUpdate]:
    return StreamOperation(
        "WatchTask", task_pb2.WatchTaskRequest(task=task_name(task_id)), _parse_update, key=None
    )


def export_labels(task_id: str, filter: str) -> StreamOperation[types.StoredLabel]:
    return StreamOperation(
        "ExportLabels",
        labeling_pb2.ExportLabelsRequest(task=task_name(task_id), filter=filter),
        lambda response: map(_parse_label, response.labels),
        key=lambda label: label.clip_id,
    )


def list_events(task_id: str) -> ListOperation[types.TaskEvent]:
    task = task_name(task_id)
    return lambda page_token: Operation(
        "ListEvents",
        labeling_pb2.ListEventsRequest(task=task, page_token=page_token),
        lambda response: Page(tuple(map(_parse_event, response.events)), response.next_page_token),
    )


def replay_task(task_id: str) -> StreamOperation[types.TaskReplay]:
    return StreamOperation(
        "ReplayTask",
        labeling_pb2.ReplayTaskRequest(task=task_name(task_id)),
        lambda response: [_parse_replay(response)],
        key=lambda replay: str(replay.event_count),
    )


def export_head(task_id: str, head: int | str) -> Operation[types.Head]:
    return Operation(
        "ExportHead",
        # A version as older servers read it.
        head_pb2.ExportHeadRequest(task=task_name(task_id), head_version=uint32("head", head))
        if isinstance(head, int)
        else head_pb2.ExportHeadRequest(task=task_name(task_id), head=head_text(head)),
        lambda response: _parse_head(response.head),
    )


def promote_head(
    task_id: str, promotion_id: str, version: int, promote_time: datetime | None = None
) -> Operation[types.Promotion]:
    return Operation(
        "PromoteHead",
        head_pb2.PromoteHeadRequest(
            task=task_name(task_id),
            promotion_id=promotion_id,
            head_version=uint32("version", version),
            promote_time=None if promote_time is None else times.write_time(promote_time),
        ),
        lambda response: _parse_promotion(response.promotion),
    )


def demote_head(task_id: str, promotion_id: str) -> Operation[None]:
    request = head_pb2.DemoteHeadRequest(name=promotion_name(task_id, promotion_id))
    return Operation("DemoteHead", request, lambda _: None)


def list_promotions(task_id: str) -> Operation[tuple[types.Promotion, ...]]:
    return Operation(
        "ListPromotions",
        head_pb2.ListPromotionsRequest(task=task_name(task_id)),
        lambda response: tuple(map(_parse_promotion, response.promotions)),
    )


def _parse_promotion(message: head_pb2.Promotion) -> types.Promotion:
    return types.Promotion(
        promotion_id=names.parse_promotion_name(message.name)[1],
        head=types.PromotedHead(message.head_version, parse_time(message.promote_time)),
        earlier=tuple(
            types.PromotedHead(each.head_version, parse_time(each.promote_time))
            for each in message.earlier
        ),
    )


def _parse_round(message: head_pb2.Round) -> types.Round:
    return types.Round(
        head_version=message.head_version,
        label_count=message.label_count,
        validation=_parse_evaluation(message.validation)
        if message.HasField("validation")
        else None,
        test=_parse_evaluation(message.test) if message.HasField("test") else None,
        start_time=parse_time(message.start_time),
        training_duration=message.training_duration.ToTimedelta(),
        evaluation_duration=message.evaluation_duration.ToTimedelta(),
        training_loss=message.training_loss,
        prediction_agreement=(
            message.prediction_agreement if message.HasField("prediction_agreement") else None
        ),
        mean_uncertainty=message.mean_uncertainty if message.HasField("mean_uncertainty") else None,
        statistics_duration=parse_duration(message, "statistics_duration"),
        store_duration=parse_duration(message, "store_duration"),
        head_times=types.HeadTimes(
            publishing_duration=parse_duration(message.head_times, "publishing_duration"),
            scoring_duration=parse_duration(message.head_times, "scoring_duration"),
            selection_duration=parse_duration(message.head_times, "selection_duration"),
        ),
        stop_advice=(
            decode_advice(message.stop_advice, "stop_advice")
            if message.HasField("stop_advice")
            else None
        ),
        accuracy_estimate=(
            _parse_estimate(message.accuracy_estimate)
            if message.HasField("accuracy_estimate")
            else None
        ),
        head_recipe=(
            HEAD_RECIPE.decode(message.head_recipe, "head_recipe")
            if message.HasField("head_recipe")
            else None
        ),
        map_name=message.map_name,
        classes=tuple(message.classes),
        label_origins=(
            _parse_origins(message.label_origins) if message.HasField("label_origins") else None
        ),
    )


def _parse_origins(message: head_pb2.LabelOrigins) -> types.LabelOrigins:
    return types.LabelOrigins(
        tuple(message.class_label_counts),
        {each.oracle_id: each.label_count for each in message.oracles},
    )


def _parse_replay(message: labeling_pb2.ReplayTaskResponse) -> types.TaskReplay:
    return types.TaskReplay(
        event_count=message.event_count,
        total_event_count=message.total_event_count,
        head_count=message.head_count,
        pick_count=message.pick_count,
        unknown_count=message.unknown_count,
        unknown_text=message.unknown_text,
        difference_count=message.difference_count,
        differences=tuple(
            types.ReplayDifference(each.event_id, each.text) for each in message.differences
        ),
    )


def _parse_estimate(message: head_pb2.AccuracyEstimate) -> types.AccuracyEstimate:
    return types.AccuracyEstimate(
        value=message.value,
        low=message.low,
        high=message.high,
        label_count=message.label_count,
        audit_label_count=message.audit_label_count,
        intercept=message.intercept,
        slope=message.slope,
    )


def _parse_evaluation(message: head_pb2.Evaluation) -> types.Evaluation:
    return types.Evaluation(
        clip_count=message.clip_count,
        accuracy=message.accuracy,
        macro_f1=message.macro_f1,
        class_recalls=tuple(message.class_recalls),
        loss=message.loss,
        calibration_error=(
            message.calibration_error if message.HasField("calibration_error") else None
        ),
        label_figures=(
            _parse_figures(message.label_figures) if message.HasField("label_figures") else None
        ),
    )


def _parse_figures(message: head_pb2.LabelFigures) -> types.LabelFigures:
    has = message.HasField
    return types.LabelFigures(
        mean_average_precision=(
            message.mean_average_precision if has("mean_average_precision") else None
        ),
        mean_roc_auc=message.mean_roc_auc if has("mean_roc_auc") else None,
        average_precisions=tuple(message.average_precisions),
        roc_aucs=tuple(message.roc_aucs),
        f1s=tuple(message.f1s),
        thresholds=tuple(message.thresholds),
    )


def _parse_update(message: task_pb2.WatchTaskResponse) -> Iterable[types.TaskUpdate]:
    last_round = _parse_round(message.last_round) if message.HasField("last_round") else None
    yield types.TaskUpdate(parse_task(message.task), last_round)


def _parse_label(message: labeling_pb2.StoredLabel) -> types.StoredLabel:
    return types.StoredLabel(
        clip_id=names.parse_clip_name(message.clip).clip_id,
        uri=message.uri,
        label=_parse_answer(message),
        split=SPLITS.member(message.split, "split"),
        oracle_id=message.oracle_id,
        label_time=parse_time(message.label_time),
        is_audit=message.is_audit,
        given_label=message.given_label or None,
        is_retired=message.is_retired,
    )


def _parse_answer(message: labeling_pb2.StoredLabel) -> types.Label | None:
    match message.WhichOneof("answer"):
        case "label":
            return message.label
        case "labels":
            return decode_labels(message.labels)
        case _:
            return None


def _parse_event(message: labeling_pb2.TaskEvent) -> types.TaskEvent:
    return types.TaskEvent(
        event_id=message.event_id,
        event_time=parse_time(message.event_time),
        kind=EVENT_KINDS.member(message.kind, "kind"),
        oracle_id=message.oracle_id,
        changes=tuple(map(_parse_change, message.changes)),
        head_version=message.head_version,
        query_strategy=(
            decode_strategy(message.query_strategy, "query_strategy")
            if message.HasField("query_strategy")
            else None
        ),
        promotion_id=message.promotion_id,
        cutoff_event_id=message.cutoff_event_id,
        map_name=message.map_name,
        class_details=parse_classes(message.class_details),
    )


def _parse_change(message: labeling_pb2.ClipChange) -> types.ClipChange:
    return types.ClipChange(
        clip_id=names.parse_clip_name(message.clip).clip_id,
        state=CLIP_STATES.member(message.state, "state"),
        label=(
            decode_labels(message.labels) if message.HasField("labels") else message.label or None
        ),
        lease_id=message.lease_id,
        score=message.score if message.HasField("score") else None,
        clip_number=message.clip_number,
        is_audit=message.is_audit,
        reason=parse_reason(message),
    )


def _parse_head(message: head_pb2.Head) -> types.Head:
    return types.Head(
        task_id=names.parse_task_name(message.task),
        version=message.version,
        weights=decode_matrix(message.weights),
        biases=decode_matrix(message.biases).reshape(-1),
        classes=tuple(message.classes),
        encoder_id=message.encoder_id,
        encoder_fingerprint=message.encoder_fingerprint,
        label_count=message.label_count,
        head_recipe=HEAD_RECIPE.decode(message.head_recipe, "head_recipe"),
        seed=message.seed,
        representation=decode_representation(message.representation, "representation"),
        map_name=message.map_name,
        map=_parse_map(message.map) if message.HasField("map") else None,
        label_mode=LABEL_MODES.member(
            message.label_mode, "label_mode", default=types.LabelMode.SINGLE
        ),
        thresholds=tuple(message.thresholds),
    )


def _parse_map(message: head_pb2.HeadMap) -> types.HeadMap:
    kernel = None
    if message.HasField("landmarks"):
        kernel = types.KernelPart(
            decode_matrix(message.unit_mean).reshape(-1),
            decode_matrix(message.landmarks),
            message.steepness,
            decode_matrix(message.similarity_mean).reshape(-1),
            decode_matrix(message.directions),
        )
    mean, scale = (decode_matrix(each).reshape(-1) for each in (message.mean, message.scale))
    return types.HeadMap(message.clip_count, mean, scale, kernel)
