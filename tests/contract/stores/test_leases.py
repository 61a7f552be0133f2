import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import InvalidInput, LeaseLost
from aloe.learner.domain.events import RETRACTED
from aloe.learner.domain.leases import LabelChange, Pick, RankingTooShort
from aloe.values.states import ClipState, PoolState

from .conftest import Scene, new_task

SHORT = timedelta(milliseconds=20)


async def wait_until_expired(scene: Scene) -> None:
    """Poll until no lease is open; leases here last SHORT."""
    deadline = time.monotonic() + 5
    while (await scene.store.read_task(scene.task.task_id))[1].leased:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_leases_follow_the_ranking_and_carry_its_scores(scene: Scene):
    ranking = [Pick(4, 0.5, 1), Pick(2, 0.25, 0), Pick(0, 0.125, 1)]
    outcome = await scene.store.lease(
        scene.task, scene.request(ranking=ranking, max_count=2, head_version=3)
    )
    assert [lease.pick for lease in outcome.leases] == ranking[:2]
    assert (outcome.pool_state, outcome.head_version) == (PoolState.OPEN, 3)


async def test_a_leased_clip_goes_to_nobody_else(scene: Scene):
    first = await scene.store.lease(scene.task, scene.request("ann", max_count=4))
    second = await scene.store.lease(scene.task, scene.request("bob", max_count=4))
    rows = [lease.pick.row for outcome in (first, second) for lease in outcome.leases]
    assert rows == [0, 1, 2, 3, 4, 5]
    third = await scene.store.lease(scene.task, scene.request("cid"))
    assert (third.leases, third.pool_state) == ((), PoolState.ALL_LEASED)


async def test_oracles_at_once_share_the_clips_without_overlap(scene: Scene):
    outcomes = await asyncio.gather(
        *(scene.store.lease(scene.task, scene.request(f"o{n}", max_count=2)) for n in range(9))
    )
    rows = [lease.pick.row for outcome in outcomes for lease in outcome.leases]
    assert sorted(rows) == [0, 1, 2, 3, 4, 5]


async def test_what_a_request_was_answered_is_kept_for_it_alone(scene: Scene):
    lease = (await scene.store.lease(scene.task, scene.request())).leases[0]
    outcome = await scene.store.submit(scene.task, "ann", [(lease.lease_id, 1)], "r")
    assert await scene.store.submitted(scene.task, "r") == outcome
    assert await scene.store.submitted(scene.task, "other") is None


async def test_what_a_query_was_answered_is_kept_for_it_alone(scene: Scene):
    request = scene.request(max_count=2)
    outcome = await scene.store.lease(scene.task, request)
    assert await scene.store.leased(scene.task, request.request_id) == outcome
    assert await scene.store.leased(scene.task, "other") is None


async def test_a_repeated_request_returns_the_same_leases(scene: Scene):
    request = scene.request(max_count=2)
    first = await scene.store.lease(scene.task, request)
    again = await scene.store.lease(scene.task, request)
    assert [lease.lease_id for lease in again.leases] == [lease.lease_id for lease in first.leases]
    assert (await scene.store.read_task(scene.task.task_id))[1].leased == 2


async def test_a_ranking_without_the_clips_that_are_free_leases_nothing(scene: Scene):
    await scene.store.lease(scene.task, scene.request("ann", max_count=2))
    short = scene.request(
        "bob", ranking=[Pick(row, None, NO_CLASS) for row in range(3)], max_count=2
    )
    with pytest.raises(RankingTooShort):
        await scene.store.lease(scene.task, short)
    assert (await scene.store.read_task(scene.task.task_id))[1].leased == 2


async def test_expired_lease_returns_clip_to_pool(scene: Scene):
    await scene.store.lease(scene.task, scene.request("ann", duration=SHORT))
    await wait_until_expired(scene)
    outcome = await scene.store.lease(scene.task, scene.request("bob"))
    assert outcome.leases[0].pick.row == 0


async def test_a_late_answer_is_taken_while_nobody_else_holds_the_clip(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request("ann", duration=SHORT))
    await wait_until_expired(scene)
    await scene.store.submit(scene.task, "ann", [(outcome.leases[0].lease_id, 1)], "r")
    (label,) = await scene.store.read_labels(scene.task)
    assert (label.row, label.class_index, label.oracle_id) == (0, 1, "ann")


async def test_a_late_answer_is_refused_once_another_holds_the_clip(scene: Scene):
    late = await scene.store.lease(scene.task, scene.request("ann", duration=SHORT))
    await wait_until_expired(scene)
    await scene.store.lease(scene.task, scene.request("bob"))
    with pytest.raises(LeaseLost, match=r"answers\[0\]"):
        await scene.store.submit(scene.task, "ann", [(late.leases[0].lease_id, 1)], "r")
    assert await scene.store.read_labels(scene.task) == []


