"""Filters through the RPCs that take one: lists, exports, queries."""

import numpy as np
import pytest
from tests.rpc.learner.scenes import Scene, check_refused, clip_id, make_scene

from aloe.client import (
    Answer,
    AsyncLearnerClient,
    ClipUpdate,
    LearnerClient,
    PoolState,
    RecipeName,
)
from aloe.v1 import labeling_pb2, pool_pb2


@pytest.fixture
def sites(client: LearnerClient, scene: Scene) -> Scene:
    """Clips 0 to 9 are of the north, 10 to 19 of the south; each has its number as depth."""
    updates = [
        ClipUpdate(clip_id(row), {"site": "north" if row < 10 else "south", "depth": float(row)})
        for row in range(20)
    ]
    client.update_clips(scene.pool_id, updates)
    return scene


def rows(first: int, end: int) -> list[str]:
    return [clip_id(row) for row in range(first, end)]


def test_lists_and_exports_have_what_a_filter_takes(client: LearnerClient, sites: Scene):
    for text, expected in (
        ("site = north", rows(0, 10)),
        ("site = south AND depth < 15", rows(10, 15)),
        (f"NOT site:* AND clip_id < {clip_id(25)}", rows(20, 25)),
        ("depth < 0", []),
        ("", rows(0, 60)),
    ):
        assert [each.clip_id for each in client.list_clips(sites.pool_id, text)] == expected
        exported = list(client.export_clips(sites.pool_id, filter=text))
        assert [each.clip.clip_id for each in exported] == expected
        for each in exported:
            row = int(each.clip.clip_id[-4:])
            np.testing.assert_array_equal(each.embedding, sites.embeddings[row])
    skipped = client.export_clips(sites.pool_id, 7, filter="site = north")
    assert [each.clip.clip_id for each in skipped] == rows(7, 10)


def test_a_filtered_list_comes_in_pages(raw, sites: Scene):
    found, token = [], ""
    for _ in range(10):
        request = pool_pb2.ListClipsRequest(
            pool=f"pools/{sites.pool_id}", page_size=3, page_token=token, filter="site = north"
        )
        page = raw.ListClips(request)
        found.append([each.name[-9:] for each in page.clips])
        token = page.next_page_token
        if not token:
            break
    assert found == [rows(0, 3), rows(3, 6), rows(6, 9), rows(9, 10)]


async def test_labels_are_exported_by_what_clips_are_in_the_task(
    async_client: AsyncLearnerClient, sites: Scene
):
    sites.seed_labels(12, validation_count=5)

    async def exported(text: str) -> list[str]:
        return [each.clip_id async for each in async_client.export_labels(sites.task_id, text)]

    assert await exported("site = south") == rows(10, 12)
    assert await exported("split = validation") == rows(55, 60)
    assert await exported("label = low AND site = north") == rows(0, 10)[::3]
    assert await exported("state = labeled") == rows(0, 12)
    assert await exported("state = unlabeled") == []


@pytest.mark.parametrize("recipe", [RecipeName.PAPER, RecipeName.BEST])
@pytest.mark.parametrize("has_head", [False, True])
def test_a_query_asks_for_what_a_filter_takes_alone(
    client: LearnerClient, recipe: RecipeName, has_head: bool
):
    scene = make_scene(client, recipe=recipe, head_recipe=None)
    client.update_clips(
        scene.pool_id, [ClipUpdate(clip_id(row), {"site": "north"}) for row in range(12)]
    )
    version = scene.seed_labels(6) if has_head else 0
    open_rows = set(rows(6 if has_head else 0, 12))
    first = scene.query(max_clip_count=4, filter="site = north", min_head_version=version)
    assert len(first) == 4
    rest = scene.query("bob", max_clip_count=60, filter="site = north")
    asked = [each.clip_id for each in (*first, *rest)]
    assert (set(asked), len(asked)) == (open_rows, len(open_rows))
    none_left = client.query(scene.task_id, "cy", filter="site = north")
    assert (none_left.leases, none_left.pool_state) == ((), PoolState.ALL_LEASED)
    client.submit_labels(
        scene.task_id, "ann", [Answer(each.lease_id, scene.truth[each.clip_id]) for each in first]
    )
    client.submit_labels(
        scene.task_id, "bob", [Answer(each.lease_id, scene.truth[each.clip_id]) for each in rest]
    )
    scene.query("dan")  # A clip elsewhere is leased.
    none_left = client.query(scene.task_id, "cy", filter="site = north")
    assert (none_left.leases, none_left.pool_state) == ((), PoolState.EXHAUSTED)
    assert scene.query("cy", max_clip_count=60), "others are left"


def test_what_was_asked_among_some_clips_is_told_apart_in_a_replay(
    client: LearnerClient, sites: Scene
):
    sites.query(max_clip_count=3)
    sites.query(max_clip_count=2, filter="site = south")
    *_, found = client.replay_task(sites.task_id)
    assert (found.pick_count, found.unknown_count, found.difference_count) == (3, 2, 0)
    assert "asked among clips by the filter site = south" in found.unknown_text


@pytest.mark.parametrize("text", ["site =", "colour = red", "site = 3", "state = labeled"])
def test_a_filter_of_clips_that_is_none_is_refused(raw, sites: Scene, text: str):
    pool = f"pools/{sites.pool_id}"
    for rpc, request in (
        ("ListClips", pool_pb2.ListClipsRequest(pool=pool, filter=text)),
        ("ExportClips", pool_pb2.ExportClipsRequest(pool=pool, filter=text)),
    ):
        check_refused(raw, sites, rpc, request, ("filter",))


@pytest.mark.parametrize("text", ["site =", "colour = red", "label = other", "state = done"])
def test_a_filter_of_a_task_that_is_none_is_refused(raw, sites: Scene, text: str):
    task = f"tasks/{sites.task_id}"
    for rpc, request in (
        ("Query", labeling_pb2.QueryRequest(task=task, oracle_id="ann", filter=text)),
        ("ExportLabels", labeling_pb2.ExportLabelsRequest(task=task, filter=text)),
    ):
        check_refused(raw, sites, rpc, request, ("filter",))
