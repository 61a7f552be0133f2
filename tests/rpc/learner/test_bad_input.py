"""Wrong requests get INVALID_ARGUMENT with the field named, and store nothing."""
# ruff: noqa: S106 - a page token is no password

import math
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from tests.rpc.learner.scenes import CLASSES, Scene, failure_of, new_id

from aloe.client import LearnerClient
from aloe.v1 import audio_pb2
from aloe.v1 import learner_service_pb2 as pb

INVALID = grpc.StatusCode.INVALID_ARGUMENT
Make = Callable[[Scene], Any]


def call(raw: Any, rpc: str, request: Any) -> None:
    response = getattr(raw, rpc)(iter([request]) if rpc == "ImportClips" else request)
    if rpc in ("WatchTask", "ExportLabels"):
        next(response)


def check(raw: Any, scene: Scene, rpc: str, request: Any, fields: tuple[str, ...]) -> None:
    """Call and expect exactly these wrong fields, and nothing stored."""
    before = scene.snapshot()
    with pytest.raises(grpc.RpcError) as caught:
        call(raw, rpc, request)
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason, failure.fields) == (INVALID, "INVALID_INPUT", fields)
    assert scene.snapshot() == before


def unknown(number: int) -> Any:
    """Make an enum value that no version knows; the types allow none."""
    return number


def task_on(scene: Scene, **fields: Any) -> pb.Task:
    return pb.Task(**({"pool": f"pools/{scene.pool_id}", "classes": CLASSES} | fields))


BAD_TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "no class": ({"classes": []}, "task.classes"),
    "one class": ({"classes": ["a"]}, "task.classes"),
    "duplicate classes": ({"classes": ["a", "b", "a"]}, "task.classes[2]"),
    "an empty class": ({"classes": ["a", ""]}, "task.classes[1]"),
    "a class with a line break": ({"classes": ["a", "b\nc"]}, "task.classes[1]"),
    "a class of 129 letters": ({"classes": ["a", "b" * 129]}, "task.classes[1]"),
    "a class of a million letters": ({"classes": ["a", "b" * 10**6]}, "task.classes[1]"),
    "too many classes": ({"classes": list(map(str, range(1_001)))}, "task.classes"),
    "no pool": ({"pool": ""}, "task.pool"),
    "a pool without its prefix": ({"pool": "p"}, "task.pool"),
    "a task for a pool": ({"pool": "tasks/p"}, "task.pool"),
    "no budget": ({"label_budget": 0}, "task.label_budget"),
    "a lease of no time": ({"lease_duration": Duration()}, "task.lease_duration"),
    "a negative lease": ({"lease_duration": Duration(seconds=-5)}, "task.lease_duration"),
    "a lease of two days": ({"lease_duration": Duration(seconds=172_800)}, "task.lease_duration"),
    "a lease of ages": ({"lease_duration": Duration(seconds=2**62)}, "task.lease_duration"),
    "an unknown acquisition function": (
        {"query_strategy": pb.QueryStrategy(acquisition_function=unknown(99))},
        "task.query_strategy.acquisition_function",
    ),
    "an unknown selection rule": (
        {"query_strategy": pb.QueryStrategy(selection_rule=unknown(-1))},
        "task.query_strategy.selection_rule",
    ),
    "a learning rate of NaN": (
        {"head_recipe": pb.HeadRecipe(adam=pb.AdamRecipe(learning_rate=math.nan))},
        "task.head_recipe.adam.learning_rate",
    ),
    "no epochs": (
        {"head_recipe": pb.HeadRecipe(adam=pb.AdamRecipe(epoch_count=0))},
        "task.head_recipe.adam.epoch_count",
    ),
    "epochs for years": (
        {"head_recipe": pb.HeadRecipe(adam=pb.AdamRecipe(epoch_count=2**32 - 1))},
        "task.head_recipe.adam.epoch_count",
    ),
    "batches of nothing": (
        {"head_recipe": pb.HeadRecipe(adam=pb.AdamRecipe(batch_size=0))},
        "task.head_recipe.adam.batch_size",
    ),
    "a negative penalty": (
        {"head_recipe": pb.HeadRecipe(lbfgs=pb.LbfgsRecipe(l2_penalty=-1))},
        "task.head_recipe.lbfgs.l2_penalty",
    ),
    "an infinite penalty": (
        {"head_recipe": pb.HeadRecipe(lbfgs=pb.LbfgsRecipe(l2_penalty=math.inf))},
        "task.head_recipe.lbfgs.l2_penalty",
    ),
}


@pytest.mark.parametrize("case", BAD_TASKS)
def test_a_bad_task_is_not_created(raw, client: LearnerClient, scene: Scene, case):
    fields, wrong = BAD_TASKS[case]
    task_id = new_id()
    request = pb.CreateTaskRequest(task_id=task_id, task=task_on(scene, **fields))
    check(raw, scene, "CreateTask", request, (wrong,))
    assert [task.task_id for task in client.list_tasks(scene.pool_id)] == [scene.task_id]


