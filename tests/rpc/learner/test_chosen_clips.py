"""Queries by a list of clips and by an example: what is leased, in which order."""

import uuid
from typing import Any

import numpy as np
import pytest
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import (
    DIM,
    Scene,
    check_refused,
    clip_id,
    fails_with,
    make_scene,
    refused,
)

from aloe.client import (
    AsyncLearnerClient,
    ClipUpdate,
    EncoderMismatch,
    EventKind,
    KnownLabel,
    LearnerClient,
    NewClip,
    NotFound,
    Pool,
    PoolState,
    Similarity,
)
from aloe.v1 import labeling_pb2, search_pb2


def most_alike(scene: Scene, example: np.ndarray) -> list[str]:
    """Return the ids of a scene's clips, those of the highest cosine first."""
    lengths = np.linalg.norm(scene.embeddings, axis=1) * np.linalg.norm(example)
    order = np.argsort(-(scene.embeddings @ example) / lengths, kind="stable")
    return [clip_id(row) for row in order]


def ids(leases) -> list[str]:
    return [each.clip_id for each in leases]


def test_clips_that_are_named_are_leased_in_that_order(client: LearnerClient, scene: Scene):
    named = [clip_id(row) for row in (40, 3, 17, 3)]
    leases = scene.query(clip_ids=named)
    assert ids(leases) == named[:3], "each once, and all of them"
    assert all(each.score is None and not each.predicted_class for each in leases)
    none_left = client.query(scene.task_id, "bob", clip_ids=named)
    assert (none_left.leases, none_left.pool_state) == ((), PoolState.ALL_LEASED)
    scene.answer(leases)
    none_left = client.query(scene.task_id, "bob", clip_ids=named)
    assert (none_left.leases, none_left.pool_state) == ((), PoolState.EXHAUSTED)
    more = [clip_id(row) for row in (3, 8, 9, 10)]
    assert ids(scene.query("bob", clip_ids=more, max_clip_count=2)) == more[1:3]


def test_a_named_clip_may_be_called_by_another_name_or_be_new(client: LearnerClient, scene: Scene):
    vector = scene.embeddings[5]
    client.import_clips(scene.pool_id, [NewClip("copy", embedding=vector)])
    client.import_clips(scene.pool_id, [NewClip("new", embedding=2 * vector)])
    assert ids(scene.query(clip_ids=["copy", clip_id(5), "new"])) == [clip_id(5), "new"]


def test_clips_that_are_named_are_narrowed_by_a_filter(client: LearnerClient, scene: Scene):
    client.update_clips(scene.pool_id, [ClipUpdate(clip_id(7), {"site": "north"})])
    leases = scene.query(clip_ids=[clip_id(6), clip_id(7)], filter="site = north")
    assert ids(leases) == [clip_id(7)]


async def test_an_example_is_asked_first_and_then_what_is_most_like_it(
    async_client: AsyncLearnerClient, scene: Scene
):
    expected = most_alike(scene, scene.embeddings[20])
    found = await async_client.query(scene.task_id, "ann", like=clip_id(20), max_clip_count=5)
    assert ids(found.leases) == expected[:5]
    assert expected[0] == clip_id(20)
    scores = [each.score or 0.0 for each in found.leases]
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert scores == sorted(scores, reverse=True)
    assert found.head_version == 0
    more = await async_client.query(scene.task_id, "bob", like=clip_id(20), max_clip_count=5)
    assert ids(more.leases) == expected[5:10], "of what is left"


def test_an_example_orders_named_clips_also_where_a_head_is_there(
    client: LearnerClient, scene: Scene
):
    version = scene.seed_labels()
    example = np.random.default_rng(4).normal(size=DIM).astype(np.float32)
    named = [clip_id(row) for row in (2, 50, 30, 41, 55)]
    found = client.query(
        scene.task_id,
        "ann",
        like=example,
        clip_ids=named,
        max_clip_count=3,
        min_head_version=version,
    )
    expected = [each for each in most_alike(scene, example) if each in named[1:]]
    assert ids(found.leases) == expected[:3], "one of them has a seed label"
    assert found.head_version == 0


def test_a_sound_finds_the_first_positives(client: LearnerClient, audio_pool: Pool):
    frequencies = (300, 500, 900, 2_000)
    clips = [NewClip(f"tone-{each}", encoded(tone(each))) for each in frequencies]
    client.import_clips(audio_pool.pool_id, clips)
    task_id = f"t{uuid.uuid4().hex}"
    client.create_task(task_id, audio_pool.pool_id, ["low", "high"])
    (lease,) = client.query(task_id, "ann", like=encoded(tone(500))).leases
    assert lease.clip_id == "tone-500"


