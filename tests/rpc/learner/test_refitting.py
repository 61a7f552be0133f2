"""A person asks for new maps of a pool; heads read them from the next one on."""

import pytest
from tests.rpc.learner.scenes import Scene, clip_id, clusters, make_scene, new_id
from tests.rpc.learner.test_representations import trained

from aloe.client import (
    FailedPrecondition,
    InvalidArgument,
    KnownLabel,
    LearnerClient,
    NewClip,
    NotFound,
    Representation,
    connect_async,
)
from aloe.local import LocalStack
from aloe.values.states import EventKind


@pytest.fixture
def mapped(client: LearnerClient) -> Scene:
    """A task whose first head reads the first map."""
    scene = make_scene(client)
    client.update_task(scene.task_id, representation=Representation.KERNEL)
    trained(scene)
    return scene


def grow(scene: Scene) -> None:
    """Add a clip, which is too few for a new map."""
    embeddings, _ = clusters(61)
    scene.client.import_clips(scene.pool_id, [NewClip(clip_id(60), embedding=embeddings[60])])


def maps_of_rounds(scene: Scene) -> list[str]:
    return [each.map_name for each in scene.client.list_rounds(scene.task_id)]


def test_a_new_map_is_read_from_the_next_head_on_and_each_head_keeps_its_own(mapped: Scene):
    client = mapped.client
    (first,) = maps_of_rounds(mapped)
    before = client.predict(mapped.task_id, embeddings=mapped.embeddings)
    grow(mapped)
    (fitted,) = client.refit_pool(mapped.pool_id)
    assert (fitted.representation, fitted.version, fitted.clip_count) == (
        *(Representation.KERNEL, 2, 61),
    )
    assert fitted.map_name.startswith("kernel.2.")
    after = client.predict(mapped.task_id, embeddings=mapped.embeddings)
    assert (before.probabilities == after.probabilities).all()
    assert mapped.query(max_clip_count=1)
    labels = [KnownLabel(clip_id(row), mapped.truth[clip_id(row)]) for row in range(20, 26)]
    version = client.import_labels(mapped.task_id, labels).head_version or 0
    client.predict(mapped.task_id, clip_ids=[clip_id(60)], min_head_version=version)
    assert maps_of_rounds(mapped) == [first, fitted.map_name]
    heads = [client.export_head(mapped.task_id, number) for number in (1, 2)]
    assert [each.map_name for each in heads] == [first, fitted.map_name]
    events = [each for each in client.list_events(mapped.task_id) if each.map_name]
    assert [(each.kind, each.head_version, each.map_name) for each in events] == [
        (EventKind.HEAD_TRAINED, 1, first),
        (EventKind.HEAD_TRAINED, 2, fitted.map_name),
    ]


async def test_the_same_clips_keep_their_map(mapped: Scene, stack: LocalStack):
    async with connect_async(stack.learner_address) as client:
        for _ in range(2):
            (found,) = await client.refit_pool(mapped.pool_id)
            assert [found.map_name] == maps_of_rounds(mapped)
            assert (found.version, found.clip_count) == (1, 60)


def test_every_kind_that_a_task_reads_is_fitted(mapped: Scene):
    client = mapped.client
    classes = client.get_task(mapped.task_id).classes
    for number, kind in enumerate((Representation.LINEAR, Representation.NONE)):
        task_id = f"{mapped.task_id}-{number}"
        client.create_task(task_id, mapped.pool_id, classes, representation=kind)
    found = client.refit_pool(mapped.pool_id)
    assert [(each.representation, each.version) for each in found] == [
        (Representation.LINEAR, 1),
        (Representation.KERNEL, 1),
    ]


def test_a_pool_without_clips_or_without_a_task_that_reads_a_map_is_refused(client: LearnerClient):
    scene = make_scene(client)  # Its head reads embeddings.
    empty = client.create_pool(new_id(), encoder_fingerprint="f", embedding_dim=2)
    client.create_task(new_id(), empty.pool_id, ["a", "b"])
    for pool_id, why in ((scene.pool_id, "reads a map"), (empty.pool_id, "has no clips")):
        with pytest.raises(FailedPrecondition, match=why) as caught:
            client.refit_pool(pool_id)
        assert caught.value.reason == "NOTHING_TO_FIT"
    with pytest.raises(NotFound, match="nowhere"):
        client.refit_pool("nowhere")
    with pytest.raises(InvalidArgument, match="pool_id"):
        client.refit_pool("a/b")
