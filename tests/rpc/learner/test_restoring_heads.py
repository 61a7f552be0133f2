"""Heads are backed up from one task and restored into another, to the last bit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.rpc.learner.scenes import DIM, Scene, fails_with, make_scene, refused

from aloe.client import (
    AlreadyExists,
    AsyncLearnerClient,
    EncoderMismatch,
    HeadBackup,
    KnownLabel,
    LabelMode,
    LabelOrigins,
    LabelSet,
    LearnerClient,
    Representation,
)
from aloe.v1 import head_pb2

ORIGINS = LabelOrigins((3, 2, 1), {"ann": 4, "": 2})


def backup_of(client: LearnerClient, scene: Scene) -> HeadBackup:
    version = scene.seed_labels(validation_count=9)
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    return client.back_up_head(scene.task_id, version)


@pytest.mark.parametrize("representation", Representation)
def test_a_restored_head_predicts_the_same_and_tells_the_same(
    client: LearnerClient, representation: Representation
):
    scene = make_scene(client, representation=representation)
    backup = backup_of(client, scene)
    copy = make_scene(client, representation=representation)
    client.restore_head(copy.task_id, backup, ORIGINS)
    client.restore_head(copy.task_id, backup, ORIGINS)
    before = client.predict(scene.task_id, embeddings=scene.embeddings)
    after = client.predict(copy.task_id, embeddings=scene.embeddings, head=backup.version)
    assert_array_equal(after.probabilities, before.probabilities)
    of_clips = client.predict(copy.task_id, clip_ids=list(copy.truth))
    assert_array_equal(of_clips.probabilities, before.probabilities)
    (told,), (trained,) = client.list_rounds(copy.task_id), client.list_rounds(scene.task_id)
    assert replace(told, label_origins=None, head_times=trained.head_times) == trained
    assert told.label_origins == ORIGINS
    assert client.back_up_head(copy.task_id, backup.version).map == backup.map
    # Its own heads come after it, and labels are asked by it until then.
    leases = client.query(copy.task_id, "ann", max_clip_count=3)
    assert leases.head_version == backup.version
    assert copy.answer(leases.leases).head_version in (None, backup.version + 1)


def test_a_head_of_several_labels_is_restored(client: LearnerClient):
    scene = make_scene(client, label_mode=LabelMode.MULTIPLE)
    labels = [KnownLabel(each, LabelSet((name,))) for each, name in list(scene.truth.items())[:30]]
    version = client.import_labels(scene.task_id, labels).head_version or 0
    before = client.predict(
        scene.task_id, embeddings=scene.embeddings, min_head_version=version
    ).probabilities
    backup = client.back_up_head(scene.task_id, version)
    copy = make_scene(client, label_mode=LabelMode.MULTIPLE)
    client.restore_head(copy.task_id, backup)
    after = client.predict(copy.task_id, embeddings=scene.embeddings).probabilities
    assert_array_equal(after, before)
    with refused("head.label_mode"):
        client.restore_head(make_scene(client).task_id, backup)


async def test_the_asyncio_client_restores_as_well(
    client: LearnerClient, async_client: AsyncLearnerClient, scene: Scene
):
    expected = backup_of(client, scene)
    backup = await async_client.back_up_head(scene.task_id, expected.version)
    assert backup == expected
    copy = make_scene(client)
    await async_client.restore_head(copy.task_id, backup, ORIGINS)
    assert client.get_task(copy.task_id).head_version == backup.version


def test_another_head_of_its_version_is_left_as_it_is(client: LearnerClient, scene: Scene):
    backup = backup_of(client, scene)
    other = make_scene(client, seed=2)
    version = backup_of(client, other).version
    before = client.export_head(other.task_id, version).weights
    with fails_with("ALREADY_EXISTS", AlreadyExists):
        client.restore_head(other.task_id, backup)
    assert np.array_equal(client.export_head(other.task_id, version).weights, before)


def test_a_head_of_another_encoder_is_refused(client: LearnerClient, scene: Scene):
    backup = backup_of(client, scene)
    message = head_pb2.Head.FromString(backup.head)
    message.encoder_fingerprint = "another"
    with fails_with("ENCODER_MISMATCH", EncoderMismatch):
        client.restore_head(
            make_scene(client).task_id, replace(backup, head=message.SerializeToString())
        )


def _no_class(request: head_pb2.RestoreHeadRequest) -> None:
    request.head.classes[0] = "owl"


def _turned(request: head_pb2.RestoreHeadRequest) -> None:
    request.head.classes[:] = reversed(request.head.classes)


def _narrow(request: head_pb2.RestoreHeadRequest) -> None:
    request.head.weights.row_count -= 1
    request.head.weights.values = request.head.weights.values[: 12 * (DIM - 1)]


def _not_a_number(request: head_pb2.RestoreHeadRequest) -> None:
    request.head.weights.values = np.full((DIM, 3), np.nan, "<f4").tobytes()


def _few_recalls(request: head_pb2.RestoreHeadRequest) -> None:
    del request.round.validation.class_recalls[0]


def _few_counts(request: head_pb2.RestoreHeadRequest) -> None:
    request.round.label_origins.class_label_counts[:] = [1]


def _other_round(request: head_pb2.RestoreHeadRequest) -> None:
    request.round.head_version += 1


def _no_map(request: head_pb2.RestoreHeadRequest) -> None:
    request.head.map_name = "kernel.1.0123456789abcdef"


def _odd_map(request: head_pb2.RestoreHeadRequest) -> None:
    request.head.map_name = "owl"


@pytest.mark.parametrize(
    ("harm", "field"),
    [
        (_no_class, "head.classes"),
        (_turned, "head.classes"),
        (_narrow, "head.weights"),
        (_not_a_number, "head.weights"),
        (_few_recalls, "round.validation.class_recalls"),
        (_few_counts, "round.label_origins.class_label_counts"),
        (_other_round, "round"),
        (_no_map, "head.map"),
        (_odd_map, "head.map_name"),
    ],
)
def test_what_is_no_head_of_the_task_is_refused(
    client: LearnerClient, scene: Scene, harm: Any, field: str
):
    backup = backup_of(client, scene)
    request = head_pb2.RestoreHeadRequest()
    request.head.ParseFromString(backup.head)
    request.round.ParseFromString(backup.round)
    harm(request)
    harmed = HeadBackup(
        backup.version, "", request.head.SerializeToString(), b"", request.round.SerializeToString()
    )
    copy = make_scene(client)
    with refused(field):
        client.restore_head(copy.task_id, harmed)
    assert client.get_task(copy.task_id).head_version == 0


def test_a_map_that_is_not_the_one_it_is_named_by_is_refused(client: LearnerClient):
    scene = make_scene(client, representation=Representation.LINEAR)
    backup = backup_of(client, scene)
    message = head_pb2.HeadMap.FromString(backup.map)
    message.clip_count += 1
    copy = make_scene(client, representation=Representation.LINEAR)
    with refused("head.map"):
        client.restore_head(copy.task_id, replace(backup, map=message.SerializeToString()))
    with refused("backup"):
        client.restore_head(copy.task_id, replace(backup, head=b"\xff"))
