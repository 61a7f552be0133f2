"""Clips are deleted, while tasks have labels on them."""

import numpy as np
import pytest
from tests.rpc.learner.changing import A, B, C, kinds, states_of
from tests.rpc.learner.scenes import (
    Scene,
    check_refused,
    clip_id,
    fails_with,
    new_id,
)

from aloe.client import (
    ClipState,
    DeletedClips,
    EventKind,
    InvalidArgument,
    KnownLabel,
    NewClip,
    NotFound,
    PoolState,
    Split,
)
from aloe.v1 import pool_pb2


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
