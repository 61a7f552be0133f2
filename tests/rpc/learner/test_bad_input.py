"""Wrong requests get INVALID_ARGUMENT with the field named, and store nothing."""
# ruff: noqa: S106 - a page token is no password

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from tests.rpc.learner.scenes import CLASSES, SERVICE, Scene, check_refused, failure_of

from aloe.local import LocalStack
from aloe.v1 import audio_pb2, head_pb2, labeling_pb2, pool_pb2, task_pb2

Make = Callable[[Scene], Any]


def name(scene: Scene) -> str:
    return f"tasks/{scene.task_id}"


BAD_REQUESTS: dict[str, tuple[str, Make, str]] = {
    "pool id with a slash": (
        "CreatePool",
        lambda s: pool_pb2.CreatePoolRequest(pool_id="a/b"),
        "pool_id",
    ),
    "pool id of 129 letters": (
        "CreatePool",
        lambda s: pool_pb2.CreatePoolRequest(pool_id="a" * 129),
        "pool_id",
    ),
    "fingerprint without dimension": (
        "CreatePool",
        lambda s: pool_pb2.CreatePoolRequest(
            pool_id="a", pool=pool_pb2.Pool(encoder_fingerprint="f")
        ),
        "pool.encoder_fingerprint",
    ),
    "dimension without fingerprint": (
        "CreatePool",
        lambda s: pool_pb2.CreatePoolRequest(pool_id="a", pool=pool_pb2.Pool(embedding_dim=8)),
        "pool.embedding_dim",
    ),
    "absurd dimension": (
        "CreatePool",
        lambda s: pool_pb2.CreatePoolRequest(
            pool_id="a", pool=pool_pb2.Pool(encoder_fingerprint="f", embedding_dim=2**31)
        ),
        "pool.embedding_dim",
    ),
    "long fingerprint": (
        "CreatePool",
        lambda s: pool_pb2.CreatePoolRequest(
            pool_id="a", pool=pool_pb2.Pool(encoder_fingerprint="f" * 10**4, embedding_dim=8)
        ),
        "pool.encoder_fingerprint",
    ),
    "pool name": ("GetPool", lambda s: pool_pb2.GetPoolRequest(name=s.pool_id), "name"),
    "pool name to refit": (
        "RefitPool",
        lambda s: pool_pb2.RefitPoolRequest(name="pools/a/b"),
        "name",
    ),
    "pool name to delete": (
        "DeletePool",
        lambda s: pool_pb2.DeletePoolRequest(name="pools/"),
        "name",
    ),
    "pool to list": ("ListClips", lambda s: pool_pb2.ListClipsRequest(pool="pools/a/b"), "pool"),
    "pool to import into": ("ImportClips", lambda s: pool_pb2.ImportClipsRequest(pool="x"), "pool"),
    "clip name": ("GetClipAudio", lambda s: pool_pb2.GetClipAudioRequest(name="pools/p"), "name"),
    "clip page token": (
        "ListClips",
        lambda s: pool_pb2.ListClipsRequest(pool=f"pools/{s.pool_id}", page_token="-1"),
        "page_token",
    ),
    "absurd clip page token": (
        "ListClips",
        lambda s: pool_pb2.ListClipsRequest(pool=f"pools/{s.pool_id}", page_token="9" * 10**4),
        "page_token",
    ),
    "round page token": (
        "ListRounds",
        lambda s: head_pb2.ListRoundsRequest(task=name(s), page_token="x"),
        "page_token",
    ),
    "event page token in digits of another script": (
        "ListEvents",
        lambda s: labeling_pb2.ListEventsRequest(task=name(s), page_token="\u0661-\u0661"),
        "page_token",
    ),
    "label time past the calendar": (
        "ImportLabels",
        lambda s: labeling_pb2.ImportLabelsRequest(
            task=name(s),
            labels=[
                labeling_pb2.KnownLabel(
                    clip=f"pools/{s.pool_id}/clips/clip-0001",
                    label="low",
                    split=labeling_pb2.SPLIT_TRAIN,
                    label_time=Timestamp(seconds=253_402_300_800),
                )
            ],
        ),
        "labels[0].label_time",
    ),
    "budget past what numbers of scripts hold": (
        "UpdateTask",
        lambda s: task_pb2.UpdateTaskRequest(
            task=task_pb2.Task(name=name(s), label_budget=2**53 + 1),
            update_mask=FieldMask(paths=["label_budget"]),
        ),
        "task.label_budget",
    ),
    "encoder id of two lines": (
        "CreatePool",
        lambda s: pool_pb2.CreatePoolRequest(
            pool_id="a",
            pool=pool_pb2.Pool(encoder_id="a\nb", encoder_fingerprint="f", embedding_dim=8),
        ),
        "pool.encoder_id",
    ),
    "pool page token": (
        "ListPools",
        lambda s: pool_pb2.ListPoolsRequest(page_token="/"),
        "page_token",
    ),
    "task page token": (
        "ListTasks",
        lambda s: task_pb2.ListTasksRequest(page_token="\0"),
        "page_token",
    ),
    "pool of tasks": ("ListTasks", lambda s: task_pb2.ListTasksRequest(pool="p"), "pool"),
    "task id": (
        "CreateTask",
        lambda s: task_pb2.CreateTaskRequest(
            task_id="", task=task_pb2.Task(pool=f"pools/{s.pool_id}", classes=CLASSES)
        ),
        "task_id",
    ),
    "task name": ("GetTask", lambda s: task_pb2.GetTaskRequest(name="tasks/ä"), "name"),
    "task to delete": ("DeleteTask", lambda s: task_pb2.DeleteTaskRequest(name="pools/p"), "name"),
    "task to watch": ("WatchTask", lambda s: task_pb2.WatchTaskRequest(task="t"), "task"),
    "task to export": (
        "ExportLabels",
        lambda s: labeling_pb2.ExportLabelsRequest(task="t"),
        "task",
    ),
    "head to export": ("ExportHead", lambda s: head_pb2.ExportHeadRequest(task="t"), "task"),
    "task to update": (
        "UpdateTask",
        lambda s: task_pb2.UpdateTaskRequest(update_mask=FieldMask(paths=["label_budget"])),
        "task.name",
    ),
    "update without mask": (
        "UpdateTask",
        lambda s: task_pb2.UpdateTaskRequest(task=task_pb2.Task(name=name(s))),
        "update_mask",
    ),
    "oracle id": (
        "Query",
        lambda s: labeling_pb2.QueryRequest(task=name(s), oracle_id="not an id"),
        "oracle_id",
    ),
    "absurd clip count": (
        "Query",
        lambda s: labeling_pb2.QueryRequest(task=name(s), oracle_id="a", max_clip_count=10_001),
        "max_clip_count",
    ),
    "absurd lease": (
        "Query",
        lambda s: labeling_pb2.QueryRequest(
            task=name(s), oracle_id="a", lease_duration=Duration(seconds=10**11)
        ),
        "lease_duration",
    ),
    "negative lease": (
        "Query",
        lambda s: labeling_pb2.QueryRequest(
            task=name(s), oracle_id="a", lease_duration=Duration(nanos=-1)
        ),
        "lease_duration",
    ),
    "request id": (
        "Query",
        lambda s: labeling_pb2.QueryRequest(task=name(s), oracle_id="a", request_id="x" * 129),
        "request_id",
    ),
    "request id of a submission": (
        "SubmitLabels",
        lambda s: labeling_pb2.SubmitLabelsRequest(
            task=name(s),
            oracle_id="a",
            request_id="{}",
            answers=[labeling_pb2.Answer(lease_id="l", label="low")],
        ),
        "request_id",
    ),
    "answer without an answer": (
        "SubmitLabels",
        lambda s: labeling_pb2.SubmitLabelsRequest(
            task=name(s), oracle_id="a", answers=[labeling_pb2.Answer(lease_id="l")]
        ),
        "answers[0].answer",
    ),
    "no answers": (
        "SubmitLabels",
        lambda s: labeling_pb2.SubmitLabelsRequest(task=name(s), oracle_id="a"),
        "answers",
    ),
    "nothing to predict": ("Predict", lambda s: head_pb2.PredictRequest(task=name(s)), "input"),
    "matrix of too few bytes": (
        "Predict",
        lambda s: head_pb2.PredictRequest(
            task=name(s),
            embeddings=audio_pb2.FloatMatrix(values=b"1234", row_count=2, column_count=8),
        ),
        "embeddings",
    ),
    "matrix of absurd shape": (
        "Predict",
        lambda s: head_pb2.PredictRequest(
            task=name(s),
            embeddings=audio_pb2.FloatMatrix(row_count=2**32 - 1, column_count=2**32 - 1),
        ),
        "embeddings",
    ),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_bad_request_is_refused_by_field(raw, scene: Scene, case):
    rpc, make, wrong = BAD_REQUESTS[case]
    check_refused(raw, scene, rpc, make(scene), (wrong,))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration", Duration(seconds=2**63 - 1)),
        ("duration", Duration(seconds=-1)),
        ("duration", Duration(nanos=10**9)),
        ("uri", "file:///a\nb"),
        ("uri", "file:///" + "a" * 2_048),
    ],
)
def test_what_a_clip_cannot_be_given_back_with_costs_it_alone(raw, scene: Scene, field, value):
    embeddings = audio_pb2.FloatMatrix(values=bytes(4 * 8), row_count=1, column_count=8)
    request = pool_pb2.ImportClipsRequest(
        pool=f"pools/{scene.pool_id}",
        clips=[pool_pb2.NewClip(clip_id="new", **{field: value})],
        embeddings=embeddings,
    )
    answer = raw.ImportClips(iter([request]))
    assert answer.imported_count == 0
    (failure,) = answer.failures
    assert failure.status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert failure.status.message.startswith(f"{field}: ")
    assert len(list(scene.client.list_clips(scene.pool_id))) == 60


