"""SearchClips: by a clip, a sound or an embedding; exact, narrowed, and never across encoders."""

from typing import Any

import numpy as np
import pytest
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import (
    DIM,
    FINGERPRINT,
    Scene,
    check_refused,
    clip_id,
    fails_with,
    make_scene,
    new_id,
    refused,
)

from aloe.client import (
    AsyncLearnerClient,
    ClipUpdate,
    EncoderMismatch,
    InvalidArgument,
    LearnerClient,
    NewClip,
    NotFound,
    Pool,
    Similarity,
)
from aloe.v1 import audio_pb2, search_pb2
from aloe.wire.arrays import encode_matrix


def by_hand(scene: Scene, example: np.ndarray, similarity: Similarity) -> list[tuple[str, float]]:
    """Return all clips of a scene, the most alike first."""
    values = scene.embeddings.astype(np.float64) @ example.astype(np.float64)
    if similarity is Similarity.COSINE:
        values /= np.linalg.norm(scene.embeddings, axis=1) * np.linalg.norm(example)
    order = np.argsort(-values, kind="stable")
    return [(clip_id(row), values[row]) for row in order]


@pytest.mark.parametrize("similarity", Similarity)
def test_an_embedding_finds_the_clips_most_like_it(
    client: LearnerClient, scene: Scene, similarity: Similarity
):
    example = np.random.default_rng(2).normal(size=DIM).astype(np.float32)
    found = client.search_clips(scene.pool_id, example, similarity=similarity, count=25).found
    expected = by_hand(scene, example, similarity)[:25]
    assert [each.clip.clip_id for each in found] == [each for each, _ in expected]
    np.testing.assert_allclose(
        [each.similarity for each in found], [x for _, x in expected], 1e-5, 1e-6
    )
    whole = client.search_clips(scene.pool_id, example, similarity=similarity, count=10_000)
    assert len(whole.found) == 60


async def test_a_clip_finds_others_and_not_itself(async_client: AsyncLearnerClient, scene: Scene):
    found = (await async_client.search_clips(scene.pool_id, clip_id(7))).found
    expected = by_hand(scene, scene.embeddings[7], Similarity.COSINE)
    assert len(found) == 50
    assert expected[0][0] == clip_id(7)
    assert [each.clip.clip_id for each in found] == [each for each, _ in expected[1:51]]


def test_a_sound_finds_the_clip_that_it_is_and_says_what_was_found_in_it(
    client: LearnerClient, audio_pool: Pool
):
    frequencies = (300, 500, 900, 2_000)
    clips = [NewClip(f"tone-{each}", encoded(tone(each))) for each in frequencies]
    client.import_clips(audio_pool.pool_id, clips)
    results = client.search_clips(audio_pool.pool_id, encoded(tone(900)), count=2)
    assert results.found[0].clip.clip_id == "tone-900"
    assert results.found[0].similarity == pytest.approx(1, abs=1e-4)
    assert results.report.sample_rate_hz == 16_000
    with pytest.raises(InvalidArgument) as caught:
        client.search_clips(audio_pool.pool_id, b"no sound")
    assert caught.value.violations[0].field.startswith("like.audio")


def test_a_search_is_narrowed(client: LearnerClient, scene: Scene):
    client.update_clips(
        scene.pool_id, [ClipUpdate(clip_id(row), {"site": "north"}) for row in range(20)]
    )
    scene.seed_labels(6, validation_count=3)
    scene.query(max_clip_count=4)
    states = {each.clip_id for each in client.export_labels(scene.task_id)}
    example = scene.embeddings[30]

    def found(**options: Any) -> set[str]:
        results = client.search_clips(scene.pool_id, example, count=100, **options).found
        return {each.clip.clip_id for each in results}

    everything = {clip_id(row) for row in range(60)}
    north = {clip_id(row) for row in range(20)}
    task: dict[str, Any] = {"task_id": scene.task_id}
    assert found(filter="site = north") == north
    assert found(filter="state = labeled", **task) == {clip_id(row) for row in range(6)}
    open_clips = found(unlabeled_only=True, **task)
    assert open_clips < everything - states
    assert len(open_clips) == 60 - 9 - 4
    assert found(unlabeled_only=True, filter="site = north", **task) == open_clips & north
    assert found(filter='site = "nowhere"') == set()


def test_clips_that_come_and_go_are_known_at_once(client: LearnerClient, scene: Scene):
    example = 5 * scene.embeddings[0]
    assert client.search_clips(scene.pool_id, example).found[0].clip.clip_id == clip_id(0)
    client.import_clips(scene.pool_id, [NewClip("new", embedding=example)])
    (first,) = client.search_clips(scene.pool_id, example, similarity=Similarity.DOT, count=1).found
    assert first.clip.clip_id == "new"
    client.delete_clips(scene.pool_id, ["new"])
    assert client.search_clips(scene.pool_id, example).found[0].clip.clip_id == clip_id(0)


def test_a_clip_of_another_pool_is_an_example_if_that_has_the_same_encoder(
    client: LearnerClient, scene: Scene
):
    other = make_scene(client, 5)
    found = client.search_clips(scene.pool_id, f"pools/{other.pool_id}/clips/{clip_id(3)}").found
    expected = by_hand(scene, other.embeddings[3], Similarity.COSINE)[:50]
    assert [each.clip.clip_id for each in found] == [each for each, _ in expected]


