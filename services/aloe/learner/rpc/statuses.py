"""The learner's errors as the gRPC statuses that callers see."""

import grpc
from google.rpc import status_pb2

from aloe.learner.domain import errors
from aloe.serving.status import FieldViolation, Status

_STATUSES: dict[type[errors.LearnerError], tuple[grpc.StatusCode, str]] = {
    errors.InvalidInput: (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"),
    errors.PoolNotFound: (grpc.StatusCode.NOT_FOUND, "POOL_NOT_FOUND"),
    errors.TaskNotFound: (grpc.StatusCode.NOT_FOUND, "TASK_NOT_FOUND"),
    errors.ClipNotFound: (grpc.StatusCode.NOT_FOUND, "CLIP_NOT_FOUND"),
    errors.RecordingNotFound: (grpc.StatusCode.NOT_FOUND, "RECORDING_NOT_FOUND"),
    errors.PromotionNotFound: (grpc.StatusCode.NOT_FOUND, "PROMOTION_NOT_FOUND"),
    errors.EncoderNotFound: (grpc.StatusCode.NOT_FOUND, "ENCODER_NOT_FOUND"),
    errors.AudioNotFound: (grpc.StatusCode.NOT_FOUND, "AUDIO_NOT_FOUND"),
    errors.AudioNotKept: (grpc.StatusCode.RESOURCE_EXHAUSTED, "AUDIO_NOT_KEPT"),
    errors.AlreadyExists: (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"),
    errors.LabelConflict: (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"),
    errors.EncoderMismatch: (grpc.StatusCode.FAILED_PRECONDITION, "ENCODER_MISMATCH"),
    errors.LeaseLost: (grpc.StatusCode.FAILED_PRECONDITION, "LEASE_LOST"),
    errors.HeadNotTrained: (grpc.StatusCode.FAILED_PRECONDITION, "HEAD_NOT_TRAINED"),
    errors.PoolInUse: (grpc.StatusCode.FAILED_PRECONDITION, "POOL_IN_USE"),
    errors.NothingToFit: (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_TO_FIT"),
    errors.HeadVersionUnknown: (grpc.StatusCode.FAILED_PRECONDITION, "HEAD_VERSION_UNKNOWN"),
    errors.TaskChanged: (grpc.StatusCode.ABORTED, "TASK_CHANGED"),
    errors.StreamIdle: (grpc.StatusCode.DEADLINE_EXCEEDED, "STREAM_IDLE"),
    errors.Overloaded: (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
    errors.StoreFull: (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORE_FULL"),
    errors.StoreUnavailable: (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.StoreWentBack: (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.StoreForbidden: (grpc.StatusCode.FAILED_PRECONDITION, "STORE_FORBIDDEN"),
    errors.StoreDamaged: (grpc.StatusCode.DATA_LOSS, "STORE_DAMAGED"),
    errors.EncoderUnavailable: (grpc.StatusCode.UNAVAILABLE, "ENCODER_UNAVAILABLE"),
}


def status_of(error: Exception) -> Status | None:
    """Translate what the learner raises; None for a defect."""
    if not isinstance(error, errors.LearnerError):
        return None
    code, reason = _STATUSES[type(error)]
    violations: tuple[FieldViolation, ...] = ()
    metadata: dict[str, str] = {}
    if isinstance(error, errors.Blaming):
        violations = tuple(FieldViolation(v.field, v.description) for v in error.violations)
        metadata["violation_count"] = str(error.count)
    if isinstance(error, errors.StoreDamaged):
        metadata["key"] = error.key
    retry_after_s: float | None = None
    if isinstance(error, errors.Overloaded | errors.StoreUnavailable):
        retry_after_s = error.retry_after_s
    return Status(code, reason, str(error), violations, retry_after_s, metadata)


def write_unreadable(name: str, error: errors.StoreDamaged) -> status_pb2.Status:
    """Write what is damaged of a resource that is listed with others."""
    code, reason = _STATUSES[errors.StoreDamaged]
    metadata = {"key": error.key, "resource": name}
    return Status(code, reason, str(error), metadata=metadata).to_proto()
