"""A hold keeps its place in the label budget; what comes after it ended must find room."""

from datetime import timedelta

import pytest
from tests.contract.stores.conftest import Scene, new_task

from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import LeaseLost
from aloe.learner.domain.task import Task


async def _budget_task(scene: Scene, label_budget: int) -> Task:
    return await scene.store.create_task(new_task(scene.pool.pool_id, label_budget=label_budget))


async def _released(scene: Scene, task: Task, count: int) -> list[str]:
    """Lease ids of clips that were given back."""
    outcome = await scene.store.lease(task, scene.request("ann", max_count=count))
    await scene.store.release(task, "ann", [])
    return [lease.lease_id for lease in outcome.leases]


async def test_a_late_answer_is_refused_where_the_budget_has_no_room_left(scene: Scene):
    task = await _budget_task(scene, 1)
    (late,) = await _released(scene, task, 1)
    # Another clip than the late one: that is not what refuses it.
    ranking = scene.request().ranking[1:]
    (taken,) = (await scene.store.lease(task, scene.request("bob", ranking=ranking))).leases
    with pytest.raises(LeaseLost, match="budget"):
        await scene.store.submit(task, "ann", [(late, 0)], "r1")
    await scene.store.submit(task, "bob", [(taken.lease_id, 0)], "r2")
    with pytest.raises(LeaseLost, match="budget"):
        await scene.store.submit(task, "ann", [(late, 0)], "r3")
    _, progress = await scene.store.read_task(task.task_id)
    assert (progress.labeled, progress.budget_spent, progress.leased) == (1, 1, 0)


async def test_a_late_answer_is_taken_where_the_budget_has_room(scene: Scene):
    task = await _budget_task(scene, 2)
    first, second = await _released(scene, task, 2)
    await scene.store.submit(task, "ann", [(first, 0), (second, 1)], "r")
    _, progress = await scene.store.read_task(task.task_id)
    assert progress.budget_spent == 2


async def test_an_abstention_is_corrected_into_a_label_only_where_the_budget_has_room(scene: Scene):
    task = await _budget_task(scene, 1)
    (first,) = (await scene.store.lease(task, scene.request("ann"))).leases
    await scene.store.submit(task, "ann", [(first.lease_id, NO_CLASS)], "r1")
    (second,) = (await scene.store.lease(task, scene.request("bob"))).leases
    await scene.store.submit(task, "bob", [(second.lease_id, 0)], "r2")
    with pytest.raises(LeaseLost, match="budget"):
        await scene.store.submit(task, "ann", [(first.lease_id, 1)], "r3")
    await scene.store.submit(task, "bob", [(second.lease_id, 1)], "r4")
    _, progress = await scene.store.read_task(task.task_id)
    assert (progress.labeled, progress.abstained, progress.budget_spent) == (1, 1, 1)


async def test_an_ended_lease_is_renewed_only_where_the_budget_has_room(scene: Scene):
    task = await _budget_task(scene, 1)
    (ended,) = await _released(scene, task, 1)
    ranking = scene.request().ranking[1:]
    await scene.store.lease(task, scene.request("bob", ranking=ranking))
    with pytest.raises(LeaseLost, match="budget"):
        await scene.store.renew(task, "ann", [ended], timedelta(minutes=1))
    _, progress = await scene.store.read_task(task.task_id)
    assert progress.leased == 1


async def test_a_renewal_that_names_an_ended_lease_twice_counts_it_once(scene: Scene):
    (ended,) = await _released(scene, scene.task, 1)
    await scene.store.renew(scene.task, "ann", [ended, ended], timedelta(minutes=1))
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert progress.leased == 1


async def test_two_leases_on_one_clip_are_not_answered_or_renewed_at_once(scene: Scene):
    leases = []
    for _ in range(2):
        leases += await _released(scene, scene.task, 1)
    with pytest.raises(LeaseLost, match=r"answers\[1\]"):
        await scene.store.submit(scene.task, "ann", [(leases[0], 0), (leases[1], 1)], "r")
    with pytest.raises(LeaseLost, match=r"lease_ids\[1\]"):
        await scene.store.renew(scene.task, "ann", leases, timedelta(minutes=1))
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.labeled, progress.leased, progress.budget_spent) == (0, 0, 0)
