"""What several oracles, late ones and repeated calls make of one task."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.rpc.learner.scenes import CLASSES, Scene, fails_with, make_scene, refused

from aloe.client import (
    Answer,
    AsyncLearnerClient,
    KnownLabel,
    LearnerClient,
    LeaseLost,
    PoolState,
    Split,
)

MOMENT = timedelta(milliseconds=50)


async def past(time: datetime) -> None:
    """Wait until the server's clock, which is ours, is past a time."""
    await asyncio.sleep(max(0.0, (time - datetime.now(UTC)).total_seconds()) + 0.01)


def test_an_abstention_takes_the_clip_out_and_costs_nothing(client: LearnerClient):
    scene = make_scene(client, 6, label_budget=5)
    first = scene.query(max_clip_count=2)
    result = client.submit_labels(scene.task_id, "ann", [Answer(first[0].lease_id, None)])
    assert (result.head_version, result.label_count) == (None, 0)
    counts = client.get_task(scene.task_id).clip_counts
    assert (counts.abstained, counts.leased, counts.budget_spent) == (1, 1, 0)
    assert first[0].clip_id not in {lease.clip_id for lease in scene.query(max_clip_count=9)}


def test_a_budget_is_spent_by_labels_and_reserved_by_leases(client: LearnerClient):
    scene = make_scene(client, label_budget=5)
    scene.seed_labels()
    mine = scene.query("ann", max_clip_count=3, min_head_version=1)
    theirs = scene.query("bob", max_clip_count=9)
    assert (len(mine), len(theirs)) == (3, 2)
    assert client.query(scene.task_id, "cid").pool_state is PoolState.BUDGET_SPENT
    client.release_leases(scene.task_id, "bob")
    scene.answer(mine)
    assert len(scene.query("cid", max_clip_count=9)) == 2
    task = client.get_task(scene.task_id)
    assert (task.pool_state, task.clip_counts.budget_spent) == (PoolState.BUDGET_SPENT, 3)


def test_a_pool_ends_all_leased_and_then_exhausted(client: LearnerClient):
    scene = make_scene(client, 6)
    leases = scene.query("ann", max_clip_count=10)
    assert len(leases) == 6
    empty = client.query(scene.task_id, "bob")
    assert (empty.leases, empty.pool_state) == ((), PoolState.ALL_LEASED)
    scene.answer(leases)
    empty = client.query(scene.task_id, "bob")
    assert (empty.leases, empty.pool_state) == ((), PoolState.EXHAUSTED)
    assert client.get_task(scene.task_id).pool_state is PoolState.EXHAUSTED


def test_no_clip_is_leased_to_two_oracles(client: LearnerClient, scene: Scene):
    scene.seed_labels()
    leases = [
        lease
        for oracle_id in ("ann", "bob", "cid")
        for lease in scene.query(oracle_id, max_clip_count=18, min_head_version=1)
    ]
    assert len(leases) == len({lease.clip_id for lease in leases}) == 54


async def test_many_oracles_at_once_share_the_pool_without_overlap(
    async_client: AsyncLearnerClient, client: LearnerClient
):
    scene = make_scene(client)
    results = await asyncio.gather(
        *(async_client.query(scene.task_id, f"o{n}", max_clip_count=4) for n in range(20))
    )
    clips = [lease.clip_id for result in results for lease in result.leases]
    assert sorted(clips) == sorted(scene.truth)


async def test_a_clip_whose_lease_ran_out_is_asked_again_at_once(client: LearnerClient):
    scene = make_scene(client, 2)
    first = scene.query("ann", max_clip_count=2, lease_duration=MOMENT)
    await past(first[0].expire_time)
    # Nothing has looked at the task since: this very query must find the clips free.
    again = client.query(scene.task_id, "bob", max_clip_count=2)
    assert {lease.clip_id for lease in again.leases} == {lease.clip_id for lease in first}


async def test_a_late_answer_counts_while_nobody_else_holds_the_clip(client: LearnerClient):
    scene = make_scene(client, 2)
    leases = scene.query("ann", max_clip_count=2, lease_duration=MOMENT)
    await past(leases[0].expire_time)
    assert scene.answer(leases[:1]).label_count == 1
    other = scene.query("bob", max_clip_count=2)
    assert [lease.clip_id for lease in other] == [leases[1].clip_id]
    with fails_with("LEASE_LOST", LeaseLost):
        scene.answer(leases)
    assert client.get_task(scene.task_id).clip_counts.labeled == 1


def test_a_repeated_query_returns_the_same_leases(client: LearnerClient, scene: Scene):
    first = client.query(scene.task_id, "ann", max_clip_count=3, request_id="once")
    again = client.query(scene.task_id, "ann", max_clip_count=3, request_id="once")
    other = client.query(scene.task_id, "ann", max_clip_count=3, request_id="twice")
    assert again == first
    assert {each.lease_id for each in first.leases}.isdisjoint(
        each.lease_id for each in other.leases
    )
    assert client.get_task(scene.task_id).clip_counts.leased == 6