def test_the_same_request_gets_the_same_leases(client: LearnerClient, scene: Scene):
    options: dict[str, Any] = {"like": clip_id(20), "max_clip_count": 2, "request_id": "again"}
    assert scene.query(**options) == scene.query(**options)


def test_what_was_chosen_is_logged_with_its_similarity_and_no_strategy(
    client: LearnerClient, scene: Scene
):
    scene.query(like=clip_id(3), similarity=Similarity.DOT)
    scene.query(clip_ids=[clip_id(9)])
    by_example, named = [
        each for each in client.list_events(scene.task_id) if each.kind is EventKind.CLIPS_LEASED
    ]
    products = scene.embeddings @ scene.embeddings[3]
    assert by_example.changes[0].score == pytest.approx(products.max(), rel=1e-5)
    assert named.changes[0].score is None
    assert by_example.query_strategy is named.query_strategy is None
    *_, replay = client.replay_task(scene.task_id)
    assert (replay.unknown_count, replay.difference_count) == (2, 0)
    assert "asked among what is most like an example" in replay.unknown_text


def test_a_budget_and_a_limit_hold_for_chosen_clips_too(client: LearnerClient):
    scene = make_scene(client, label_budget=3, max_leases_per_oracle=2)
    named = [clip_id(row) for row in range(6)]
    assert len(scene.query(clip_ids=named)) == 2
    assert client.query(scene.task_id, "ann", clip_ids=named).pool_state is PoolState.ORACLE_LIMIT
    assert len(scene.query("bob", like=clip_id(0), max_clip_count=5)) == 1
    assert client.query(scene.task_id, "cy", clip_ids=named).pool_state is PoolState.BUDGET_SPENT


def test_clips_of_validation_are_never_leased(client: LearnerClient, scene: Scene):
    scene.seed_labels(validation_count=5)
    assert ids(scene.query(clip_ids=[clip_id(row) for row in (59, 0, 30)])) == [clip_id(30)]
    found = scene.query("bob", like=clip_id(59), max_clip_count=60)
    assert not set(ids(found)) & {clip_id(row) for row in (*range(6), *range(55, 60))}


def test_what_is_not_there_is_told_and_nothing_is_leased(
    client: LearnerClient, scene: Scene, audio_pool: Pool
):
    other = make_scene(client, 5)
    before = scene.snapshot()
    with fails_with("CLIP_NOT_FOUND", NotFound):
        scene.query(clip_ids=[clip_id(1), "gone"])
    with fails_with("CLIP_NOT_FOUND", NotFound):
        scene.query(like="gone")
    client.import_clips(audio_pool.pool_id, [NewClip("a", encoded(tone(300)))])
    with fails_with("ENCODER_MISMATCH", EncoderMismatch):
        scene.query(like=f"pools/{audio_pool.pool_id}/clips/a")
    with refused("like.embedding"):
        scene.query(like=np.ones(3, np.float32))
    assert scene.query(like=f"pools/{other.pool_id}/clips/{clip_id(0)}")
    assert scene.snapshot() != before


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"clips": ["a"]}, ("clips[0]",)),
        ({"clips": ["CLIP", "pools/other/clips/a"]}, ("clips[1]",)),
        ({"like": search_pb2.Example()}, ("like",)),
        ({"like": search_pb2.Example(clip="a")}, ("like.clip",)),
        ({"clips": ["CLIP"] * 10_001}, ("clips",)),
    ],
)
def test_a_malformed_choice_is_refused(raw, scene: Scene, changes, fields):
    name = f"pools/{scene.pool_id}/clips/{clip_id(0)}"
    clips = [name if each == "CLIP" else each for each in changes.get("clips", ())]
    request = labeling_pb2.QueryRequest(
        **{"task": f"tasks/{scene.task_id}", "oracle_id": "ann", **changes, "clips": clips}
    )
    check_refused(raw, scene, "Query", request, fields)


def test_labels_of_chosen_clips_train_a_head(client: LearnerClient, scene: Scene):
    leases = scene.query(clip_ids=[clip_id(row) for row in range(6)])
    version = scene.answer(leases).head_version
    assert version is not None
    result = client.predict(
        scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version
    )
    assert result.head_version == version
    client.import_labels(scene.task_id, [KnownLabel(clip_id(50), "low")])