async def test_a_late_answer_is_refused_once_another_labeled_the_clip(scene: Scene):
    late = await scene.store.lease(scene.task, scene.request("ann", duration=SHORT))
    await wait_until_expired(scene)
    taken = await scene.store.lease(scene.task, scene.request("bob"))
    await scene.store.submit(scene.task, "bob", [(taken.leases[0].lease_id, 0)], "r1")
    with pytest.raises(LeaseLost):
        await scene.store.submit(scene.task, "ann", [(late.leases[0].lease_id, 1)], "r2")


async def test_answers_are_stored_all_or_none(scene: Scene):
    mine = await scene.store.lease(scene.task, scene.request("ann", max_count=2))
    other = await scene.store.lease(scene.task, scene.request("bob"))
    answers = [
        (mine.leases[0].lease_id, 0),
        (other.leases[0].lease_id, 0),
        (mine.leases[1].lease_id, 1),
        ("no-such-lease", 1),
    ]
    with pytest.raises(InvalidInput) as caught:
        await scene.store.submit(scene.task, "ann", answers, "r")
    assert {violation.field for violation in caught.value.violations} == {
        "answers[1].lease_id",
        "answers[3].lease_id",
    }
    assert await scene.store.read_labels(scene.task) == []
    assert (await scene.store.read_task(scene.task.task_id))[1].leased == 3


async def test_a_repeated_submission_counts_once(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request(max_count=2))
    answers = [(lease.lease_id, index) for index, lease in enumerate(outcome.leases)]
    first = await scene.store.submit(scene.task, "ann", answers, "r")
    again = await scene.store.submit(scene.task, "ann", answers, "r")
    under_another_id = await scene.store.submit(scene.task, "ann", answers, "r2")
    assert first == again
    assert (first.changed_count, first.head_version, first.label_count) == (2, 1, 2)
    assert (under_another_id.changed_count, under_another_id.label_count) == (0, 2)
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.budget_spent, progress.leased) == (2, 2, 0)


async def test_a_second_answer_under_one_lease_corrects_the_first(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request())
    lease_id = outcome.leases[0].lease_id
    await scene.store.submit(scene.task, "ann", [(lease_id, 0)], "r1")
    await scene.store.submit(scene.task, "ann", [(lease_id, 1)], "r2")
    (label,) = await scene.store.read_labels(scene.task)
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (label.class_index, progress.labeled, progress.budget_spent) == (1, 1, 1)
    await scene.store.submit(scene.task, "ann", [(lease_id, NO_CLASS)], "r3")
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.abstained, progress.budget_spent) == (0, 1, 0)


async def test_an_abstention_takes_the_clip_out_and_costs_nothing(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request())
    result = await scene.store.submit(
        scene.task, "ann", [(outcome.leases[0].lease_id, NO_CLASS)], "r"
    )
    assert (result.head_version, result.label_count) == (None, 0)
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.abstained, progress.budget_spent) == (1, 0)
    following = await scene.store.lease(scene.task, scene.request())
    assert following.leases[0].pick.row == 1


async def test_released_leases_return_their_clips(scene: Scene):
    mine = await scene.store.lease(scene.task, scene.request("ann", max_count=3))
    other = await scene.store.lease(scene.task, scene.request("bob"))
    released = await scene.store.release(scene.task, "ann", [mine.leases[1].lease_id])
    assert released == 1
    assert await scene.store.release(scene.task, "ann", [mine.leases[1].lease_id]) == 0
    assert await scene.store.release(scene.task, "ann", []) == 2
    with pytest.raises(InvalidInput, match=r"lease_ids\[0\]"):
        await scene.store.release(scene.task, "ann", [other.leases[0].lease_id])
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert progress.leased == 1


async def test_leases_reserve_the_label_budget(scene: Scene):
    task = await scene.store.create_task(new_task(scene.pool.pool_id, label_budget=3))
    first = await scene.store.lease(task, scene.request("ann", max_count=5))
    assert len(first.leases) == 3
    second = await scene.store.lease(task, scene.request("bob"))
    assert (second.leases, second.pool_state) == ((), PoolState.BUDGET_SPENT)
    answers = [(lease.lease_id, 0) for lease in first.leases[:2]]
    await scene.store.submit(task, "ann", [*answers, (first.leases[2].lease_id, NO_CLASS)], "r")
    third = await scene.store.lease(task, scene.request("bob", max_count=5))
    assert len(third.leases) == 1


async def test_a_pool_without_unlabeled_clips_is_exhausted(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request(max_count=6))
    answers = [(lease.lease_id, 0) for lease in outcome.leases]
    await scene.store.submit(scene.task, "ann", answers, "r")
    empty = await scene.store.lease(scene.task, scene.request())
    assert (empty.leases, empty.pool_state) == ((), PoolState.EXHAUSTED)


