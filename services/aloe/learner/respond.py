"""Domain to protobuf: the responses of the servicer."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from aloe.learner import convert
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.events import NO_CLASS, Event, event_order
from aloe.learner.domain.head import Head
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.learner.respond_rounds import stop_advice, stopping_rule
from aloe.learner.respond_times import duration, known_duration, timestamp
from aloe.learner.rpc.statuses import status_of
from aloe.learner.usecases.appending import BadClip, ImportReport
from aloe.learner.usecases.labeling import LeasedClip, QueryOutcome
from aloe.learner.usecases.predicting import Prediction
from aloe.learner.usecases.tasks import ExportedLabel, TaskHistory, TaskState
from aloe.serving.status import status_of_anything
from aloe.v1 import head_pb2, labeling_pb2, pool_pb2, task_pb2
from aloe.values import AdamRecipe, ClipState, EventKind, HeadRecipe, PoolState, QueryStrategy
from aloe.wire import names
from aloe.wire.arrays import encode_matrix

_ACQUISITION = {value: key for key, value in convert.ACQUISITION_FUNCTIONS.items() if key != 0}
_SELECTION = {value: key for key, value in convert.SELECTION_RULES.items() if key != 0}
_POOL_STATES = {
    PoolState.OPEN: task_pb2.POOL_STATE_OPEN,
    PoolState.ALL_LEASED: task_pb2.POOL_STATE_ALL_LEASED,
    PoolState.EXHAUSTED: task_pb2.POOL_STATE_EXHAUSTED,
    PoolState.BUDGET_SPENT: task_pb2.POOL_STATE_BUDGET_SPENT,
    PoolState.ORACLE_LIMIT: task_pb2.POOL_STATE_ORACLE_LIMIT,
}
_SPLIT_OF_STATE = {
    ClipState.LABELED: labeling_pb2.SPLIT_TRAIN,
    ClipState.ABSTAINED: labeling_pb2.SPLIT_TRAIN,
    ClipState.VALIDATION: labeling_pb2.SPLIT_VALIDATION,
    ClipState.TEST: labeling_pb2.SPLIT_TEST,
}
_CLIP_STATES = {
    ClipState.UNLABELED: labeling_pb2.CLIP_STATE_UNLABELED,
    ClipState.LEASED: labeling_pb2.CLIP_STATE_LEASED,
    ClipState.LABELED: labeling_pb2.CLIP_STATE_LABELED,
    ClipState.ABSTAINED: labeling_pb2.CLIP_STATE_ABSTAINED,
    ClipState.VALIDATION: labeling_pb2.CLIP_STATE_VALIDATION,
    ClipState.TEST: labeling_pb2.CLIP_STATE_TEST,
}
_EVENT_KINDS = {
    EventKind.TASK_CREATED: labeling_pb2.EVENT_KIND_TASK_CREATED,
    EventKind.TASK_UPDATED: labeling_pb2.EVENT_KIND_TASK_UPDATED,
    EventKind.CLIPS_LEASED: labeling_pb2.EVENT_KIND_CLIPS_LEASED,
    EventKind.LEASES_RENEWED: labeling_pb2.EVENT_KIND_LEASES_RENEWED,
    EventKind.LEASES_RELEASED: labeling_pb2.EVENT_KIND_LEASES_RELEASED,
    EventKind.LEASES_EXPIRED: labeling_pb2.EVENT_KIND_LEASES_EXPIRED,
    EventKind.CLIPS_ANSWERED: labeling_pb2.EVENT_KIND_CLIPS_ANSWERED,
    EventKind.LABELS_IMPORTED: labeling_pb2.EVENT_KIND_LABELS_IMPORTED,
    EventKind.HEAD_TRAINED: labeling_pb2.EVENT_KIND_HEAD_TRAINED,
}
_LABELS_PER_MESSAGE = 5_000


def pool(each: Pool) -> pool_pb2.Pool:
    return pool_pb2.Pool(
        name=names.pool_name(each.pool_id),
        encoder_id=each.encoder.encoder_id,
        encoder_fingerprint=each.encoder.fingerprint,
        embedding_dim=each.encoder.embedding_dim,
        keep_audio=each.keep_audio,
        clip_count=each.clip_count,
        create_time=timestamp(each.create_time),
    )


def clip(pool_id: str, each: Clip) -> pool_pb2.Clip:
    return pool_pb2.Clip(
        name=names.clip_name(pool_id, each.clip_id),
        uri=each.uri,
        content_hash=each.content_hash,
        duration=known_duration(each.duration_s),
    )


def import_report(report: ImportReport) -> pool_pb2.ImportClipsResponse:
    return pool_pb2.ImportClipsResponse(
        imported_count=report.imported_count,
        existing_count=report.existing_count,
        failures=[_clip_failure(failure) for failure in report.failures],
    )


def _clip_failure(failure: BadClip) -> pool_pb2.ClipFailure:
    status = status_of_anything(failure.error, status_of)
    return pool_pb2.ClipFailure(clip_id=failure.clip_id, status=status.to_proto())


def task(state: TaskState) -> task_pb2.Task:
    spec, progress = state.task, state.progress
    return task_pb2.Task(
        name=names.task_name(spec.task_id),
        pool=names.pool_name(spec.pool_id),
        classes=spec.classes,
        query_strategy=_query_strategy(spec.query_strategy),
        head_recipe=_head_recipe(spec.head_recipe),
        label_budget=spec.label_budget,
        lease_duration=duration(spec.lease_duration.total_seconds()),
        seed=spec.seed,
        max_leases_per_oracle=spec.max_leases_per_oracle,
        stopping_rule=stopping_rule(spec.stopping_rule) if spec.stopping_rule else None,
        stop_advice=stop_advice(state.advice),
        head_version=progress.head_version,
        training_head_version=progress.training_head_version,
        clip_counts=task_pb2.ClipCounts(
            unlabeled=max(0, state.clip_count - progress.taken),
            leased=progress.leased,
            labeled=progress.labeled,
            abstained=progress.abstained,
            validation=progress.validation,
            test=progress.test,
            budget_spent=progress.budget_spent,
        ),
        pool_state=_POOL_STATES[progress.pool_state(state.clip_count, spec.label_budget)],
        create_time=timestamp(spec.create_time),
    )


def query(outcome: QueryOutcome) -> labeling_pb2.QueryResponse:
    return labeling_pb2.QueryResponse(
        leases=[_lease(outcome.task, leased) for leased in outcome.leases],
        pool_state=_POOL_STATES[outcome.pool_state],
        head_version=outcome.head_version,
    )


def _lease(task_: Task, leased: LeasedClip) -> labeling_pb2.Lease:
    return labeling_pb2.Lease(
        lease_id=leased.lease.lease_id,
        clip=names.clip_name(task_.pool_id, leased.clip.clip_id),
        uri=leased.clip.uri,
        expire_time=timestamp(leased.lease.expire_time),
        predicted_class=leased.predicted_class,
        score=leased.lease.pick.score,
    )


def prediction(each: Prediction) -> head_pb2.PredictResponse:
    classes = each.task.classes
    return head_pb2.PredictResponse(
        probabilities=encode_matrix(each.probabilities),
        labels=[classes[index] for index in each.probabilities.argmax(axis=1).tolist()],
        classes=classes,
        head_version=each.head_version,
    )


def stored_labels(
    pool_: Pool, task_: Task, labels: Sequence[ExportedLabel]
) -> Iterator[labeling_pb2.ExportLabelsResponse]:
    for begin in range(0, len(labels), _LABELS_PER_MESSAGE):
        yield labeling_pb2.ExportLabelsResponse(
            labels=[
                _stored_label(pool_, task_, each)
                for each in labels[begin : begin + _LABELS_PER_MESSAGE]
            ]
        )


def _stored_label(pool_: Pool, task_: Task, each: ExportedLabel) -> labeling_pb2.StoredLabel:
    label = each.label
    answer: dict[str, Any] = (
        {"abstention": labeling_pb2.Abstention()}
        if label.state is ClipState.ABSTAINED
        else {"label": task_.classes[label.class_index]}
    )
    return labeling_pb2.StoredLabel(
        clip=names.clip_name(pool_.pool_id, each.clip.clip_id),
        uri=each.clip.uri,
        **answer,
        split=_SPLIT_OF_STATE[label.state],
        oracle_id=label.oracle_id,
        label_time=timestamp(label.label_time),
    )


def head(task_: Task, pool_: Pool, each: Head, trained: Round) -> head_pb2.Head:
    return head_pb2.Head(
        task=names.task_name(task_.task_id),
        version=each.version,
        weights=encode_matrix(each.weights),
        biases=encode_matrix(each.biases.reshape(1, -1)),
        classes=task_.classes,
        encoder_id=pool_.encoder.encoder_id,
        encoder_fingerprint=pool_.encoder.fingerprint,
        label_count=trained.label_count,
        head_recipe=_head_recipe(trained.head_recipe),
        seed=task_.seed,
    )


def clip_block(
    pool_id: str, clips: Sequence[Clip], vectors: Float32Array
) -> pool_pb2.ExportClipsResponse:
    return pool_pb2.ExportClipsResponse(
        clips=[clip(pool_id, each) for each in clips], embeddings=encode_matrix(vectors)
    )


def event(history: TaskHistory, each: Event) -> labeling_pb2.TaskEvent:
    milliseconds, _ = event_order(each.event_id)
    return labeling_pb2.TaskEvent(
        event_id=each.event_id,
        event_time=timestamp(datetime.fromtimestamp(milliseconds / 1000, UTC)),
        kind=_EVENT_KINDS[each.kind],
        oracle_id=each.oracle_id,
        changes=[_clip_change(history, each, place) for place in range(len(each.rows))],
        head_version=each.head_version,
        query_strategy=_query_strategy(each.query_strategy) if each.query_strategy else None,
    )


def _clip_change(history: TaskHistory, each: Event, place: int) -> labeling_pb2.ClipChange:
    class_index = each.class_indices[place]
    return labeling_pb2.ClipChange(
        clip=names.clip_name(history.task.pool_id, history.clips[each.rows[place]].clip_id),
        state=_CLIP_STATES[ClipState(each.states[place])],
        label="" if class_index == NO_CLASS else history.task.classes[class_index],
        lease_id=each.lease_ids[place] if each.lease_ids else "",
        score=each.scores[place] if each.scores else None,
    )


def _query_strategy(strategy: QueryStrategy) -> task_pb2.QueryStrategy:
    return task_pb2.QueryStrategy(
        acquisition_function=_ACQUISITION[strategy.acquisition_function],
        selection_rule=_SELECTION[strategy.selection_rule],
    )


def _head_recipe(recipe: HeadRecipe) -> head_pb2.HeadRecipe:
    if isinstance(recipe, AdamRecipe):
        return head_pb2.HeadRecipe(
            adam=head_pb2.AdamRecipe(
                learning_rate=recipe.learning_rate,
                epoch_count=recipe.epoch_count,
                batch_size=recipe.batch_size,
            )
        )
    return head_pb2.HeadRecipe(lbfgs=head_pb2.LbfgsRecipe(l2_penalty=recipe.l2_penalty))
