"""Heads, their rounds and their predictions, to and from their messages."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from google.rpc import status_pb2

from aloe.learner.domain.errors import InvalidInput, LearnerError
from aloe.learner.domain.estimating import AccuracyEstimate
from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.pool import Audio, NamedClip
from aloe.learner.domain.promotions import Promotion
from aloe.learner.domain.representations.naming import representation_of
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.domain.rounds import LabelOrigins
from aloe.learner.domain.several_evaluation import ClassFigures
from aloe.learner.recorder import Phase
from aloe.learner.rpc import fields
from aloe.learner.rpc.pools import read_audio
from aloe.learner.rpc.statuses import status_of
from aloe.learner.usecases.advice import RoundReport
from aloe.learner.usecases.predicting import NamedClips, PredictInput, Prediction
from aloe.learner.usecases.probabilities import MAX_ANSWER_BYTES
from aloe.learner.usecases.tasks import ExportedHead
from aloe.serving.server import MAX_MESSAGE_BYTES
from aloe.serving.status import status_of_anything
from aloe.v1 import audio_pb2, head_pb2
from aloe.wire import names, times
from aloe.wire.arrays import decode_matrix, encode_matrix
from aloe.wire.audio import write_report
from aloe.wire.bounds import ROW_COUNT
from aloe.wire.enums import LABEL_MODES, REPRESENTATIONS
from aloe.wire.settings import HEAD_RECIPE, encode_advice

_REST_BYTES = 2 * 1024**2
"""Of a message, for the names of classes and for warnings."""


def read_input(request: head_pb2.PredictRequest) -> PredictInput:
    """Read what to predict for."""
    match request.WhichOneof("input"):
        case "audio":
            if not request.audio.clips:
                raise InvalidInput.of("audio.clips", "empty; give at least one")
            return [_read_audio(message) for message in request.audio.clips]
        case "embeddings":
            if request.embeddings.row_count > ROW_COUNT:
                raise InvalidInput.of(
                    "embeddings",
                    f"{request.embeddings.row_count:,} rows; at most {ROW_COUNT:,} at a time",
                )
            return fields.parsed(decode_matrix, request.embeddings, "embeddings")
        case "clips":
            if not request.clips.names:
                raise InvalidInput.of("clips.names", "empty; give at least one")
            return NamedClips([_read_clip(name) for name in request.clips.names])
        case _:
            raise InvalidInput.of("input", "unset; give audio, embeddings or clips")


def write_prediction(prediction: Prediction) -> head_pb2.PredictResponse:
    """Write what was predicted. Raises InvalidInput where that is more than a message may hold."""
    classes = prediction.classes
    labels = [classes[index] for index in prediction.probabilities.argmax(axis=1).tolist()]
    for place in prediction.failures:
        labels[place] = ""
    failures = list(_write_failures(prediction.failures))
    _check_size(failures)
    acceptance = prediction.acceptance
    return head_pb2.PredictResponse(
        probabilities=encode_matrix(prediction.probabilities),
        labels=labels,
        classes=classes,
        head_version=prediction.head_version,
        failures=failures,
        warnings=[
            head_pb2.PredictWarnings(index=place, warnings=write_report(report).warnings)
            for place, report in prediction.reports.items()
        ],
        accepted=acceptance.accepted.tolist() if acceptance else None,
        expected_error=acceptance.expected_error if acceptance else None,
        thresholds=prediction.thresholds,
    )


def write_head(exported: ExportedHead) -> head_pb2.Head:
    """Write a head with its map. Raises InvalidInput where they are more than a message holds."""
    task, pool, head, pool_map = exported.task, exported.pool, exported.head, exported.pool_map
    message = head_pb2.Head(
        task=names.task_name(task.task_id),
        version=head.version,
        weights=encode_matrix(head.weights),
        biases=encode_matrix(head.biases.reshape(1, -1)),
        classes=[task.classes[index] for index in head.column_classes],
        encoder_id=pool.encoder.encoder_id,
        encoder_fingerprint=pool.encoder.fingerprint,
        label_count=exported.trained.label_count,
        head_recipe=HEAD_RECIPE.encode(exported.trained.head_recipe, "head_recipe"),
        seed=task.seed,
        representation=REPRESENTATIONS.number(representation_of(head.map_name)),
        map_name=head.map_name,
        map=_write_map(pool_map) if pool_map else None,
        label_mode=LABEL_MODES.number(head.label_mode),
        thresholds=exported.thresholds,
    )
    if (byte_count := message.ByteSize()) > MAX_MESSAGE_BYTES - _REST_BYTES:
        raise InvalidInput.of(
            "task",
            f"head {head.version} of tasks/{task.task_id} takes {byte_count:,} bytes, more than a"
            " message may; heads of a kernel representation are small, whatever the embeddings are",
        )
    return message


def _write_map(pool_map: PoolMap) -> head_pb2.HeadMap:
    message = head_pb2.HeadMap(
        clip_count=pool_map.clip_count,
        mean=encode_matrix(pool_map.mean[np.newaxis]),
        scale=encode_matrix(pool_map.scale[np.newaxis]),
    )
    part = pool_map.landmarks
    if part is not None:
        message.unit_mean.CopyFrom(encode_matrix(part.unit_mean[np.newaxis]))
        message.landmarks.CopyFrom(encode_matrix(part.views))
        message.steepness = part.steepness
        message.similarity_mean.CopyFrom(encode_matrix(part.similarity_mean[np.newaxis]))
        message.directions.CopyFrom(encode_matrix(part.directions))
    return message


def write_promotion(task_id: str, promotion: Promotion) -> head_pb2.Promotion:
    return head_pb2.Promotion(
        name=names.promotion_name(task_id, promotion.promotion_id),
        head_version=promotion.head.version,
        promote_time=times.write_time(promotion.head.promote_time),
        earlier=[
            head_pb2.EarlierPromotion(
                head_version=each.version, promote_time=times.write_time(each.promote_time)
            )
            for each in promotion.earlier
        ],
    )


def page_of_rounds(reports: Sequence[RoundReport]) -> Sequence[head_pb2.Round]:
    """Write the first rounds, as many as fit into a message; at least one.

    Of several labels a clip each has some figures of every class.
    """
    page: list[head_pb2.Round] = []
    byte_count = 0
    for report in reports:
        message = write_round(report)
        byte_count += message.ByteSize()
        if page and byte_count > MAX_ANSWER_BYTES:
            break
        page.append(message)
    return page


def write_round(report: RoundReport) -> head_pb2.Round:
    round_ = report.round
    return head_pb2.Round(
        head_version=round_.head_version,
        label_count=round_.label_count,
        validation=_write_evaluation(round_.validation),
        test=_write_evaluation(round_.test),
        start_time=times.write_time(round_.start_time),
        training_duration=fields.write_duration(round_.training_s),
        evaluation_duration=fields.write_duration(round_.evaluation_s),
        training_loss=round_.training_loss,
        prediction_agreement=round_.prediction_agreement,
        mean_uncertainty=round_.mean_uncertainty,
        statistics_duration=fields.write_known_duration(round_.statistics_s),
        store_duration=fields.write_known_duration(round_.store_s),
        head_times=_write_times(report.times),
        stop_advice=encode_advice(report.advice) if report.advice else None,
        accuracy_estimate=_write_estimate(round_.accuracy_estimate),
        head_recipe=HEAD_RECIPE.encode(round_.head_recipe, "head_recipe"),
        map_name=round_.map_name,
        classes=report.classes,
        label_origins=_write_origins(round_.label_origins),
    )


def _write_origins(origins: LabelOrigins | None) -> head_pb2.LabelOrigins | None:
    if origins is None:
        return None
    return head_pb2.LabelOrigins(
        class_label_counts=origins.by_class,
        oracles=[
            head_pb2.OracleLabels(oracle_id=oracle_id, label_count=count)
            for oracle_id, count in origins.by_oracle
        ],
    )


def _read_audio(message: audio_pb2.Audio) -> Audio | InvalidInput:
    try:
        return read_audio(message)
    except InvalidInput as error:
        return error


def _read_clip(name: str) -> NamedClip | InvalidInput:
    try:
        clip = fields.read_clip_name(name, "clips.names")
    except InvalidInput as error:
        return error
    return NamedClip(clip.pool_id, clip.clip_id)


def _write_failures(failures: Mapping[int, LearnerError]) -> Iterator[head_pb2.PredictFailure]:
    """Write what was wrong. Many inputs may fail for one reason, which is written once."""
    written: dict[str, status_pb2.Status] = {}
    for place, error in failures.items():
        status = written.get(str(error))
        if status is None:
            status = written[str(error)] = status_of_anything(error, status_of).to_proto()
        yield head_pb2.PredictFailure(index=place, status=status)


def _check_size(failures: Sequence[head_pb2.PredictFailure]) -> None:
    """Check that what failed fits into a message, beside an answer that fits into half of one."""
    byte_count = sum(each.ByteSize() for each in failures)
    if byte_count > MAX_MESSAGE_BYTES - MAX_ANSWER_BYTES - _REST_BYTES:
        raise InvalidInput.of(
            "input",
            f"{len(failures):,} inputs failed, more than one answer can name, the first for"
            f" {failures[0].status.message}; give fewer at a time",
        )


def _write_times(times: Mapping[Phase, float]) -> head_pb2.HeadTimes | None:
    if not times:
        return None
    return head_pb2.HeadTimes(
        publishing_duration=fields.write_known_duration(times.get(Phase.PUBLISHING)),
        scoring_duration=fields.write_known_duration(times.get(Phase.SCORING)),
        selection_duration=fields.write_known_duration(times.get(Phase.SELECTION)),
    )


def _write_estimate(estimate: AccuracyEstimate | None) -> head_pb2.AccuracyEstimate | None:
    if estimate is None:
        return None
    return head_pb2.AccuracyEstimate(
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        label_count=estimate.label_count,
        audit_label_count=estimate.audit_label_count,
        intercept=estimate.intercept,
        slope=estimate.slope,
    )


def _write_evaluation(evaluation: Evaluation | None) -> head_pb2.Evaluation | None:
    if evaluation is None:
        return None
    return head_pb2.Evaluation(
        clip_count=evaluation.clip_count,
        accuracy=evaluation.accuracy,
        macro_f1=evaluation.macro_f1,
        class_recalls=evaluation.class_recalls,
        loss=evaluation.loss,
        calibration_error=evaluation.calibration_error,
        label_figures=_write_figures(evaluation.figures),
    )


def _write_figures(figures: ClassFigures | None) -> head_pb2.LabelFigures | None:
    if figures is None:
        return None
    return head_pb2.LabelFigures(
        mean_average_precision=figures.mean_average_precision,
        mean_roc_auc=figures.mean_roc_auc,
        average_precisions=figures.average_precisions,
        roc_aucs=figures.roc_aucs,
        f1s=figures.f1s,
        thresholds=figures.thresholds,
    )