def name(scene: Scene) -> str:
    return f"tasks/{scene.task_id}"


def known(scene: Scene, **fields: Any) -> pb.KnownLabel:
    clip = f"pools/{scene.pool_id}/clips/clip-0000"
    given: dict[str, Any] = {"clip": clip, "label": "low", "split": pb.SPLIT_TRAIN}
    return pb.KnownLabel(**(given | fields))


def labels(scene: Scene, *each: pb.KnownLabel) -> pb.ImportLabelsRequest:
    return pb.ImportLabelsRequest(task=name(scene), labels=[known(scene), *each])


BAD_LABELS: dict[str, tuple[Make, str]] = {
    "an unknown class": (lambda s: labels(s, known(s, label="lowest")), "labels[1].label"),
    "an empty class": (lambda s: labels(s, known(s, label="")), "labels[1].label"),
    "a long class": (lambda s: labels(s, known(s, label="ф" * 10**5)), "labels[1].label"),
    "no split": (lambda s: labels(s, known(s, split=0)), "labels[1].split"),
    "an unknown split": (lambda s: labels(s, known(s, split=9)), "labels[1].split"),
    "a malformed clip": (lambda s: labels(s, known(s, clip="clip-0000")), "labels[1].clip"),
    "an unknown clip": (
        lambda s: labels(s, known(s, clip=f"pools/{s.pool_id}/clips/x")),
        "labels[1].clip",
    ),
    "a clip of another pool": (
        lambda s: labels(s, known(s, clip="pools/other/clips/clip-0000")),
        "labels[1].clip",
    ),
    "no labels": (lambda s: pb.ImportLabelsRequest(task=name(s)), "labels"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_one_bad_label_keeps_all_of_them_out(raw, scene: Scene, case):
    make, wrong = BAD_LABELS[case]
    check(raw, scene, "ImportLabels", make(scene), (wrong,))


BAD_REQUESTS: dict[str, tuple[str, Make, str]] = {
    "pool id with a slash": (
        "CreatePool", lambda s: pb.CreatePoolRequest(pool_id="a/b"), "pool_id"),
    "pool id of 129 letters": (
        "CreatePool", lambda s: pb.CreatePoolRequest(pool_id="a" * 129), "pool_id"),
    "fingerprint without dimension": (
        "CreatePool",
        lambda s: pb.CreatePoolRequest(pool_id="a", pool=pb.Pool(encoder_fingerprint="f")),
        "pool.encoder_fingerprint"),
    "dimension without fingerprint": (
        "CreatePool",
        lambda s: pb.CreatePoolRequest(pool_id="a", pool=pb.Pool(embedding_dim=8)),
        "pool.embedding_dim"),
    "absurd dimension": (
        "CreatePool",
        lambda s: pb.CreatePoolRequest(
            pool_id="a", pool=pb.Pool(encoder_fingerprint="f", embedding_dim=2**31)),
        "pool.embedding_dim"),
    "fingerprint of a megabyte": (
        "CreatePool",
        lambda s: pb.CreatePoolRequest(
            pool_id="a", pool=pb.Pool(encoder_fingerprint="f" * 10**6, embedding_dim=8)),
        "pool.encoder_fingerprint"),
    "pool name": ("GetPool", lambda s: pb.GetPoolRequest(name=s.pool_id), "name"),
    "pool name to delete": ("DeletePool", lambda s: pb.DeletePoolRequest(name="pools/"), "name"),
    "pool to list": ("ListClips", lambda s: pb.ListClipsRequest(pool="pools/a/b"), "pool"),
    "pool to import into": ("ImportClips", lambda s: pb.ImportClipsRequest(pool="x"), "pool"),
    "clip name": ("GetClipAudio", lambda s: pb.GetClipAudioRequest(name="pools/p"), "name"),
    "clip page token": (
        "ListClips",
        lambda s: pb.ListClipsRequest(pool=f"pools/{s.pool_id}", page_token="-1"),
        "page_token"),
    "absurd clip page token": (
        "ListClips",
        lambda s: pb.ListClipsRequest(pool=f"pools/{s.pool_id}", page_token="9" * 10**5),
        "page_token"),
    "round page token": (
        "ListRounds", lambda s: pb.ListRoundsRequest(task=name(s), page_token="x"), "page_token"),
    "pool page token": ("ListPools", lambda s: pb.ListPoolsRequest(page_token="/"), "page_token"),
    "task page token": ("ListTasks", lambda s: pb.ListTasksRequest(page_token="\0"), "page_token"),
    "pool of tasks": ("ListTasks", lambda s: pb.ListTasksRequest(pool="p"), "pool"),
    "task id": (
        "CreateTask", lambda s: pb.CreateTaskRequest(task_id="", task=task_on(s)), "task_id"),
    "task name": ("GetTask", lambda s: pb.GetTaskRequest(name="tasks/ä"), "name"),
    "task to delete": ("DeleteTask", lambda s: pb.DeleteTaskRequest(name="pools/p"), "name"),
    "task to watch": ("WatchTask", lambda s: pb.WatchTaskRequest(name="t"), "name"),
    "task to export": ("ExportLabels", lambda s: pb.ExportLabelsRequest(task="t"), "task"),
    "head to export": ("ExportHead", lambda s: pb.ExportHeadRequest(task="t"), "task"),
    "task to update": (
        "UpdateTask",
        lambda s: pb.UpdateTaskRequest(update_mask=FieldMask(paths=["label_budget"])),
        "task.name"),
    "update without mask": (
        "UpdateTask", lambda s: pb.UpdateTaskRequest(task=pb.Task(name=name(s))), "update_mask"),
    "oracle id": (
        "Query", lambda s: pb.QueryRequest(task=name(s), oracle_id="not an id"), "oracle_id"),
    "absurd clip count": (
        "Query",
        lambda s: pb.QueryRequest(task=name(s), oracle_id="a", max_clip_count=10_001),
        "max_clip_count"),
    "absurd lease": (
        "Query",
        lambda s: pb.QueryRequest(
            task=name(s), oracle_id="a", lease_duration=Duration(seconds=10**11)),
        "lease_duration"),
    "negative lease": (
        "Query",
        lambda s: pb.QueryRequest(task=name(s), oracle_id="a", lease_duration=Duration(nanos=-1)),
        "lease_duration"),
    "request id": (
        "Query",
        lambda s: pb.QueryRequest(task=name(s), oracle_id="a", request_id="x" * 129),
        "request_id"),
    "request id of a submission": (
        "SubmitLabels",
        lambda s: pb.SubmitLabelsRequest(task=name(s), oracle_id="a", request_id="{}",
            answers=[pb.Answer(lease_id="l", label="low")]),
        "request_id"),
    "answer without an answer": (
        "SubmitLabels",
        lambda s: pb.SubmitLabelsRequest(
            task=name(s), oracle_id="a", answers=[pb.Answer(lease_id="l")]),
        "answers[0].answer"),
    "lease that nobody gave": (
        "SubmitLabels",
        lambda s: pb.SubmitLabelsRequest(
            task=name(s), oracle_id="a", answers=[pb.Answer(lease_id="\0", label="low")]),
        "answers[0].lease_id"),
    "no answers": (
        "SubmitLabels", lambda s: pb.SubmitLabelsRequest(task=name(s), oracle_id="a"), "answers"),
    "lease to release": (
        "ReleaseLeases",
        lambda s: pb.ReleaseLeasesRequest(task=name(s), oracle_id="a", lease_ids=["x"]),
        "lease_ids[0]"),
    "nothing to predict": ("Predict", lambda s: pb.PredictRequest(task=name(s)), "input"),
    "clips of two pools": (
        "Predict",
        lambda s: pb.PredictRequest(
            task=name(s), clips=pb.ClipNames(names=["pools/p/clips/a", "pools/q/clips/a"])),
        "clips.names[1]"),
    "clip of no form": (
        "Predict",
        lambda s: pb.PredictRequest(task=name(s), clips=pb.ClipNames(names=["a"])),
        "clips.names[0]"),
    "matrix of too few bytes": (
        "Predict",
        lambda s: pb.PredictRequest(
            task=name(s),
            embeddings=audio_pb2.FloatMatrix(values=b"1234", row_count=2, column_count=8)),
        "embeddings"),
    "matrix of absurd shape": (
        "Predict",
        lambda s: pb.PredictRequest(
            task=name(s),
            embeddings=audio_pb2.FloatMatrix(row_count=2**32 - 1, column_count=2**32 - 1)),
        "embeddings"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_bad_request_is_refused_by_field(raw, scene: Scene, case):
    rpc, make, wrong = BAD_REQUESTS[case]
    check(raw, scene, rpc, make(scene), (wrong,))


def test_a_name_of_a_megabyte_is_refused_in_a_few_words(raw, scene: Scene):
    for character in ("x", "ж", "\N{PILE OF POO}", "\x01"):
        request = pb.GetTaskRequest(name=f"tasks/{character * 10**6}")
        check(raw, scene, "GetTask", request, ("name",))


def test_thousands_of_wrong_answers_are_refused_at_once(raw, scene: Scene):
    answers = [pb.Answer(lease_id=f"no-lease-{n}", label="low") for n in range(5_000)]
    request = pb.SubmitLabelsRequest(task=name(scene), oracle_id="a", answers=answers)
    with pytest.raises(grpc.RpcError) as caught:
        raw.SubmitLabels(request)
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (INVALID, "INVALID_INPUT")
    assert failure.fields[0] == "answers[0].lease_id"
