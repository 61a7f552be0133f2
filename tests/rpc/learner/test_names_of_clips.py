"""A clip has several names, and others in time, while a task has labels on it."""

from collections import Counter

import pytest
from tests.rpc.learner.changing import A, B, states_of, vector
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import (
    Scene,
    fails_with,
)

from aloe.cli.replay import replay_task
from aloe.client import (
    AlreadyExists,
    Answer,
    ClipState,
    Duplicate,
    DuplicateRule,
    KnownLabel,
    LearnerClient,
    NewClip,
    NotFound,
    Pool,
)


def test_a_recording_under_a_second_name_is_one_clip_and_is_told(
    client: LearnerClient, audio_pool: Pool
):
    content, other = encoded(tone()), encoded(tone(700))
    clips = [NewClip("a", content), NewClip("b", content), NewClip("c", other)]
    summary = client.import_clips(audio_pool.pool_id, clips)
    assert (summary.imported_count, summary.duplicate_count) == (2, 1)
    assert summary.duplicates == (Duplicate("b", "a"),)
    assert summary.clip_count == 3
    later = client.import_clips(audio_pool.pool_id, [NewClip("d", content)])
    assert later.duplicates == (Duplicate("d", "a"),)
    again = client.import_clips(audio_pool.pool_id, [*clips, NewClip("d", content)])
    assert (again.existing_count, again.duplicate_count, again.imported_count) == (4, 0, 0)
    assert client.get_pool(audio_pool.pool_id).clip_count == 2
    listed = list(client.list_clips(audio_pool.pool_id))
    assert [(clip.clip_id, clip.other_ids) for clip in listed] == [("a", ("b", "d")), ("c", ())]
    assert client.get_clip(audio_pool.pool_id, "d") == listed[0]
    assert client.get_clip_audio(audio_pool.pool_id, "b").content == content


def test_a_second_name_serves_wherever_the_first_does(scene: Scene):
    client = scene.client
    client.import_clips(scene.pool_id, [NewClip("twin", embedding=scene.embeddings[0])])
    assert client.get_task(scene.task_id).clip_counts.unlabeled == 60
    client.import_labels(scene.task_id, [KnownLabel("twin", "low"), KnownLabel(B, "mid")])
    (label, _) = client.export_labels(scene.task_id)
    assert (label.clip_id, label.label) == (A, "low")
    found = client.predict(scene.task_id, clip_ids=[A, "twin"], min_head_version=1)
    assert found.probabilities[0].tolist() == found.probabilities[1].tolist()


@pytest.mark.parametrize("rule", [DuplicateRule.KEEP, DuplicateRule.REFUSE])
def test_equal_clips_are_kept_apart_or_refused_where_wanted(scene: Scene, rule):
    clips = [NewClip(name, embedding=scene.embeddings[0]) for name in ("x", "y")]
    summary = scene.client.import_clips(scene.pool_id, clips, duplicates=rule)
    kept = rule is DuplicateRule.KEEP
    assert (summary.imported_count, summary.duplicate_count) == (2 if kept else 0, 0)
    assert scene.client.get_pool(scene.pool_id).clip_count == (62 if kept else 60)
    reasons = [(each.clip_id, each.reason) for each in summary.failures]
    assert reasons == ([] if kept else [("x", "ALREADY_EXISTS"), ("y", "ALREADY_EXISTS")])
    assert all(f"same content as pools/{scene.pool_id}/clips/{A}" in f.message
               for f in summary.failures)  # fmt: skip


def test_more_duplicates_than_are_shown_are_counted(scene: Scene):
    names = [f"silence-{n}" for n in range(1_500)]
    clips = [NewClip(name, embedding=vector(0)) for name in names]
    summary = scene.client.import_clips(scene.pool_id, clips)
    assert (summary.duplicate_count, len(summary.duplicates)) == (1_499, 1_000)
    assert scene.client.get_clip(scene.pool_id, names[0]).other_ids == tuple(names[1:])


def test_a_clip_is_imported_with_its_names(scene: Scene):
    clip = NewClip("a", embedding=vector(5), other_ids=("b", "c"))
    for _ in range(2):
        summary = scene.client.import_clips(scene.pool_id, [clip])
        assert (summary.clip_count, summary.failures) == (1, ())
    assert scene.client.get_clip(scene.pool_id, "c").clip_id == "a"
    taken = NewClip("d", embedding=vector(6), other_ids=("e", A))
    (failure,) = scene.client.import_clips(scene.pool_id, [taken]).failures
    assert (failure.reason, A in failure.message) == ("ALREADY_EXISTS", True)
    for clip_id_ in ("d", "e"):
        with fails_with("CLIP_NOT_FOUND", NotFound):
            scene.client.get_clip(scene.pool_id, clip_id_)


def test_a_renamed_clip_keeps_its_label_and_is_told_by_its_new_name(scene: Scene):
    client = scene.client
    scene.seed_labels(6)
    (lease,) = scene.query()
    client.rename_clip(scene.pool_id, lease.clip_id, "leased")
    for _ in range(2):
        assert client.rename_clip(scene.pool_id, A, "better").clip_id == "better"
    assert "better" in {label.clip_id for label in client.export_labels(scene.task_id)}
    assert states_of(scene, "better") == [ClipState.LABELED]
    client.submit_labels(scene.task_id, "ann", [Answer(lease.lease_id, "low")])
    assert "leased" in {label.clip_id for label in client.export_labels(scene.task_id)}
    with fails_with("ALREADY_EXISTS", AlreadyExists):
        client.rename_clip(scene.pool_id, "better", B)
    with fails_with("CLIP_NOT_FOUND", NotFound):
        client.rename_clip(scene.pool_id, "typo", "new")
    names = Counter(clip.clip_id for clip in client.list_clips(scene.pool_id))
    assert (names["better"], names[A], len(names)) == (1, 0, 60)


def test_a_name_that_passes_to_another_clip_does_not_confuse_the_log(scene: Scene):
    client = scene.client
    labels = [KnownLabel(A, "low"), KnownLabel(B, "high")]
    client.import_labels(scene.task_id, labels)
    client.delete_clips(scene.pool_id, [A])
    client.rename_clip(scene.pool_id, B, A)
    numbers = [
        change.clip_number
        for event in client.list_events(scene.task_id)
        for change in event.changes
        if change.clip_id == A
    ]
    assert numbers == [0, 1, 0]
    assert replay_task(client, scene.task_id).differences == ()
