"""Whatever is taken, every read gives back, to both clients and in a backup; all else is refused.

Messages are made by walking the protos, so that a field that is added is tried without being named
here: one that can be written and not be read fails.
"""

import asyncio
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.fuzz.messages import Maker
from tests.rpc.learner.given_back import lost
from tests.rpc.learner.scenes import new_id
from tests.rpc.learner.test_status_codes import check

from aloe.cli.backup.dump import dump_pool
from aloe.cli.backup.restore import restore_pool
from aloe.cli.console import json_line, plain
from aloe.client import LearnerClient, connect_async
from aloe.learner.rpc.tasks import SETTINGS
from aloe.local import LocalStack
from aloe.v1 import labeling_pb2, pool_pb2, task_pb2
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
FEW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    # Shrinking would make a hundred pools more.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=400)
CHANCE = st.randoms(use_true_random=False)
WILDNESS = st.sampled_from([0.0, 0.02, 0.2])


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


@pytest.fixture(scope="session")
def learner(raw, client, stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Learner:
    return Learner(raw, client, stack.learner_address, tmp_path_factory.mktemp("backups"))


def check_given_back(learner: Learner, chance: random.Random, wildness: float) -> None:
    """Make a pool with clips, tasks and labels; read it in every way, and restore a backup."""
    pool_id = _made_pool(learner, chance, wildness)
    clips = _imported(learner, chance, wildness, pool_id)
    task_ids = [_made_task(learner, chance, wildness, pool_id) for _ in range(2)]
    for task_id in filter(None, task_ids):
        _updated(learner, chance, wildness, task_id)
        _labeled(learner, chance, wildness, pool_id, task_id)
        _queried(learner, chance, wildness, pool_id, task_id)
    seen = asyncio.run(_read(learner, pool_id))
    assert len(seen["clips"]) == len(clips)
    if clips:
        _check_backup(learner, pool_id, seen)
    for task in seen["tasks"]:
        learner.client.delete_task(task.task_id)
    learner.client.delete_pool(pool_id)


@FEW
@given(CHANCE, WILDNESS)
def test_what_is_taken_is_given_back(learner: Learner, chance, wildness):
    check_given_back(learner, chance, wildness)


@pytest.mark.slow
@pytest.mark.timeout(900)
@MANY
@given(CHANCE, WILDNESS)
def test_what_is_taken_is_given_back_at_length(learner: Learner, chance, wildness):
    check_given_back(learner, chance, wildness)


def _made_pool(learner: Learner, chance: random.Random, wildness: float) -> str:
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


def _imported(
    learner: Learner, chance: random.Random, wildness: float, pool_id: str
) -> dict[str, Any]:
    """Import clips; return those that were taken."""
    texts = {**TEXTS, "clip_id": ["a", "b.c", "d~1", "e_2", "-f"], "other_ids": ["x", "y", "z"]}
    maker = Maker(chance, texts, wildness=wildness, fullness=0.7)
    wanted: list[Any] = [maker.make(pool_pb2.NewClip.DESCRIPTOR) for _ in range(4)]
    for number, clip in enumerate(wanted):
        # Each by itself: clips of one id would be one clip, or none.
        clip.clip_id += str(number)
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


def _made_task(
    learner: Learner, chance: random.Random, wildness: float, pool_id: str
) -> str | None:
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


def _updated(learner: Learner, chance: random.Random, wildness: float, task_id: str) -> None:
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


def _labeled(
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


def _queried(
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


async def _read(learner: Learner, pool_id: str) -> dict[str, Any]:
    """Read all of a pool with both clients, as Python values and as JSON; they must agree."""
    async with connect_async(learner.address) as other:
        client = learner.client
        tasks = client.list_tasks(pool_id)
        pairs = {
            "pool": (client.get_pool(pool_id), await other.get_pool(pool_id)),
            "clips": (
                list(client.list_clips(pool_id)),
                [each async for each in other.list_clips(pool_id)],
            ),
            "exported": (
                [each.clip for each in client.export_clips(pool_id)],
                [each.clip async for each in other.export_clips(pool_id)],
            ),
            "labels": (
                {task.task_id: list(client.export_labels(task.task_id)) for task in tasks},
                {
                    task.task_id: [each async for each in other.export_labels(task.task_id)]
                    for task in tasks
                },
            ),
        }
        for task in tasks:
            assert next(iter(client.watch_task(task.task_id))).task.classes == task.classes
            assert [each async for each in other.list_events(task.task_id)]
            json_line(list(client.list_events(task.task_id)))
            json_line(client.list_rounds(task.task_id))
            if task.head_version:
                head = client.export_head(task.task_id)
                assert np.isfinite(head.weights).all()
                assert np.isfinite(head.biases).all()
    for name, (one, same) in pairs.items():
        assert one == same, name
        assert json.loads(json_line(one)) == plain(one), name
    assert pairs["clips"] == pairs["exported"]
    return {"tasks": tasks} | {name: one for name, (one, _) in pairs.items()}


def _check_backup(learner: Learner, pool_id: str, seen: Mapping[str, Any]) -> None:
    """Dump the pool, make it anew under another name, and compare."""
    file, restored_id = learner.folder / f"{pool_id}.parquet", new_id()
    dump_pool(learner.client, pool_id, file, lambda _: None)
    restored = restore_pool(learner.client, restored_id, file, lambda _: None)
    file.unlink()
    again = asyncio.run(_read(learner, restored_id))
    assert again["clips"] == seen["clips"]
    for task in seen["tasks"]:
        new_task_id = restored.tasks[task.task_id]
        assert again["labels"][new_task_id] == seen["labels"][task.task_id]
        (same,) = [each for each in again["tasks"] if each.task_id == new_task_id]
        for field in ("classes", *SETTINGS, "seed"):
            assert getattr(same, field) == getattr(task, field), field
        learner.client.delete_task(new_task_id)
    learner.client.delete_pool(restored_id)