def test_nothing_is_compared_across_encoders(client: LearnerClient, scene: Scene, audio_pool: Pool):
    sound = encoded(tone(300))
    client.import_clips(audio_pool.pool_id, [NewClip("a", sound)])
    vector = scene.embeddings[0]
    examples: tuple[tuple[Any, str], ...] = (
        (f"pools/{audio_pool.pool_id}/clips/a", ""),
        (sound, ""),
        (vector, "another"),
    )
    for like, fingerprint in examples:
        with fails_with("ENCODER_MISMATCH", EncoderMismatch):
            client.search_clips(scene.pool_id, like, encoder_fingerprint=fingerprint)
    assert client.search_clips(scene.pool_id, vector, encoder_fingerprint=FINGERPRINT).found


def test_nothing_is_compared_with_vectors_of_another_length(client: LearnerClient, scene: Scene):
    shorter = new_id()
    client.create_pool(shorter, encoder_fingerprint=FINGERPRINT, embedding_dim=2)
    client.import_clips(shorter, [NewClip("a", None, np.ones(2, np.float32))])
    for pool_id, like in (
        (shorter, f"pools/{scene.pool_id}/clips/{clip_id(0)}"),
        (scene.pool_id, f"pools/{shorter}/clips/a"),
    ):
        with fails_with("ENCODER_MISMATCH", EncoderMismatch):
            client.search_clips(pool_id, like)


def test_an_empty_pool_has_nothing_alike(client: LearnerClient):
    pool_id = new_id()
    client.create_pool(pool_id, encoder_fingerprint="f", embedding_dim=2)
    assert client.search_clips(pool_id, np.ones(2, np.float32)).found == ()


def test_a_vector_without_length_has_products_and_no_cosine(client: LearnerClient, scene: Scene):
    nothing = np.zeros(DIM, np.float32)
    with refused("like"):
        client.search_clips(scene.pool_id, nothing)
    found = client.search_clips(scene.pool_id, nothing, similarity=Similarity.DOT, count=3).found
    assert [(each.clip.clip_id, each.similarity) for each in found] == [
        (clip_id(row), 0) for row in range(3)
    ]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"like": None}, ("like",)),
        ({"like": {"clip": "a"}}, ("like.clip",)),
        ({"like": {"embedding": audio_pb2.FloatMatrix()}}, ("like.embedding",)),
        (
            {"like": {"embedding": encode_matrix(np.ones((2, DIM), np.float32))}},
            ("like.embedding",),
        ),
        ({"like": {"embedding": encode_matrix(np.ones((1, 3), np.float32))}}, ("like.embedding",)),
        (
            {"like": {"embedding": encode_matrix(np.full((1, DIM), np.nan, np.float32))}},
            ("like.embedding",),
        ),
        ({"like": {"clip": "CLIP", "encoder_fingerprint": "f"}}, ("like.encoder_fingerprint",)),
        ({"like": {"clip": "CLIP", "similarity": 9}}, ("like.similarity",)),
        ({"count": 10_001}, ("count",)),
        ({"filter": "site ="}, ("filter",)),
        ({"filter": "state = labeled"}, ("filter",)),
        ({"unlabeled_only": True}, ("unlabeled_only",)),
        ({"task": "greetings"}, ("task",)),
        ({"pool": "voices"}, ("pool",)),
    ],
)
def test_a_malformed_search_is_refused(raw, scene: Scene, changes, fields):
    name = f"pools/{scene.pool_id}/clips/{clip_id(0)}"
    like = changes.get("like", {"clip": "CLIP"})
    if like and like.get("clip") == "CLIP":
        like = {**like, "clip": name}
    example = search_pb2.Example(**like) if like else None
    request = search_pb2.SearchClipsRequest(
        **{"pool": f"pools/{scene.pool_id}", **changes, "like": example}
    )
    check_refused(raw, scene, "SearchClips", request, fields)


def test_what_is_not_there_is_told(client: LearnerClient, scene: Scene):
    other = make_scene(client, 5)
    with fails_with("CLIP_NOT_FOUND", NotFound):
        client.search_clips(scene.pool_id, "gone")
    with fails_with("POOL_NOT_FOUND", NotFound):
        client.search_clips(new_id(), "gone")
    with fails_with("TASK_NOT_FOUND", NotFound):
        client.search_clips(scene.pool_id, clip_id(0), task_id=new_id())
    with refused("task"):
        client.search_clips(scene.pool_id, clip_id(0), task_id=other.task_id)
    with refused("like"):
        client.search_clips(scene.pool_id, np.ones((1, DIM), np.float32))


def test_a_pool_is_predicted_in_part(client: LearnerClient, scene: Scene):
    client.update_clips(
        scene.pool_id, [ClipUpdate(clip_id(row), {"site": "north"}) for row in range(20)]
    )
    client.get_task(scene.task_id)
    version = scene.seed_labels(6)
    client.query(scene.task_id, "ann", min_head_version=version)
    for text, expected in (("site = north", 20), ("state = labeled", 6), ("NOT site:*", 40)):
        blocks = list(client.predict_pool(scene.task_id, filter=text))
        assert sum(len(each.clip_ids) for each in blocks) == expected == blocks[0].clip_count
    with refused("filter"):
        list(client.predict_pool(scene.task_id, filter="sight = north"))
