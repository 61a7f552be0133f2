"""Clips get other content, while tasks have labels and leases on them."""

import pytest
from tests.rpc.learner.changing import A, B, replace_clip, states_of, vector
from tests.rpc.learner.scenes import (
    Scene,
    make_scene,
)

from aloe.client import (
    Answer,
    ClipState,
    LearnerClient,
    LeaseLost,
    NewClip,
    PoolState,
)


def test_other_content_under_a_known_id_is_refused_and_the_remedy_named(scene: Scene):
    (failure,) = scene.client.import_clips(
        scene.pool_id, [NewClip(A, embedding=vector(9))]
    ).failures
    assert (failure.clip_id, failure.reason) == (A, "ALREADY_EXISTS")
    assert "--replace" in failure.message


def test_an_id_twice_in_one_import_with_different_content_is_refused_though_it_replaces(
    scene: Scene,
):
    clips = [NewClip(A, embedding=vector(value)) for value in (7, 7, 8)]
    summary = scene.client.import_clips(scene.pool_id, clips, replace=True)
    assert (summary.replaced_count, summary.existing_count) == (1, 1)
    (failure,) = summary.failures
    assert "came before in this import" in failure.message


def test_a_replaced_clip_is_unlabeled_and_its_label_stays_in_the_log(scene: Scene):
    version = scene.seed_labels(6, 6)
    before = scene.client.get_task(scene.task_id).clip_counts
    replace_clip(scene, A)
    counts = scene.client.get_task(scene.task_id).clip_counts
    assert (counts.labeled, counts.unlabeled) == (before.labeled - 1, before.unlabeled + 1)
    assert A not in {label.clip_id for label in scene.client.export_labels(scene.task_id)}
    assert states_of(scene, A) == [ClipState.LABELED, ClipState.RETIRED]
    assert scene.client.get_pool(scene.pool_id).clip_count == 60
    # The next head does without the label.
    scene.client.query(scene.task_id, "ann", min_head_version=version + 1)
    newest = list(scene.client.list_rounds(scene.task_id))[-1]
    assert newest.label_count == 5
    leased = scene.query("bob", max_clip_count=60)
    assert A in {lease.clip_id for lease in leased}
    answered = scene.answer([lease for lease in leased if lease.clip_id == A], "bob")
    assert A in {label.clip_id for label in scene.client.export_labels(scene.task_id)}
    newest_version = answered.head_version or 0
    found = scene.client.predict(scene.task_id, clip_ids=[A], min_head_version=newest_version)
    same = scene.client.predict(scene.task_id, embeddings=vector(9)[None])
    assert found.head_version == same.head_version
    assert found.probabilities.tolist() == same.probabilities.tolist()


def test_importing_the_same_again_replaces_nothing(scene: Scene):
    clips = [NewClip(A, embedding=vector(9)), NewClip(B, embedding=scene.embeddings[1])]
    counted = [
        (summary.replaced_count, summary.existing_count)
        for summary in (
            scene.client.import_clips(scene.pool_id, clips, replace=True) for _ in range(2)
        )
    ]
    assert counted == [(1, 1), (0, 2)]


def test_a_lease_on_a_replaced_clip_is_lost_and_the_oracle_told_why(scene: Scene):
    leases = {lease.clip_id: lease for lease in scene.query(max_clip_count=60)}
    replace_clip(scene, A)
    answers = [Answer(leases[name].lease_id, "low") for name in (A, B)]
    with pytest.raises(LeaseLost, match=r"answers\[0\].*deleted or replaced") as caught:
        scene.client.submit_labels(scene.task_id, "ann", answers)
    assert "answers[1]" not in str(caught.value)
    scene.client.submit_labels(scene.task_id, "ann", answers[1:])
    assert scene.client.get_task(scene.task_id).clip_counts.leased == 58
    (lease,) = scene.query("bob", max_clip_count=9)
    assert lease.clip_id == A


def test_a_label_budget_has_room_again_for_a_clip_that_was_replaced(client: LearnerClient):
    scene = make_scene(client, label_budget=2)
    leases = scene.query(max_clip_count=9)
    scene.answer(leases)
    assert client.query(scene.task_id, "ann").pool_state is PoolState.BUDGET_SPENT
    replace_clip(scene, leases[0].clip_id)
    assert len(scene.query(max_clip_count=9)) == 1
