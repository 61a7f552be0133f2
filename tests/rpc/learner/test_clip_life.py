"""Clips get other names, are replaced and deleted, while tasks have labels and leases on them."""

from collections import Counter

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
    new_id,
)

from aloe.cli.replay import replay_task
from aloe.client import (
    AlreadyExists,
    Answer,
    ClipState,
    DeletedClips,
    Duplicate,
    DuplicateRule,
    EventKind,
    InvalidArgument,
    KnownLabel,
    LearnerClient,
    LeaseLost,
    NewClip,
    NotFound,
    Pool,
    PoolState,
    Split,
)
from aloe.v1 import pool_pb2

A, B, C = clip_id(0), clip_id(1), clip_id(2)


def vector(value: float) -> np.ndarray:
    return np.full(DIM, value, dtype=np.float32)


def replace_clip(scene: Scene, name: str, value: float = 9.0) -> None:
    summary = scene.client.import_clips(
        scene.pool_id, [NewClip(name, embedding=vector(value))], replace=True
    )
    assert (summary.replaced_count, summary.failures) == (1, ())


def kinds(scene: Scene) -> list[EventKind]:
    return [event.kind for event in scene.client.list_events(scene.task_id)]


def states_of(scene: Scene, name: str) -> list[ClipState]:
    return [
        change.state
        for event in scene.client.list_events(scene.task_id)
        for change in event.changes
        if change.clip_id == name
    ]


# Several names


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


# Replacing


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


# Deleting


def test_deleted_clips_are_nowhere_but_in_the_log(scene: Scene):
    client = scene.client
    scene.seed_labels(6)
    client.import_labels(scene.task_id, [KnownLabel(clip_id(7), "low", Split.TEST)])
    client.import_clips(scene.pool_id, [NewClip("twin", embedding=scene.embeddings[1])])
    gone = [A, B, clip_id(7), clip_id(40)]
    assert client.delete_clips(scene.pool_id, gone) == DeletedClips(4, 0, 0)
    left = {clip_id(row) for row in range(60)} - set(gone)
    assert {clip.clip_id for clip in client.list_clips(scene.pool_id)} == left
    exported = {each.clip.clip_id: each.embedding for each in client.export_clips(scene.pool_id)}
    assert exported.keys() == left
    assert np.array_equal(exported[clip_id(59)], scene.embeddings[59])
    assert client.get_pool(scene.pool_id).clip_count == 56
    counts = client.get_task(scene.task_id).clip_counts
    assert (counts.labeled, counts.test, counts.unlabeled) == (4, 0, 52)
    assert states_of(scene, A) == [ClipState.LABELED, ClipState.RETIRED]
    assert EventKind.CLIPS_RETIRED in kinds(scene)
    asked = {lease.clip_id for lease in scene.query("bob", max_clip_count=60)}
    assert len(asked) == 52
    assert not asked & set(gone)
    for name in (A, "twin"):
        with fails_with("CLIP_NOT_FOUND", NotFound):
            client.get_clip(scene.pool_id, name)
        (failure,) = client.predict(scene.task_id, clip_ids=[name]).failures
        assert failure.reason == "CLIP_NOT_FOUND"
        with pytest.raises(InvalidArgument, match="holds no clip"):
            client.import_labels(scene.task_id, [KnownLabel(name, "low")])


def test_deleting_again_changes_nothing_and_a_typo_deletes_nothing(scene: Scene):
    client = scene.client
    client.delete_clips(scene.pool_id, [A, B])
    assert client.delete_clips(scene.pool_id, [A, C]) == DeletedClips(1, 0, 1)
    with fails_with("CLIP_NOT_FOUND", NotFound):
        client.delete_clips(scene.pool_id, [clip_id(9), "typo"])
    assert client.get_pool(scene.pool_id).clip_count == 57


def test_by_its_second_name_a_clip_loses_only_that(scene: Scene):
    client = scene.client
    client.import_clips(scene.pool_id, [NewClip("twin", embedding=scene.embeddings[0])])
    scene.seed_labels(6)
    assert client.delete_clips(scene.pool_id, ["twin"]) == DeletedClips(0, 1, 0)
    assert client.get_clip(scene.pool_id, A).other_ids == ()
    assert client.get_task(scene.task_id).clip_counts.labeled == 6


def test_a_task_that_is_made_later_does_not_know_deleted_clips(scene: Scene):
    client, later = scene.client, new_id()
    client.delete_clips(scene.pool_id, [clip_id(row) for row in range(58)])
    client.create_task(later, scene.pool_id, ["no", "yes"])
    assert client.get_task(later).clip_counts.unlabeled == 2
    asked = client.query(later, "ann", max_clip_count=9).leases
    assert {lease.clip_id for lease in asked} == {clip_id(58), clip_id(59)}
    assert client.query(later, "bob").pool_state is PoolState.ALL_LEASED
    client.delete_clips(scene.pool_id, [clip_id(58), clip_id(59)])
    assert client.query(later, "bob").pool_state is PoolState.EXHAUSTED
    assert client.get_task(later).pool_state is PoolState.EXHAUSTED


def test_a_deleted_clip_can_be_imported_again_as_a_new_one(scene: Scene):
    scene.seed_labels(6)
    scene.client.delete_clips(scene.pool_id, [A])
    summary = scene.client.import_clips(scene.pool_id, [NewClip(A, embedding=scene.embeddings[0])])
    assert (summary.imported_count, summary.duplicate_count) == (1, 0)
    counts = scene.client.get_task(scene.task_id).clip_counts
    assert (counts.labeled, counts.unlabeled) == (5, 55)


def test_pages_and_exports_go_on_behind_deleted_clips(scene: Scene, raw):
    scene.client.delete_clips(scene.pool_id, [clip_id(row) for row in range(60) if row % 3])
    left = [clip_id(row) for row in range(0, 60, 3)]
    pages, token = [], ""
    while True:
        page = raw.ListClips(
            pool_pb2.ListClipsRequest(pool=f"pools/{scene.pool_id}", page_size=7, page_token=token)
        )
        pages.append([clip.name.rpartition("/")[2] for clip in page.clips])
        token = page.next_page_token
        if not token:
            break
    assert [name for page in pages for name in page] == left
    assert [len(page) for page in pages] == [7, 7, 6]
    for skip_count in (0, 1, 7, 19, 20, 21):
        exported = list(scene.client.export_clips(scene.pool_id, skip_count))
        assert [each.clip.clip_id for each in exported] == left[skip_count:]


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        ([], ("names",)),
        (["nonsense", "pools/p/clips/a"], ("names[0]", "names[1]")),
        (["pools/{pool}/clips/a"] * 1_001, ("names",)),
    ],
)
def test_names_that_are_none_delete_nothing(scene: Scene, raw, names, wrong):
    names = [name.replace("{pool}", scene.pool_id) for name in names]
    request = pool_pb2.DeleteClipsRequest(pool=f"pools/{scene.pool_id}", names=names)
    check_refused(raw, scene, "DeleteClips", request, wrong)


# Renaming


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