async def test_an_imported_label_ends_the_lease_on_its_clip(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request("ann"))
    await scene.store.import_labels(scene.task, [LabelChange(0, ClipState.VALIDATION, 1)])
    with pytest.raises(LeaseLost):
        await scene.store.submit(scene.task, "ann", [(outcome.leases[0].lease_id, 0)], "r")
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.leased, progress.validation) == (0, 1)


async def test_a_retracted_answer_puts_its_clip_back(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request(max_count=2))
    first, second = outcome.leases
    await scene.store.submit(scene.task, "ann", [(first.lease_id, 0), (second.lease_id, 1)], "r1")
    result = await scene.store.submit(scene.task, "ann", [(first.lease_id, RETRACTED)], "r2")
    assert (result.changed_count, result.head_version, result.label_count) == (1, None, 1)
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.leased, progress.budget_spent) == (1, 0, 1)
    following = await scene.store.lease(scene.task, scene.request("bob"))
    assert following.leases[0].pick.row == first.pick.row


async def test_the_lease_of_a_retracted_answer_is_renewed_unless_another_has_the_clip(
    scene: Scene,
):
    first, second = (await scene.store.lease(scene.task, scene.request(max_count=2))).leases
    lease_ids = [first.lease_id, second.lease_id]
    await scene.store.submit(scene.task, "ann", [(each, 1) for each in lease_ids], "r1")
    await scene.store.submit(scene.task, "ann", [(each, RETRACTED) for each in lease_ids], "r2")
    await scene.store.renew(scene.task, "ann", [first.lease_id], timedelta(minutes=1))
    (taken,) = (await scene.store.lease(scene.task, scene.request("bob"))).leases
    assert taken.pick.row == second.pick.row
    with pytest.raises(LeaseLost):
        await scene.store.renew(scene.task, "ann", [second.lease_id], timedelta(minutes=1))


async def test_retracting_before_answering_gives_the_clip_back(scene: Scene):
    outcome = await scene.store.lease(scene.task, scene.request())
    lease_id = outcome.leases[0].lease_id
    for request_id in ("r1", "r2"):
        await scene.store.submit(scene.task, "ann", [(lease_id, RETRACTED)], request_id)
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.leased, progress.taken) == (0, 0)


async def test_a_renewed_lease_outlives_its_first_term(scene: Scene):
    short = await scene.store.lease(scene.task, scene.request("ann", duration=SHORT))
    lease_id = short.leases[0].lease_id
    until = await scene.store.renew(scene.task, "ann", [lease_id], timedelta(minutes=1))
    assert until > short.leases[0].expire_time + timedelta(seconds=50)
    past = short.leases[0].expire_time + SHORT
    await asyncio.sleep((past - datetime.now(UTC)).total_seconds())
    other = await scene.store.lease(scene.task, scene.request("bob"))
    assert other.leases[0].pick.row == 1


async def test_a_lease_that_ran_out_is_renewed_while_nobody_else_holds_the_clip(scene: Scene):
    short = await scene.store.lease(scene.task, scene.request("ann", duration=SHORT))
    await wait_until_expired(scene)
    await scene.store.renew(scene.task, "ann", [short.leases[0].lease_id], timedelta(minutes=1))
    assert (await scene.store.read_task(scene.task.task_id))[1].leased == 1


async def test_a_lost_or_foreign_lease_is_not_renewed(scene: Scene):
    short = await scene.store.lease(scene.task, scene.request("ann", duration=SHORT))
    await wait_until_expired(scene)
    taken = await scene.store.lease(scene.task, scene.request("bob"))
    with pytest.raises(LeaseLost, match=r"lease_ids\[0\]"):
        await scene.store.renew(scene.task, "ann", [short.leases[0].lease_id], SHORT)
    with pytest.raises(InvalidInput, match="another oracle"):
        await scene.store.renew(scene.task, "ann", [taken.leases[0].lease_id], SHORT)
    await scene.store.submit(scene.task, "bob", [(taken.leases[0].lease_id, 0)], "r")
    with pytest.raises(LeaseLost):
        await scene.store.renew(scene.task, "bob", [taken.leases[0].lease_id], SHORT)


async def test_an_oracle_holds_no_more_clips_than_it_may(scene: Scene):
    task = await scene.store.create_task(new_task(scene.pool.pool_id, max_leases_per_oracle=2))
    first = await scene.store.lease(task, scene.request("ann", max_count=5))
    assert len(first.leases) == 2
    second = await scene.store.lease(task, scene.request("ann"))
    assert (second.leases, second.pool_state) == ((), PoolState.ORACLE_LIMIT)
    assert len((await scene.store.lease(task, scene.request("bob"))).leases) == 1
    await scene.store.submit(task, "ann", [(first.leases[0].lease_id, 0)], "r")
    assert len((await scene.store.lease(task, scene.request("ann"))).leases) == 1
