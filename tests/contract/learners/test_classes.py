"""Classes change under the learners that serve a task: no label is lost, or taken for another."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from aloe.learner.domain.errors import ClipNotFound, InvalidInput
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.domain.leases import LabelsOutcome
from aloe.learner.domain.pool import NamedClip
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.labeling import OracleAnswer, QueryOutcome
from aloe.values.classes import (
    AddClass,
    ClassChange,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
)
from aloe.values.states import PoolState

from .worlds import World, content_of, world_on

CLIP_COUNT = 60


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with world_on(redis_url, uuid.uuid4().hex) as made:
        await made.create()
        contents = range(CLIP_COUNT)
        await made.add([f"clip-{each}" for each in contents], contents)
        yield made


async def answer(world: World, at: int, label: str, oracle_id: str = "ann") -> int:
    """Lease a clip and answer; return its content."""
    (leased,) = await world.query(1, at, oracle_id)
    given = OracleAnswer(leased.lease.lease_id, label)
    await world.learners[at].labeling.submit(world.task_id, oracle_id, [given], "")
    return content_of(leased.clip)


async def test_a_learner_that_has_not_heard_of_a_change_takes_labels_by_the_classes_of_now(
    world: World,
):
    await answer(world, 1, "even")  # It knows the task from now on.
    (leased,) = await world.query(1, 1)
    change = world.learners[0].reclassing.change
    await change(world.task_id, AddClass("prime"))
    given = [OracleAnswer(leased.lease.lease_id, "prime")]
    await world.learners[1].labeling.submit(world.task_id, "ann", given, "")
    (other,) = await world.query(1, 1)
    await change(world.task_id, RetireClass("prime"))
    given = [OracleAnswer(other.lease.lease_id, "prime")]
    with pytest.raises(InvalidInput, match="'prime' is a retired class"):
        await world.learners[1].labeling.submit(world.task_id, "ann", given, "")
    _, _, exported = await world.learners[1].tasks.labels(world.task_id)
    labels = [each.label.class_index async for some in exported for each in some]
    assert sorted(labels) == [0, 2]


async def test_an_answer_that_is_repeated_after_its_class_was_retired_is_the_one_that_was_stored(
    world: World,
):
    (leased,) = await world.query(1, 0)
    given = [OracleAnswer(leased.lease.lease_id, "odd")]

    async def submit(at: int, request_id: str) -> LabelsOutcome:
        return await world.learners[at].labeling.submit(world.task_id, "ann", given, request_id)

    first = await submit(0, "r")
    await world.learners[0].reclassing.change(world.task_id, AddClass("prime"))
    await world.learners[0].reclassing.change(world.task_id, RetireClass("odd"))
    assert [await submit(0, "r"), await submit(1, "r")] == [first, first]
    with pytest.raises(InvalidInput, match="'odd' is a retired class"):
        await submit(0, "another")


async def test_a_query_that_is_repeated_after_what_it_names_is_no_more_gets_what_it_got(
    world: World,
):
    first_clip = NamedClip(world.pool_id, "clip-0")
    questions = {
        "by-filter": Question("ann", 1, filter_=parse_filter('label != "odd"')),
        "by-clips": Question("ann", 1, clips=[NamedClip(world.pool_id, "clip-7"), first_clip]),
    }

    async def ask(name: str, at: int, request_id: str) -> QueryOutcome:
        question = replace(questions[name], request_id=request_id)
        return await world.learners[at].labeling.query(world.task_id, question)

    await answer(world, 0, "odd")
    first = {name: await ask(name, 0, name) for name in questions}
    await world.learners[0].reclassing.change(world.task_id, RenameClass("odd", "uneven"))
    await world.learners[0].pools.delete_clips(world.pool_id, ["clip-0"])
    for at in (0, 1):
        for name, outcome in first.items():
            again = await ask(name, at, name)
            assert again.leases == outcome.leases
            assert (again.pool_state, again.head_version) == (PoolState.OPEN, outcome.head_version)
    for name, error in (("by-filter", InvalidInput), ("by-clips", ClipNotFound)):
        with pytest.raises(error):
            await ask(name, 0, "another")


@pytest.mark.parametrize("seed", range(3))
async def test_no_label_that_was_acknowledged_is_lost_or_moved_while_classes_change(
    world: World, seed: int
):
    generator, acknowledged = random.Random(seed), {}
    names = ("even", "odd", "prime", "square")

    async def label(at: int) -> None:
        for _ in range(12):
            name = generator.choice(names)
            try:
                acknowledged[await answer(world, at, name, f"oracle-{at}")] = name
            except InvalidInput:  # It is retired, or not there yet.
                await asyncio.sleep(0)

    async def reclass(at: int) -> None:
        for _ in range(12):
            name, other = generator.sample(names, 2)
            changes: list[ClassChange] = [
                AddClass(name),
                RenameClass(name, name),
                MergeClass(name, other),
                RetireClass(name),
                RestoreClass(name),
            ]
            try:
                change = generator.choice(changes)
                await world.learners[at].reclassing.change(world.task_id, change)
            except InvalidInput:
                await asyncio.sleep(0)

    await asyncio.gather(label(0), label(1), reclass(0), reclass(1))
    for at in (0, 1):
        task, _, exported = await world.learners[at].tasks.labels(world.task_id)
        found = {
            content_of(each.clip): task.classes[each.label.class_index]
            async for some in exported
            for each in some
        }
        assert found == acknowledged
