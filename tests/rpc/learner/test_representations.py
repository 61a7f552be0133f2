"""Tasks whose heads read a map of the embeddings instead of them."""

import numpy as np
import pytest
from tests.rpc.learner.scenes import CLASSES, Scene, clip_id, clusters, make_scene

from aloe.client import KnownLabel, LearnerClient, NewClip, Representation

MAPS = [Representation.LINEAR, Representation.KERNEL]


@pytest.fixture(params=MAPS)
def mapped(request, client: LearnerClient) -> Scene:
    scene = make_scene(client)
    client.update_task(scene.task_id, representation=request.param)
    return scene


def trained(scene: Scene) -> int:
    """Train a head on seed labels; return its version."""
    version = scene.seed_labels()
    scene.client.predict(scene.task_id, clip_ids=[clip_id(0)], min_head_version=version)
    return version


def map_of(scene: Scene, version: int) -> str:
    head = scene.client.export_head(scene.task_id, version)
    assert head.map_name.startswith(f"{head.representation.value}.")
    return head.map_name


def test_clips_and_their_embeddings_are_predicted_alike(mapped: Scene):
    version = mapped.seed_labels()
    representation = mapped.client.get_task(mapped.task_id).representation
    names = list(mapped.truth)
    by_name = mapped.client.predict(mapped.task_id, clip_ids=names, min_head_version=version)
    by_embedding = mapped.client.predict(mapped.task_id, embeddings=mapped.embeddings)
    assert np.array_equal(by_name.probabilities, by_embedding.probabilities)
    right = [label == mapped.truth[name] for label, name in zip(by_name.labels, names, strict=True)]
    assert np.mean(right) > 0.6
    head = mapped.client.export_head(mapped.task_id)
    assert head.representation is representation
    assert head.weights.shape[1] == len(CLASSES)
    dim = mapped.embeddings.shape[1] if representation is Representation.LINEAR else 256
    assert len(head.weights) == dim
    # What is exported is enough to predict elsewhere.
    assert np.allclose(head.probabilities(mapped.embeddings), by_name.probabilities, atol=1e-4)


def test_queries_go_on_through_heads_of_a_map(mapped: Scene):
    version = mapped.seed_labels()
    asked: set[str] = set()
    for _ in range(3):
        leases = mapped.query(max_clip_count=4, min_head_version=version)
        assert len(leases) == 4
        assert not asked & {lease.clip_id for lease in leases}
        asked |= {lease.clip_id for lease in leases}
        assert all(lease.score is not None for lease in leases)
        version = mapped.answer(leases).head_version or version


def test_tasks_on_a_pool_share_its_map_and_it_stays_when_the_pool_grows(mapped: Scene):
    client = mapped.client
    first = map_of(mapped, trained(mapped))
    representation = client.get_task(mapped.task_id).representation
    embeddings, classes = clusters(90)
    client.import_clips(
        mapped.pool_id,
        [NewClip(clip_id(row), embedding=embeddings[row]) for row in range(60, 90)],
    )
    other = f"{mapped.task_id}-other"
    client.create_task(other, mapped.pool_id, CLASSES, representation=representation)
    labels = [KnownLabel(clip_id(row), classes[row]) for row in (0, 1, 2, 60, 61, 62)]
    version = client.import_labels(other, labels).head_version
    found = client.predict(other, clip_ids=[clip_id(89)], min_head_version=version or 0)
    again = client.predict(other, embeddings=embeddings[89:])
    assert np.array_equal(found.probabilities, again.probabilities)
    assert client.export_head(other).map_name == first


def test_a_pool_that_grew_tenfold_gets_a_new_map_with_the_next_head(mapped: Scene):
    client = mapped.client
    first = map_of(mapped, trained(mapped))
    embeddings, classes = clusters(600)
    client.import_clips(
        mapped.pool_id,
        [NewClip(clip_id(row), embedding=embeddings[row]) for row in range(60, 600)],
    )
    assert mapped.query(max_clip_count=1)
    assert map_of(mapped, 1) == first
    labels = [KnownLabel(clip_id(row), classes[row]) for row in range(300, 310)]
    version = client.import_labels(mapped.task_id, labels).head_version or 0
    client.predict(mapped.task_id, clip_ids=[clip_id(599)], min_head_version=version)
    second = map_of(mapped, version)
    assert second.split(".")[:2] == [first.split(".")[0], "2"]


def test_another_representation_holds_from_the_next_head_on(scene: Scene):
    trained(scene)
    assert scene.client.export_head(scene.task_id).map_name == ""
    scene.client.update_task(scene.task_id, representation=Representation.KERNEL)
    assert scene.client.export_head(scene.task_id).representation is Representation.NONE
    assert scene.query(max_clip_count=2)
    version = scene.answer(scene.query(max_clip_count=3)).head_version or 0
    scene.client.predict(scene.task_id, clip_ids=list(scene.truth), min_head_version=version)
    assert scene.client.export_head(scene.task_id).representation is Representation.KERNEL
