"""PredictPool: the same as Predict for each clip, with what is known of it, in the pool's order."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.rpc.learner.scenes import CLASSES, DIM, FINGERPRINT, Scene, make_scene, new_id

from aloe.client import (
    AsyncLearnerClient,
    ClipState,
    FailedPrecondition,
    InvalidArgument,
    KnownLabel,
    LearnerClient,
    NewClip,
    NotFound,
    PoolPredictions,
    RecipeName,
    Split,
)


@pytest.fixture
def trained(client: LearnerClient, scene: Scene) -> Scene:
    version = scene.seed_labels(validation_count=3)
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    return scene


def whole(client: LearnerClient, task_id: str, **options) -> PoolPredictions:
    (block,) = client.predict_pool(task_id, **options)
    return block


def test_each_clip_is_predicted_as_by_predict_with_what_is_known_of_it(
    client: LearnerClient, trained: Scene
):
    block = whole(client, trained.task_id)
    ids = list(trained.truth)
    assert (list(block.clip_ids), block.clip_numbers.tolist()) == (ids, list(range(len(ids))))
    alone = client.predict(trained.task_id, clip_ids=ids)
    assert_array_equal(block.probabilities, alone.probabilities)
    assert (block.labels, block.classes) == (alone.labels, CLASSES)
    assert (block.head_version, block.clip_count) == (alone.head_version, len(ids))
    assert (block.accepted, block.expected_error) == (None, None)
    known = {each.clip_id: each for each in client.export_labels(trained.task_id)}
    for clip_id, state, index in zip(ids, block.states, block.label_indices, strict=True):
        label = known.get(clip_id)
        if label is None:
            assert (state, index) == (ClipState.UNLABELED, -1)
        else:
            is_train = label.split is Split.TRAIN
            assert state is (ClipState.LABELED if is_train else ClipState.VALIDATION)
            assert CLASSES[index] == label.label


def test_clips_that_were_deleted_are_left_out(client: LearnerClient, trained: Scene):
    ids = list(trained.truth)
    client.delete_clips(trained.pool_id, [ids[0], ids[10], ids[-1]])
    block = whole(client, trained.task_id)
    assert list(block.clip_ids) == [*ids[1:10], *ids[11:-1]]
    assert block.clip_numbers.tolist() == [*range(1, 10), *range(11, len(ids) - 1)]
    assert block.clip_count == len(ids) - 3


def test_a_clip_with_a_new_name_has_that(client: LearnerClient, trained: Scene):
    ids = list(trained.truth)
    client.rename_clip(trained.pool_id, ids[4], "renamed")
    assert whole(client, trained.task_id).clip_ids[4] == "renamed"


def test_it_begins_where_it_is_told_to(client: LearnerClient, trained: Scene):
    ids, all_of_it = list(trained.truth), whole(client, trained.task_id)
    rest = whole(client, trained.task_id, min_clip_number=20)
    assert list(rest.clip_ids) == ids[20:]
    assert_array_equal(rest.probabilities, all_of_it.probabilities[20:])
    assert rest.clip_count == len(ids) - 20
    assert list(client.predict_pool(trained.task_id, min_clip_number=len(ids))) == []
    assert list(client.predict_pool(trained.task_id, min_clip_number=10**9)) == []


def test_a_large_pool_comes_in_blocks_that_each_know_the_classes(client: LearnerClient):
    scene = make_scene(client, 12_001)
    version = scene.seed_labels()
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    blocks = list(client.predict_pool(scene.task_id))
    assert [len(each.clip_ids) for each in blocks] == [5_000, 5_000, 2_001]
    assert {(each.classes, each.clip_count) for each in blocks} == {(CLASSES, 12_001)}
    ids = [clip_id for each in blocks for clip_id in each.clip_ids]
    assert ids == list(scene.truth)
    probabilities = np.concatenate([each.probabilities for each in blocks])
    expected = client.predict(scene.task_id, embeddings=scene.embeddings).probabilities
    assert_allclose(probabilities, expected, atol=1e-6)


def test_of_the_whole_pool_few_that_are_accepted_are_expected_to_be_wrong(client: LearnerClient):
    scene = make_scene(client, 600, recipe=RecipeName.BEST, head_recipe=None)
    version = scene.seed_labels(60)
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    (block,) = client.predict_pool(scene.task_id, max_expected_error=0.02)
    assert block.accepted is not None
    assert block.expected_error is not None
    assert block.expected_error <= 0.02
    is_open = np.array([state is ClipState.UNLABELED for state in block.states])
    assert block.accepted.any()
    assert not block.accepted[~is_open].any()
    surest = block.probabilities.max(axis=1)
    assert surest[block.accepted].min() >= surest[is_open & ~block.accepted].max(initial=0)
    # The rest of a stream accepts the same.
    (rest,) = client.predict_pool(scene.task_id, max_expected_error=0.02, min_clip_number=300)
    assert_array_equal(rest.accepted, block.accepted[300:])
    (strict,) = client.predict_pool(scene.task_id, max_expected_error=0.0)
    assert strict.accepted is not None
    assert strict.accepted.sum() <= block.accepted.sum()


def test_an_older_head_is_used_where_it_is_asked_for(client: LearnerClient, trained: Scene):
    before = whole(client, trained.task_id)
    client.promote_head(trained.task_id, "production", before.head_version)
    clip_id = list(trained.truth)[30]
    version = client.import_labels(
        trained.task_id, [KnownLabel(clip_id, trained.truth[clip_id])]
    ).head_version
    assert version is not None
    client.predict(trained.task_id, embeddings=trained.embeddings[:1], min_head_version=version)
    again = whole(client, trained.task_id, head="production")
    assert_array_equal(again.probabilities, before.probabilities)
    assert again.states[30] is ClipState.LABELED
    assert whole(client, trained.task_id).head_version == version


def test_bad_requests_are_refused(client: LearnerClient, trained: Scene):
    with pytest.raises(NotFound, match="promoted to 'nothing'"):
        list(client.predict_pool(trained.task_id, head="nothing"))
    with pytest.raises(FailedPrecondition, match="keeps no head 99"):
        list(client.predict_pool(trained.task_id, head=99))
    for error in (-0.1, 1.5, float("nan")):
        with pytest.raises(InvalidArgument) as caught:
            list(client.predict_pool(trained.task_id, max_expected_error=error))
        assert [each.field for each in caught.value.violations] == ["max_expected_error"]
    with pytest.raises(InvalidArgument, match="no estimate"):
        list(client.predict_pool(trained.task_id, max_expected_error=0.02))
    with pytest.raises(NotFound):
        list(client.predict_pool(new_id()))


def test_a_task_without_a_head_predicts_nothing(client: LearnerClient, scene: Scene):
    with pytest.raises(FailedPrecondition, match="no head yet"):
        list(client.predict_pool(scene.task_id))


async def test_the_asyncio_client_streams_as_well(
    async_client: AsyncLearnerClient, client: LearnerClient, trained: Scene
):
    blocks = [each async for each in async_client.predict_pool(trained.task_id)]
    assert_array_equal(blocks[0].probabilities, whole(client, trained.task_id).probabilities)


def test_clips_that_come_later_are_predicted_from_then_on(client: LearnerClient, trained: Scene):
    embedding = np.ones(DIM, np.float32)
    client.import_clips(
        trained.pool_id, [NewClip("later", embedding=embedding)], encoder_fingerprint=FINGERPRINT
    )
    assert whole(client, trained.task_id).clip_ids[-1] == "later"
