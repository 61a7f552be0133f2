"""Taking what messages of any values say: pools, clips, tasks and labels, each read at once."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf.field_mask_pb2 import FieldMask
from tests.fuzz.messages import Maker
from tests.rpc.learner.given_back import lost
from tests.rpc.learner.scenes import new_id
from tests.rpc.learner.test_status_codes import check

from aloe.client import LearnerClient
from aloe.learner.rpc.tasks import SETTINGS
from aloe.v1 import labeling_pb2, pool_pb2, recording_pb2, task_pb2
from aloe.wire.arrays import encode_matrix

CLIP_FIELDS: Mapping[str, str | None] = {
    # Told by the name; kept where the pool keeps audio; a set, which may hold the clip's own id.
    "clip_id": None,
    "audio": None,
    "other_ids": None,
}
TEXTS = {
    "classes": ["yes", "no", "may be", "ж"],
    "label": ["yes", "no"],
    "uri": ["", "file:///a b/ж.wav", "s3://bucket/key?v=1"],
    "content_hash": ["", "0123456789abcdef" * 2],
    "oracle_id": ["", "ann", "bob@host:1"],
    "encoder_id": ["logmel"],
    "encoder_fingerprint": ["fingerprint", "ж f"],
    "message": ["cut off", "line\nline", "\0"],
    "request_id": ["", "request-1"],
}


@dataclass(frozen=True)
class Learner:
    """A learner, and what is asked of it."""

    raw: Any
    client: LearnerClient
    address: str
    folder: Path

    def answer(self, rpc: str, request: Any) -> Any:
        """Return the answer of a call; None where it is refused as it should be."""
        streams = rpc == "ImportClips"
        try:
            return getattr(self.raw, rpc)(iter([request]) if streams else request, timeout=20)
        except grpc.RpcError as error:
            check(error, request)
            return None


def made_pool(learner: Learner, chance: random.Random, wildness: float) -> str:
    """Create a pool of embeddings of one value; a plain one where what was asked is refused."""
    pool_id = new_id()
    maker = Maker(chance, TEXTS, wildness=wildness)
    wanted: Any = maker.make(pool_pb2.Pool.DESCRIPTOR)
    wanted.keep_audio, wanted.embedding_dim = False, 1
    request = pool_pb2.CreatePoolRequest(pool_id=pool_id, pool=wanted)
    if learner.answer("CreatePool", request) is None:
        learner.client.create_pool(pool_id, encoder_fingerprint="f", embedding_dim=1)
        return pool_id
    name = f"pools/{pool_id}"
    pools = [learner.raw.GetPool(pool_pb2.GetPoolRequest(name=name)).pool]
    pools += learner.raw.ListPools(pool_pb2.ListPoolsRequest()).pools
    assert [pool.name for pool in pools].count(name) == 2
    for pool in pools:
        if pool.name == name:
            assert list(lost(wanted, pool)) == []
    return pool_id


def imported(
    learner: Learner, chance: random.Random, wildness: float, pool_id: str
) -> dict[str, Any]:
    """Import clips; return those that were taken."""
    night = f"pools/{pool_id}/recordings/night"
    texts = {
        **TEXTS,
        "clip_id": ["a", "b.c", "d~1", "e_2", "-f"],
        "other_ids": ["x", "y", "z"],
        "recording": ["", night],
    }
    maker = Maker(chance, texts, wildness=wildness, fullness=0.7)
    wanted: list[Any] = [maker.make(pool_pb2.NewClip.DESCRIPTOR) for _ in range(4)]
    for number, clip in enumerate(wanted):
        # Each by itself: clips of one id would be one clip, or none.
        clip.clip_id += str(number)
    recording: Any = maker.make(recording_pb2.Recording.DESCRIPTOR)
    recording.name, recording.content_hash = night, "0123456789abcdef" * 2
    known = pool_pb2.ImportClipsRequest(pool=f"pools/{pool_id}", recordings=[recording])
    if learner.answer("ImportClips", known) is not None:
        asked = recording_pb2.GetRecordingRequest(name=night)
        assert list(lost(recording, learner.raw.GetRecording(asked).recording)) == []
    request = pool_pb2.ImportClipsRequest(
        pool=f"pools/{pool_id}",
        clips=wanted,
        duplicate_rule=pool_pb2.DUPLICATE_RULE_KEEP,
        embeddings=encode_matrix(np.arange(4, dtype=np.float32).reshape(4, 1)),
    )
    answer = learner.answer("ImportClips", request)
    failed = [failure.clip_id for failure in answer.failures]
    codes = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS}
    assert {failure.status.code for failure in answer.failures} <= {c.value[0] for c in codes}
    taken = {each.clip_id: each for each in wanted if each.clip_id[:200] not in failed}
    _check_clips(learner, pool_id, taken)
    return taken


def _check_clips(learner: Learner, pool_id: str, wanted: Mapping[str, Any]) -> None:
    pool = f"pools/{pool_id}"
    listed = learner.raw.ListClips(pool_pb2.ListClipsRequest(pool=pool)).clips
    exported = [
        clip
        for message in learner.raw.ExportClips(pool_pb2.ExportClipsRequest(pool=pool))
        for clip in message.clips
    ]
    got = [
        learner.raw.GetClip(pool_pb2.GetClipRequest(name=f"{pool}/clips/{clip_id}")).clip
        for clip_id in wanted
    ]
    for clips in (listed, exported, got):
        read = {clip.name.rpartition("/")[2]: clip for clip in clips}
        assert read.keys() == wanted.keys()
        for clip_id, clip in wanted.items():
            assert list(lost(clip, read[clip_id], CLIP_FIELDS)) == []
            assert list(lost(clip.audio.decoding, read[clip_id].decoding)) == []
            assert set(clip.other_ids) - {clip_id} <= set(read[clip_id].other_ids)


def made_task(learner: Learner, chance: random.Random, wildness: float, pool_id: str) -> str | None:
    maker = Maker(chance, TEXTS, wildness=wildness)
    wanted: Any = maker.make(task_pb2.Task.DESCRIPTOR)
    wanted.pool = f"pools/{pool_id}"
    if chance.random() < 0.8:
        wanted.classes[:] = chance.sample(TEXTS["classes"], 3)
    task_id = new_id()
    request = task_pb2.CreateTaskRequest(task_id=task_id, task=wanted)
    if learner.answer("CreateTask", request) is None:
        return None
    for task in _tasks(learner, pool_id, task_id):
        assert list(lost(wanted, task)) == []
    return task_id


def _tasks(learner: Learner, pool_id: str, task_id: str) -> Iterator[Any]:
    """Yield a task as every call tells it."""
    name = f"tasks/{task_id}"
    yield learner.raw.GetTask(task_pb2.GetTaskRequest(name=name)).task
    listed = learner.raw.ListTasks(task_pb2.ListTasksRequest(pool=f"pools/{pool_id}")).tasks
    (found,) = [task for task in listed if task.name == name]
    yield found
    watched = learner.raw.WatchTask(task_pb2.WatchTaskRequest(task=name))
    yield next(watched).task
    watched.cancel()


def updated(learner: Learner, chance: random.Random, wildness: float, task_id: str) -> None:
    wanted: Any = Maker(chance, TEXTS, wildness=wildness).make(task_pb2.Task.DESCRIPTOR)
    wanted.name = f"tasks/{task_id}"
    mask = FieldMask(paths=chance.sample(SETTINGS, 2))
    request = task_pb2.UpdateTaskRequest(task=wanted, update_mask=mask)
    if learner.answer("UpdateTask", request) is not None:
        changed = task_pb2.Task()
        mask.MergeMessage(wanted, changed)
        pool_id = learner.client.get_task(task_id).pool_id
        for task in _tasks(learner, pool_id, task_id):
            assert list(lost(changed, task)) == []


def labeled(
    learner: Learner, chance: random.Random, wildness: float, pool_id: str, task_id: str
) -> None:
    """Import labels one by one, each in the place of what the clip had."""
    texts = {**TEXTS, "clip": _names(learner, pool_id)}
    maker = Maker(chance, texts, wildness=wildness, fullness=0.9)
    for _ in range(3):
        wanted: Any = maker.make(labeling_pb2.KnownLabel.DESCRIPTOR)
        learner.answer("ImportLabels", _import_of(task_id, [_other(wanted)]))
        if learner.answer("ImportLabels", _import_of(task_id, [wanted])) is None:
            continue
        responses = learner.raw.ExportLabels(
            labeling_pb2.ExportLabelsRequest(task=f"tasks/{task_id}")
        )
        labels = {label.clip: label for response in responses for label in response.labels}
        assert list(lost(wanted, labels[wanted.clip])) == []


def _import_of(task_id: str, labels: list[Any]) -> Any:
    return labeling_pb2.ImportLabelsRequest(task=f"tasks/{task_id}", labels=labels, replace=True)


def _other(label: Any) -> Any:
    """Return a label of the same clip that differs: one that agrees would change nothing."""
    is_test = label.split == labeling_pb2.SPLIT_TEST
    split = labeling_pb2.SPLIT_VALIDATION if is_test else labeling_pb2.SPLIT_TEST
    return labeling_pb2.KnownLabel(clip=label.clip, label=label.label or "yes", split=split)


def queried(
    learner: Learner, chance: random.Random, wildness: float, pool_id: str, task_id: str
) -> None:
    """Lease, answer, and read what happened."""
    maker = Maker(chance, TEXTS, wildness=wildness)
    request: Any = maker.make(labeling_pb2.QueryRequest.DESCRIPTOR)
    request.task, request.min_head_version = f"tasks/{task_id}", 0
    answer = learner.answer("Query", request)
    clips = {clip.clip_id: clip for clip in learner.client.list_clips(pool_id)}
    for lease in answer.leases if answer else ():
        clip = clips[lease.clip.rpartition("/")[2]]
        assert lease.uri == clip.uri
        answers = [labeling_pb2.Answer(lease_id=lease.lease_id, label="yes")]
        learner.answer(
            "SubmitLabels",
            labeling_pb2.SubmitLabelsRequest(
                task=request.task, oracle_id=request.oracle_id, answers=answers
            ),
        )


def _names(learner: Learner, pool_id: str) -> list[str]:
    return [f"pools/{pool_id}/clips/{each.clip_id}" for each in learner.client.list_clips(pool_id)]