def test_a_long_name_is_refused_in_a_few_words_and_one_of_a_megabyte_unread(raw, scene: Scene):
    for character in ("x", "ж", "\N{PILE OF POO}", "\x01"):
        request = task_pb2.GetTaskRequest(name=f"tasks/{character * 4_000}")
        check_refused(raw, scene, "GetTask", request, ("name",))
        request = task_pb2.GetTaskRequest(name=f"tasks/{character * 10**6}")
        check_refused(raw, scene, "GetTask", request, ("request",))


@pytest.mark.parametrize("lease_id", ["\0", "x", "no-such-lease"])
def test_a_lease_that_nobody_gave_is_lost(raw, scene: Scene, lease_id):
    whose: Any = {"task": name(scene), "oracle_id": "a"}
    answers = [labeling_pb2.Answer(lease_id=lease_id, label="low")]
    submission = labeling_pb2.SubmitLabelsRequest(answers=answers, **whose)
    renewal = labeling_pb2.RenewLeasesRequest(lease_ids=[lease_id], **whose)
    release = labeling_pb2.ReleaseLeasesRequest(lease_ids=[lease_id], **whose)
    for call, request, place in (
        (raw.SubmitLabels, submission, "answers[0].lease_id"),
        (raw.RenewLeases, renewal, "lease_ids[0]"),
        (raw.ReleaseLeases, release, "lease_ids[0]"),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(request)
        failure = failure_of(caught.value)
        assert (failure.code, failure.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "LEASE_LOST",
        )
        assert failure.message.startswith(place)


def test_thousands_of_wrong_answers_are_refused_at_once(raw, scene: Scene):
    answers = [labeling_pb2.Answer(lease_id=f"no-lease-{n}", label="low") for n in range(5_000)]
    request = labeling_pb2.SubmitLabelsRequest(task=name(scene), oracle_id="a", answers=answers)
    with pytest.raises(grpc.RpcError) as caught:
        raw.SubmitLabels(request)
    failure = failure_of(caught.value)
    assert failure.reason == "LEASE_LOST"
    assert failure.message.startswith("answers[0].lease_id, answers[1].lease_id")
    assert "answers[9].lease_id and 4,990 more: no lease of this task" in failure.message


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary"])
def test_bytes_that_are_no_message_are_refused(stack: LocalStack, kind: str):
    rpc = {"unary_unary": "GetTask", "unary_stream": "WatchTask", "stream_unary": "ImportClips"}
    request = iter([b"\xff"]) if kind == "stream_unary" else b"\xff"
    with grpc.insecure_channel(stack.learner_address) as channel:
        call = getattr(channel, kind)(f"/{SERVICE.full_name}/{rpc[kind]}")
        with pytest.raises(grpc.RpcError) as caught:
            list(call(request))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")
