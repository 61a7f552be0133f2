"""Heads of backups, from their messages: rpc/heads writes what is read here."""

from collections.abc import Sequence

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.estimating import AccuracyEstimate
from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.representations.landmarks import DIRECTION_COUNT, Landmarks
from aloe.learner.domain.representations.naming import representation_of, version_of
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.domain.rounds import LabelOrigins, Round
from aloe.learner.domain.several_evaluation import ClassFigures
from aloe.learner.rpc import fields
from aloe.learner.usecases.restoring import HeadBackup
from aloe.v1 import audio_pb2, head_pb2
from aloe.values.labels import LabelMode
from aloe.values.representations import Representation
from aloe.wire.arrays import decode_matrix
from aloe.wire.enums import LABEL_MODES
from aloe.wire.settings import HEAD_RECIPE

_MAX_VERSION = 2**31
"""Past any count of heads; those of after it must have room."""


def read_backup(request: head_pb2.RestoreHeadRequest) -> HeadBackup:
    """Read a head of a backup."""
    head, trained = request.head, request.round
    if not 1 <= head.version < _MAX_VERSION:
        raise InvalidInput.of("head.version", f"{head.version}; heads are numbered from 1 on")
    if trained.head_version != head.version:
        raise InvalidInput.of(
            "round", f"it is that of head {trained.head_version}, not of {head.version}"
        )
    classes = tuple(head.classes)
    return HeadBackup(
        weights=_matrix(head.weights, "head.weights"),
        biases=_row(head.biases, "head.biases", len(classes)),
        classes=classes,
        label_mode=fields.valid(
            LABEL_MODES.member, head.label_mode, "head.label_mode", default=LabelMode.SINGLE
        ),
        encoder_fingerprint=head.encoder_fingerprint,
        map_name=head.map_name,
        pool_map=_read_map(head) if head.map_name else None,
        round=_read_round(trained, len(classes)),
    )


def _read_map(head: head_pb2.Head) -> PoolMap:
    try:
        kind, version = representation_of(head.map_name), version_of(head.map_name)
    except ValueError as error:
        raise InvalidInput.of("head.map_name", f"{head.map_name!r} is no map's") from error
    message = head.map
    mean = _matrix(message.mean, "head.map.mean").reshape(-1)
    dim, clip_count = len(mean), message.clip_count
    if not dim or clip_count < 1 or version < 1:
        raise InvalidInput.of("head.map", "missing, or of no clips")
    landmarks = None
    if kind is Representation.KERNEL:
        views = _matrix(message.landmarks, "head.map.landmarks")
        directions = _matrix(message.directions, "head.map.directions")
        if views.shape[1] != 2 * dim or directions.shape != (len(views), DIRECTION_COUNT):
            raise InvalidInput.of("head.map", "its landmarks and directions do not fit each other")
        landmarks = Landmarks.of(
            _row(message.unit_mean, "head.map.unit_mean", dim),
            views,
            message.steepness,
            _row(message.similarity_mean, "head.map.similarity_mean", len(views)),
            directions,
        )
    scale = _row(message.scale, "head.map.scale", dim)
    return PoolMap(version, clip_count, mean.copy(), scale.copy(), landmarks)


def _read_round(message: head_pb2.Round, class_count: int) -> Round:
    has = message.HasField
    return Round(
        head_version=message.head_version,
        label_count=message.label_count,
        head_recipe=fields.valid(HEAD_RECIPE.decode, message.head_recipe, "round.head_recipe"),
        validation=_read_evaluation(message, "validation", class_count),
        test=_read_evaluation(message, "test", class_count),
        start_time=fields.read_time(message.start_time, "round.start_time"),
        training_s=_seconds(message, "training_duration") or 0.0,
        evaluation_s=_seconds(message, "evaluation_duration") or 0.0,
        training_loss=message.training_loss,
        prediction_agreement=(
            message.prediction_agreement if has("prediction_agreement") else None
        ),
        mean_uncertainty=message.mean_uncertainty if has("mean_uncertainty") else None,
        statistics_s=_seconds(message, "statistics_duration"),
        store_s=_seconds(message, "store_duration"),
        accuracy_estimate=(
            _read_estimate(message.accuracy_estimate) if has("accuracy_estimate") else None
        ),
        map_name=message.map_name,
        label_origins=(
            _read_origins(message.label_origins, class_count) if has("label_origins") else None
        ),
    )


def _seconds(message: head_pb2.Round, name: str) -> float | None:
    duration = fields.read_duration(message, name, "round.")
    return None if duration is None else duration.total_seconds()


def _read_evaluation(message: head_pb2.Round, split: str, class_count: int) -> Evaluation | None:
    if not message.HasField(split):  # type: ignore[arg-type]  # A name of a field.
        return None
    path, found = f"round.{split}", getattr(message, split)
    recalls = _of_classes(found.class_recalls, f"{path}.class_recalls", class_count)
    figures = None
    if found.HasField("label_figures"):
        told = found.label_figures
        figures = ClassFigures(
            **{
                name: _of_classes(getattr(told, name), f"{path}.label_figures.{name}", class_count)
                for name in ("average_precisions", "roc_aucs", "f1s", "thresholds")
            },
            recalls=recalls,
        )
    return Evaluation(
        clip_count=found.clip_count,
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        class_recalls=recalls,
        loss=found.loss,
        calibration_error=found.calibration_error if found.HasField("calibration_error") else None,
        figures=figures,
    )


def _read_estimate(message: head_pb2.AccuracyEstimate) -> AccuracyEstimate:
    return AccuracyEstimate(
        value=message.value,
        low=message.low,
        high=message.high,
        label_count=message.label_count,
        audit_label_count=message.audit_label_count,
        intercept=message.intercept,
        slope=message.slope,
    )


def _read_origins(message: head_pb2.LabelOrigins, class_count: int) -> LabelOrigins:
    path = "round.label_origins"
    counts = message.class_label_counts
    if len(counts) != class_count:
        raise InvalidInput.of(
            f"{path}.class_label_counts", f"{len(counts)} for {class_count} classes"
        )
    oracles = tuple(
        (
            fields.read_oracle_id(each.oracle_id, f"{path}.oracles[{place}].oracle_id")
            if each.oracle_id
            else "",
            each.label_count,
        )
        for place, each in enumerate(message.oracles)
    )
    return LabelOrigins(tuple(counts), oracles)


def _of_classes(values: Sequence[float], field: str, class_count: int) -> tuple[float, ...]:
    if len(values) != class_count:
        raise InvalidInput.of(field, f"{len(values)} values for {class_count} classes")
    return tuple(values)


def _matrix(message: audio_pb2.FloatMatrix, field: str) -> Float32Array:
    return fields.parsed(decode_matrix, message, field)


def _row(message: audio_pb2.FloatMatrix, field: str, length: int) -> Float32Array:
    matrix = _matrix(message, field)
    if matrix.shape != (1, length):
        raise InvalidInput.of(field, f"{matrix.shape[0]} x {matrix.shape[1]}; must be 1 x {length}")
    return matrix.reshape(-1)
