"""Redis goes away and comes back: calls say so soon, and nothing is lost."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from tests.needing_redis import needing_redis
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import (
    CLASSES,
    SERVICE,
    Failure,
    Scene,
    failure_of,
    make_scene,
    new_id,
)
from tests.rpc.stacks import running_stack

from aloe.client import LearnerClient, NewClip, connect
from aloe.local import LocalStack, StackOptions
from aloe.local.child import Child
from aloe.local.redis_server import redis_child
from aloe.v1 import (
    audio_pb2,
    class_change_pb2,
    head_pb2,
    labeling_pb2,
    pool_pb2,
    prediction_pb2,
    recording_import_pb2,
    recording_pb2,
    search_pb2,
    task_pb2,
)
from aloe.v1 import learner_service_pb2_grpc as pb_grpc
from aloe.wire.arrays import encode_matrix

START_S = 30.0


@pytest.fixture(scope="module")
def redis() -> Iterator[Child]:
    """A Redis that tests stop and start; no supervisor does."""
    with tempfile.TemporaryDirectory(prefix="aloe-test-") as name:
        folder = Path(name)
        with needing_redis():
            child = redis_child(folder / "data", folder / "redis.sock", folder / "redis.log")
        child.start(START_S)
        yield child
        child.stop()


@pytest.fixture(scope="module")
def shaky(redis: Child) -> Iterator[LocalStack]:
    socket_path = redis.command[redis.command.index("--unixsocket") + 1]
    with running_stack(StackOptions(redis_url=f"unix://{socket_path}")) as stack:
        yield stack


@pytest.fixture(scope="module")
def client(shaky: LocalStack) -> Iterator[LearnerClient]:
    with connect(shaky.learner_address) as connected:
        yield connected


@pytest.fixture(scope="module")
def raw(shaky: LocalStack) -> Iterator[Any]:
    with grpc.insecure_channel(shaky.learner_address) as channel:
        yield pb_grpc.LearnerServiceStub(channel)


@pytest.fixture
def down(redis: Child) -> Iterator[None]:
    """No Redis for the length of a test."""
    redis.stop()
    yield
    if not redis.is_running:
        redis.start(START_S)


@pytest.fixture
def labeled(redis: Child, client: LearnerClient) -> Scene:
    """A task with a head, made while Redis is there."""
    scene = make_scene(client)
    version = scene.seed_labels()
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    return scene


def calls(scene: Scene) -> dict[str, Any]:
    """One request of each kind that needs the store."""
    task, pool = f"tasks/{scene.task_id}", f"pools/{scene.pool_id}"
    clip = f"{pool}/clips/clip-0000"
    new_task = task_pb2.Task(pool=pool, classes=CLASSES)
    new_clip = pool_pb2.NewClip(clip_id="later")
    embeddings = encode_matrix(scene.embeddings[:1])
    answers = [labeling_pb2.Answer(lease_id="some", label="low")]
    known = [labeling_pb2.KnownLabel(clip=clip, label="low", split=labeling_pb2.SPLIT_TRAIN)]
    return {
        "CreatePool": pool_pb2.CreatePoolRequest(
            pool_id=new_id(), pool=pool_pb2.Pool(encoder_fingerprint="f", embedding_dim=2)
        ),
        "GetPool": pool_pb2.GetPoolRequest(name=pool),
        "ListPools": pool_pb2.ListPoolsRequest(),
        "RefitPool": pool_pb2.RefitPoolRequest(name=pool),
        "DeletePool": pool_pb2.DeletePoolRequest(name=pool),
        "ImportClips": pool_pb2.ImportClipsRequest(
            pool=pool, clips=[new_clip], embeddings=embeddings
        ),
        "ExportClips": pool_pb2.ExportClipsRequest(pool=pool),
        "ListClips": pool_pb2.ListClipsRequest(pool=pool),
        "GetClip": pool_pb2.GetClipRequest(name=clip),
        "DeleteClips": pool_pb2.DeleteClipsRequest(pool=pool, names=[clip]),
        "RenameClip": pool_pb2.RenameClipRequest(name=clip, new_id="renamed"),
        "GetClipAudio": pool_pb2.GetClipAudioRequest(name=clip),
        "CreateTask": task_pb2.CreateTaskRequest(task_id=new_id(), task=new_task),
        "GetTask": task_pb2.GetTaskRequest(name=task),
        "ListTasks": task_pb2.ListTasksRequest(),
        "DeleteTask": task_pb2.DeleteTaskRequest(name=task),
        "ImportLabels": labeling_pb2.ImportLabelsRequest(task=task, labels=known),
        "Query": labeling_pb2.QueryRequest(task=task, oracle_id="ann"),
        "SubmitLabels": labeling_pb2.SubmitLabelsRequest(
            task=task, oracle_id="ann", answers=answers
        ),
        "ReleaseLeases": labeling_pb2.ReleaseLeasesRequest(task=task, oracle_id="ann"),
        "RenewLeases": labeling_pb2.RenewLeasesRequest(
            task=task, oracle_id="ann", lease_ids=["some"]
        ),
        "ListEvents": labeling_pb2.ListEventsRequest(task=task),
        "UpdateTask": task_pb2.UpdateTaskRequest(
            task=task_pb2.Task(name=task), update_mask=FieldMask(paths=["label_budget"])
        ),
        "Predict": head_pb2.PredictRequest(task=task, clips=head_pb2.ClipNames(names=[clip])),
        "ListRounds": head_pb2.ListRoundsRequest(task=task),
        "WatchTask": task_pb2.WatchTaskRequest(task=task),
        "ExportLabels": labeling_pb2.ExportLabelsRequest(task=task),
        "ExportHead": head_pb2.ExportHeadRequest(task=task),
        "PromoteHead": head_pb2.PromoteHeadRequest(
            task=task, promotion_id="production", head_version=1
        ),
        "RestoreHead": head_pb2.RestoreHeadRequest(
            task=task,
            head=head_pb2.Head(version=1, biases=audio_pb2.FloatMatrix(row_count=1)),
            round=head_pb2.Round(
                head_version=1, head_recipe=head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe())
            ),
        ),
        "DemoteHead": head_pb2.DemoteHeadRequest(name=f"{task}/promotions/production"),
        "ListPromotions": head_pb2.ListPromotionsRequest(task=task),
        "PredictPool": prediction_pb2.PredictPoolRequest(task=task),
        "ReplayTask": labeling_pb2.ReplayTaskRequest(task=task),
        "SearchClips": search_pb2.SearchClipsRequest(
            pool=pool, like=search_pb2.Example(clip=clip), count=1
        ),
        "UpdateClips": pool_pb2.UpdateClipsRequest(
            pool=pool, updates=[pool_pb2.ClipUpdate(name=clip)]
        ),
        "ChangeClasses": class_change_pb2.ChangeClassesRequest(
            task=task, add=class_change_pb2.AddClass(name="higher")
        ),
        "ImportRecording": recording_import_pb2.ImportRecordingRequest(
            header=recording_import_pb2.RecordingHeader(
                pool=pool,
                recording_id="night",
                content_hash="0" * 32,
                byte_count=9,
                windows=recording_import_pb2.WindowGrid(window=Duration(seconds=1)),
            )
        ),
        "GetRecording": recording_pb2.GetRecordingRequest(name=f"{pool}/recordings/night"),
        "ListRecordings": recording_pb2.ListRecordingsRequest(pool=pool),
        "DeleteRecordings": recording_pb2.DeleteRecordingsRequest(
            pool=pool, names=[f"{pool}/recordings/night"]
        ),
    }


def call(raw: Any, rpc: str, request: Any, timeout_s: float) -> Any:
    stub = getattr(raw, rpc)
    is_streamed = SERVICE.methods_by_name[rpc].client_streaming
    response = stub(iter([request]) if is_streamed else request, timeout=timeout_s)
    return next(response) if SERVICE.methods_by_name[rpc].server_streaming else response


def test_without_redis_every_call_says_so_soon(labeled: Scene, raw, down):
    def outcome_of(rpc: str, request: Any) -> tuple[str, Failure, float]:
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            call(raw, rpc, request, timeout_s=20)
        return rpc, failure_of(caught.value), time.monotonic() - began

    requests = calls(labeled)
    assert set(requests) == set(SERVICE.methods_by_name.keys())
    with ThreadPoolExecutor(len(requests)) as threads:
        outcomes = list(threads.map(outcome_of, requests, requests.values()))
    for rpc, failure, took_s in outcomes:
        assert failure.code is grpc.StatusCode.UNAVAILABLE, (rpc, failure)
        assert failure.reason == "STORE_UNAVAILABLE", (rpc, failure)
        assert took_s < 15, rpc


def test_without_redis_bad_input_is_still_told_from_an_outage(labeled: Scene, raw, down):
    with pytest.raises(grpc.RpcError) as caught:
        raw.GetTask(task_pb2.GetTaskRequest(name="nonsense"), timeout=5)
    assert failure_of(caught.value).fields == ("name",)


def test_when_redis_is_back_all_is_as_it_was(
    labeled: Scene, client: LearnerClient, redis: Child, down
):
    redis.start(START_S)
    before = labeled.snapshot()
    leases = labeled.query(max_clip_count=3)
    redis.stop()
    redis.start(START_S)
    assert client.get_task(labeled.task_id).clip_counts.leased == 3
    submitted = labeled.answer(leases)
    assert submitted.label_count == 9
    assert submitted.head_version == 2
    following = client.query(labeled.task_id, "ann", min_head_version=2)
    assert following.head_version == 2
    assert before[1] == tuple(client.export_labels(labeled.task_id))[:6]


def test_acknowledged_labels_outlive_a_redis_killed_at_once(
    labeled: Scene, client: LearnerClient, redis: Child
):
    acknowledged = set()
    for _ in range(5):
        leases = labeled.query(max_clip_count=2)
        labeled.answer(leases)
        acknowledged |= {lease.clip_id for lease in leases}
        with ThreadPoolExecutor(1) as thread:
            kill(redis)
            # This call finds Redis away; the client asks again until it is back.
            waiting = thread.submit(client.get_task, labeled.task_id)
            # Here and not in the thread: a child dies with the thread that started it.
            redis.start(START_S)
            assert waiting.result().clip_counts.budget_spent == len(acknowledged)
    stored = {each.clip_id for each in client.export_labels(labeled.task_id) if each.oracle_id}
    assert stored == acknowledged
    assert len(acknowledged) == 10


def kill(redis: Child) -> None:
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)
    deadline = time.monotonic() + START_S
    while redis.is_running:
        assert time.monotonic() < deadline


def test_a_watcher_outlives_an_outage(labeled: Scene, client: LearnerClient, redis: Child):
    updates = client.watch_task(labeled.task_id)
    assert next(updates).task.clip_counts.leased == 0
    redis.stop()
    redis.start(START_S)
    labeled.query(max_clip_count=2)
    for update in updates:
        if update.task.clip_counts.leased == 2:
            break


@pytest.mark.slow
def test_a_redis_that_hangs_is_unavailable_within_a_bounded_time(labeled: Scene, raw, redis: Child):
    pid = redis.pid
    assert pid is not None
    request = task_pb2.GetTaskRequest(name=f"tasks/{labeled.task_id}")
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(grpc.RpcError) as caught:
                raw.GetTask(request, timeout=60)
            assert failure_of(caught.value).reason == "STORE_UNAVAILABLE"
            assert time.monotonic() - began < 29, "the default timeout of a client is 30 s"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert raw.GetTask(request, timeout=30).task.head_version == 1


@pytest.mark.slow
def test_a_killed_embedding_service_is_waited_for(shaky: LocalStack, client: LearnerClient):
    pool = client.create_pool(new_id())
    pid = shaky.pids["the embedding service"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    summary = client.import_clips(
        pool.pool_id, [NewClip("a", encoded(tone()))], timeout=timedelta(seconds=60)
    )
    assert (summary.imported_count, summary.failures) == (1, ())