def test_a_repeated_submission_counts_once(client: LearnerClient, scene: Scene):
    answers = [
        Answer(lease.lease_id, scene.truth[lease.clip_id])
        for lease in scene.query(max_clip_count=6)
    ]
    first = client.submit_labels(scene.task_id, "ann", answers, request_id="once")
    again = client.submit_labels(scene.task_id, "ann", answers, request_id="once")
    assert again == first
    assert (first.label_count, first.head_version) == (6, 1)
    counts = client.get_task(scene.task_id).clip_counts
    assert (counts.labeled, counts.budget_spent) == (6, 6)


def test_a_correction_replaces_the_label_and_gets_a_head(client: LearnerClient, scene: Scene):
    version = scene.seed_labels()
    (lease,) = scene.query(min_head_version=version)
    wrong = next(name for name in CLASSES if name != scene.truth[lease.clip_id])
    first = client.submit_labels(scene.task_id, "ann", [Answer(lease.lease_id, wrong)])
    assert first.head_version == version + 1
    second = scene.answer([lease])
    assert second.label_count == first.label_count == 7
    assert second.head_version is not None
    assert second.head_version > version
    (label,) = (each for each in client.export_labels(scene.task_id) if each.oracle_id == "ann")
    assert (label.clip_id, label.label) == (lease.clip_id, scene.truth[lease.clip_id])
    withdrawn = client.submit_labels(scene.task_id, "ann", [Answer(lease.lease_id, None)])
    assert withdrawn.label_count == 6
    counts = client.get_task(scene.task_id).clip_counts
    assert (counts.labeled, counts.abstained, counts.budget_spent) == (6, 1, 0)


def test_released_clips_can_be_asked_again(client: LearnerClient):
    scene = make_scene(client, 6)
    leases = scene.query("ann", max_clip_count=6)
    ids = [lease.lease_id for lease in leases]
    assert client.release_leases(scene.task_id, "ann", [ids[0], ids[0]]) == 1
    assert client.release_leases(scene.task_id, "ann", [ids[0]]) == 0
    assert client.release_leases(scene.task_id, "bob") == 0
    assert client.release_leases(scene.task_id, "ann") == 5
    assert len(scene.query("bob", max_clip_count=9)) == 6


def test_an_imported_label_takes_the_clip_from_the_oracle_that_holds_it(
    client: LearnerClient, scene: Scene
):
    leases = scene.query(max_clip_count=2)
    clip_id = leases[0].clip_id
    client.import_labels(scene.task_id, [KnownLabel(clip_id, "mid", Split.VALIDATION)])
    with fails_with("LEASE_LOST", LeaseLost):
        scene.answer(leases)
    assert [each.clip_id for each in client.export_labels(scene.task_id)] == [clip_id]
    assert scene.answer(leases[1:]).label_count == 1


def test_answers_are_stored_all_or_none(client: LearnerClient, scene: Scene):
    mine, theirs = scene.query("ann", max_clip_count=3), scene.query("bob", max_clip_count=1)
    before = scene.snapshot()
    good = [Answer(lease.lease_id, "low") for lease in mine]
    with refused("answers[3].lease_id"):
        client.submit_labels(scene.task_id, "ann", [*good, Answer(theirs[0].lease_id, "low")])
    with pytest.raises(LeaseLost, match=r"answers\[3\]\.lease_id: no lease of this task"):
        client.submit_labels(scene.task_id, "ann", [*good, Answer("no-such-lease", "low")])
    with refused("answers[3].lease_id"):
        client.submit_labels(scene.task_id, "ann", [*good, good[0]])
    with refused("answers[1].label"):
        client.submit_labels(scene.task_id, "ann", [good[0], Answer(mine[1].lease_id, "lowest")])
    with refused("answers"):
        client.submit_labels(scene.task_id, "ann", [])
    with refused("lease_ids[0]"):
        client.release_leases(scene.task_id, "ann", [theirs[0].lease_id])
    assert scene.snapshot() == before
    assert client.submit_labels(scene.task_id, "ann", good).label_count == 3


@pytest.mark.parametrize("count", [1, 300, 1_500])
def test_batches_of_any_size_hold_different_clips(client: LearnerClient, count):
    scene = make_scene(client, 1_500)
    scene.seed_labels(row_count=30)
    seen: set[str] = set()
    while leases := scene.query(max_clip_count=count, min_head_version=1):
        assert seen.isdisjoint(lease.clip_id for lease in leases)
        seen |= {lease.clip_id for lease in leases}
        if count == 1 and len(seen) == 20:
            return
    assert len(seen) == 1_470


@pytest.mark.slow
async def test_a_thousand_oracles_that_ask_at_once_are_all_answered(
    client: LearnerClient, async_client: AsyncLearnerClient
):
    scene = make_scene(client, 60)
    results = await asyncio.gather(
        *(async_client.query(scene.task_id, f"oracle-{number}") for number in range(1_000))
    )
    assert sum(len(result.leases) for result in results) == 60
