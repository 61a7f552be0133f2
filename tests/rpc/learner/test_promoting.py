"""Predictions by the version or the name of a head."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.rpc.learner.scenes import Scene

from aloe.client import (
    AsyncLearnerClient,
    EventKind,
    FailedPrecondition,
    InvalidArgument,
    KnownLabel,
    LearnerClient,
    NotFound,
)

MANY_HEADS = 8
"""More than are kept."""
NEWEST = 1 + MANY_HEADS


@pytest.fixture
def first(client: LearnerClient, scene: Scene) -> np.ndarray:
    """Promote the first head to production; return what it predicts. Then many are trained."""
    version = scene.seed_labels() or 0
    found = client.predict(scene.task_id, embeddings=scene.embeddings, min_head_version=version)
    client.promote_head(scene.task_id, "production", version)
    for row in range(40, 40 + MANY_HEADS):
        clip_id = list(scene.truth)[row]
        known = [KnownLabel(clip_id, scene.truth[clip_id])]
        newer = client.import_labels(scene.task_id, known).head_version or 0
        client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=newer)
    return found.probabilities


def test_a_promoted_head_predicts_the_same_whatever_is_trained(
    client: LearnerClient, scene: Scene, first: np.ndarray
):
    for head in ("production", 1, "1"):
        found = client.predict(scene.task_id, embeddings=scene.embeddings, head=head)
        assert_array_equal(found.probabilities, first)
        assert found.head_version == 1
        assert client.export_head(scene.task_id, head).version == 1
    newest = client.predict(scene.task_id, embeddings=scene.embeddings)
    assert newest.head_version == NEWEST
    assert not np.array_equal(newest.probabilities, first)
    by_clip = client.predict(scene.task_id, clip_ids=list(scene.truth), head="production")
    assert_array_equal(by_clip.probabilities, first)


def test_going_back_and_taking_a_name_off(client: LearnerClient, scene: Scene, first: np.ndarray):
    promotion = client.promote_head(scene.task_id, "production", NEWEST)
    assert [each.version for each in (promotion.head, *promotion.earlier)] == [NEWEST, 1]
    assert client.list_promotions(scene.task_id) == (promotion,)
    one = scene.embeddings[:1]
    assert client.predict(scene.task_id, embeddings=one, head="production").head_version == NEWEST
    client.promote_head(scene.task_id, "production", promotion.earlier[0].version)
    again = client.predict(scene.task_id, embeddings=scene.embeddings, head="production")
    assert_array_equal(again.probabilities, first)
    client.demote_head(scene.task_id, "production")
    with pytest.raises(NotFound, match="promoted to 'production'") as caught:
        client.predict(scene.task_id, embeddings=one, head="production")
    assert caught.value.reason == "PROMOTION_NOT_FOUND"
    assert client.predict(scene.task_id, embeddings=one, head=1).head_version == 1
    kinds = [(each.kind, each.promotion_id) for each in client.list_events(scene.task_id)]
    assert kinds.count((EventKind.HEAD_PROMOTED, "production")) == 3
    assert kinds[-1] == (EventKind.HEAD_DEMOTED, "production")


def test_heads_that_are_not_kept_are_refused(
    client: LearnerClient, scene: Scene, first: np.ndarray
):
    one = scene.embeddings[:1]
    for version in (2, NEWEST + 1):
        with pytest.raises(FailedPrecondition, match=f"keeps no head {version}") as caught:
            client.predict(scene.task_id, embeddings=one, head=version)
        assert caught.value.reason == "HEAD_VERSION_UNKNOWN"
        with pytest.raises(FailedPrecondition, match=f"keeps no head {version}"):
            client.promote_head(scene.task_id, "production", version)
        with pytest.raises(FailedPrecondition, match=f"keeps no head {version}"):
            client.export_head(scene.task_id, version)


@pytest.mark.parametrize("name", ["", "7", "7th", "a/b", "a b", "_", "x" * 129])
def test_names_that_are_none_are_refused(client: LearnerClient, scene: Scene, name: str):
    with pytest.raises(InvalidArgument) as caught:
        client.promote_head(scene.task_id, name, 1)
    assert [each.field for each in caught.value.violations] == ["promotion_id"]


def test_a_version_and_a_newer_one_cannot_both_be_asked_for(client: LearnerClient, scene: Scene):
    with pytest.raises(InvalidArgument) as caught:
        client.predict(scene.task_id, embeddings=scene.embeddings, min_head_version=1, head=1)
    assert [each.field for each in caught.value.violations] == ["head"]


async def test_the_asyncio_client_promotes_as_well(
    async_client: AsyncLearnerClient, scene: Scene, first: np.ndarray
):
    promotion = await async_client.promote_head(scene.task_id, "canary", 1)
    assert promotion in await async_client.list_promotions(scene.task_id)
    found = await async_client.predict(scene.task_id, embeddings=scene.embeddings, head="canary")
    assert_array_equal(found.probabilities, first)
    assert (await async_client.export_head(scene.task_id, "canary")).version == 1
    await async_client.demote_head(scene.task_id, "canary")
    assert "canary" not in [
        each.promotion_id for each in await async_client.list_promotions(scene.task_id)
    ]
