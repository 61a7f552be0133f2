"""Pools and tasks to act on, and what is said of failed calls."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from numpy.typing import NDArray

from aloe.client import (
    AdamRecipe,
    AloeError,
    Answer,
    InvalidArgument,
    KnownLabel,
    LearnerClient,
    Lease,
    NewClip,
    RecipeName,
    Split,
    SubmitResult,
)
from aloe.v1 import learner_service_pb2

DIM = 8
CLASSES = ("low", "mid", "high")
SERVICE = learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"]
FINGERPRINT = "made-by-the-test"
QUICK = AdamRecipe(learning_rate=0.1, epoch_count=30)


def new_id() -> str:
    return f"t{uuid.uuid4().hex}"


def clusters(count: int, seed: int = 5) -> tuple[NDArray[np.float32], list[str]]:
    """Make embeddings in one cluster per class, close enough to be mistaken now and then.

    Returns:
        (count, DIM) float32, and the class of each row.
    """
    generator = np.random.default_rng(seed)
    classes = np.arange(count) % len(CLASSES)
    centres = np.eye(len(CLASSES), DIM) * 3
    embeddings = centres[classes] + generator.normal(size=(count, DIM))
    return embeddings.astype(np.float32), [CLASSES[each] for each in classes]


def clip_id(row: int) -> str:
    return f"clip-{row:04d}"


@dataclass
class Scene:
    """A task on a pool of embeddings, and the truth about its clips."""

    client: LearnerClient
    pool_id: str
    task_id: str
    embeddings: NDArray[np.float32]
    truth: dict[str, str] = field(default_factory=dict)

    def seed_labels(self, row_count: int = 6, validation_count: int = 0) -> int:
        """Label the first rows for training, the last for validation; return the head version."""
        rows = list(self.truth.items())
        labels = [KnownLabel(*row) for row in rows[:row_count]]
        if validation_count:
            labels += [KnownLabel(*row, Split.VALIDATION) for row in rows[-validation_count:]]
        version = self.client.import_labels(self.task_id, labels).head_version
        assert version is not None
        return version

    def query(self, oracle_id: str = "ann", **options: Any) -> tuple[Lease, ...]:
        return self.client.query(self.task_id, oracle_id, **options).leases

    def answer(self, leases: Sequence[Lease], oracle_id: str = "ann") -> SubmitResult:
        """Answer with the truth."""
        answers = [Answer(lease.lease_id, self.truth[lease.clip_id]) for lease in leases]
        return self.client.submit_labels(self.task_id, oracle_id, answers)

    def snapshot(self) -> tuple[object, ...]:
        """All that a call could have stored of the task, and how many clips the pool holds."""
        task = self.client.get_task(self.task_id)
        labels = tuple(self.client.export_labels(self.task_id))
        return task, labels, self.client.get_pool(self.pool_id).clip_count


def make_scene(client: LearnerClient, clip_count: int = 60, **task_options: Any) -> Scene:
    """Create a pool of embeddings and a task on it, under ids of their own."""
    embeddings, classes = clusters(clip_count)
    pool_id, task_id = new_id(), new_id()
    client.create_pool(pool_id, encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)
    ids = [clip_id(row) for row in range(clip_count)]
    clips = [NewClip(*each) for each in zip(ids, [None] * clip_count, embeddings, strict=True)]
    assert client.import_clips(pool_id, clips).imported_count == clip_count
    options: dict[str, Any] = {
        "recipe": RecipeName.PAPER,
        "head_recipe": QUICK,
        "seed": 1,
    } | task_options
    client.create_task(task_id, pool_id, CLASSES, **options)
    return Scene(client, pool_id, task_id, embeddings, dict(zip(ids, classes, strict=True)))


@contextmanager
def refused(*fields: str) -> Iterator[None]:
    """Expect INVALID_ARGUMENT that names these fields and no other."""
    with pytest.raises(InvalidArgument) as caught:
        yield
    assert caught.value.reason == "INVALID_INPUT"
    assert [violation.field for violation in caught.value.violations] == list(fields)
    assert all(violation.description for violation in caught.value.violations)


@contextmanager
def fails_with(reason: str, kind: type[AloeError]) -> Iterator[None]:
    """Expect one kind of error for one reason."""
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.reason == reason


@dataclass(frozen=True)
class Failure:
    """What a raw call was told."""

    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...]
    message: str


def failure_of(error: Any) -> Failure:
    """Read the details of a failed raw call; a failure without them has an empty reason."""
    status = rpc_status.from_call(error)
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details if status else ():
        detail.Unpack(info)
        detail.Unpack(bad_request)
    fields = tuple(violation.field for violation in bad_request.field_violations)
    return Failure(error.code(), info.reason, fields, error.details() or "")


def _call(raw: Any, rpc: str, request: Any) -> None:
    response = getattr(raw, rpc)(iter([request]) if rpc == "ImportClips" else request)
    if SERVICE.methods_by_name[rpc].server_streaming:
        next(response)


def check_refused(raw: Any, scene: Scene, rpc: str, request: Any, fields: tuple[str, ...]) -> None:
    """Call and expect exactly these wrong fields, and nothing stored."""
    before = scene.snapshot()
    with pytest.raises(grpc.RpcError) as caught:
        _call(raw, rpc, request)
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason, failure.fields) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_INPUT",
        fields,
    )
    assert scene.snapshot() == before
