"""Functions on a pool's graph: learners agree on the picks, and herding helps out where it is told.

The graph is made in no time here; where it matters that it takes long, it is held up.
"""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.contract.learners.worlds import World, world_on

from aloe.learner.cache import graphs
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.graphs import membership
from aloe.learner.domain.graphs.spectrum import fit_spectrum
from aloe.learner.usecases import ranking
from aloe.learner.usecases.labeling import QueryOutcome
from aloe.values.recipes import LogisticRecipe
from aloe.values.representations import Representation
from aloe.values.states import EventKind
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule

COUNT = 40
ON_GRAPH = QueryStrategy(AcquisitionFunction.MCV_OPT, SelectionRule.CLASS_AGNOSTIC)
BY_CLASS = replace(ON_GRAPH, selection_rule=SelectionRule.CLASS_AWARE)
IN_PLACE = replace(ON_GRAPH, selection_rule=SelectionRule.HERDING)
SETTINGS: dict[str, Any] = {
    "query_strategy": ON_GRAPH,
    "head_recipe": LogisticRecipe(),
    "representation": Representation.KERNEL,
}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with world_on(redis_url, uuid.uuid4().hex) as world:
        await world.create(**SETTINGS)
        await add(world, 0)
        yield world


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """No graph is made until this is set, and none is soon."""
    may_go_on = threading.Event()

    def fit_later(*args: Any) -> Any:
        assert may_go_on.wait(30)
        return fit_spectrum(*args)

    monkeypatch.setattr(graphs, "fit_spectrum", fit_later)
    monkeypatch.setattr(ranking, "_SOON_CLIP_COUNT", 10)
    yield may_go_on
    may_go_on.set()


async def add(world: World, first: int) -> None:
    contents = range(first, first + COUNT)
    await world.add([f"clip{each}" for each in contents], contents)


async def trained(world: World) -> int:
    """Label a few clips; return the version of the head that is trained on them."""
    outcome = await world.answer((await world.ask(6)).leases)
    assert outcome.head_version is not None
    return outcome.head_version


async def strategies_in_log(world: World) -> list[QueryStrategy | None]:
    history = await world.learners[0].tasks.events(world.task_id, "0-0", 1_000)
    events = [each for each in history.events if each.kind is EventKind.CLIPS_LEASED]
    return [each.query_strategy for each in events]


async def update(world: World, change: Callable[[Any], Any], at: int = 0) -> None:
    await world.learners[at].tasks.update(world.task_id, change)


@pytest.mark.parametrize("strategy", [ON_GRAPH, BY_CLASS])
async def test_two_learners_pick_the_same_to_the_last_bit(world: World, strategy: QueryStrategy):
    await update(world, lambda task: replace(task, query_strategy=strategy))
    version = 0
    for _ in range(4):
        outcomes: list[QueryOutcome] = []
        for at in (0, 1):
            outcomes.append(await world.ask(5, at, min_head_version=version))
            await world.learners[at].labeling.release(world.task_id, "ann", [])
        picks = [[each.lease.pick for each in outcome.leases] for outcome in outcomes]
        assert len(picks[0]) == 5
        assert picks[0] == picks[1]
        assert all(pick.reason is not None and pick.reason.gain for pick in picks[0])
        again = await world.ask(5, min_head_version=version)
        version = (await world.answer(again.leases)).head_version or version
    assert await strategies_in_log(world) == [strategy] * 12
    assert version > 1


async def test_leased_clips_count_as_covered(world: World):
    at_once = await world.ask(6)
    await world.learners[0].labeling.release(world.task_id, "ann", [])
    one_by_one = [(await world.ask(1, at=each % 2, oracle_id=f"o{each}")) for each in range(6)]
    assert [each.leases[0].lease.pick.row for each in one_by_one] == [
        each.lease.pick.row for each in at_once.leases
    ]


async def test_until_the_graph_is_there_herding_picks_and_the_log_says_so(
    world: World, held_up: threading.Event, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    version = await trained(world)
    while (outcome := await world.ask(1)).head_version < version:
        await world.learners[0].labeling.release(world.task_id, "ann", [])
        await asyncio.sleep(0.02)
    assert outcome.query_strategy == IN_PLACE
    assert set(await strategies_in_log(world)) == {IN_PLACE}
    assert "is asked by herding in place of mcv_opt: the pool has no graph yet" in caplog.text
    # A query that waits for heads waits for the graph as well.
    waiting = asyncio.create_task(world.ask(2, min_head_version=version))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    held_up.set()
    assert (await waiting).query_strategy == ON_GRAPH
    assert (await world.ask(1)).query_strategy == ON_GRAPH
    *_, replay = [each async for each in world.learners[1].replaying.replay(world.task_id)]
    assert (replay.difference_count, replay.unknown_count) == (0, 0)
    assert replay.pick_count > 9


async def test_before_the_first_head_it_does_not_matter_whether_a_large_graph_is_there(
    world: World, held_up: threading.Event
):
    first = await world.ask(3)
    await world.learners[0].labeling.release(world.task_id, "ann", [])
    held_up.set()
    await asyncio.sleep(0.5)
    again = await world.ask(3)
    assert [each.lease.pick for each in again.leases] == [each.lease.pick for each in first.leases]
    assert first.query_strategy == again.query_strategy == IN_PLACE


async def test_a_pool_that_outgrows_its_graph_is_asked_on_by_herding(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(membership, "MAX_CLIP_COUNT", 50)
    assert (await world.ask(2)).query_strategy == ON_GRAPH
    await add(world, COUNT)
    asked = [await world.ask(2) for _ in range(2)]
    assert [each.query_strategy for each in asked] == [IN_PLACE] * 2
    (told,) = [each for each in caplog.records if "in place of mcv_opt" in each.message]
    assert told.levelname == "WARNING"
    assert "is for pools of up to 50 clips, and this one has 80" in told.message
    *_, replay = [each async for each in world.learners[1].replaying.replay(world.task_id)]
    assert (replay.difference_count, replay.unknown_count, replay.pick_count) == (0, 0, 6)
    # What is there already may be repeated and changed; nobody else begins.
    await world.learners[0].tasks.create(world.task(**SETTINGS))
    await update(world, lambda task: replace(task, label_budget=70))
    other = replace(world.task(**SETTINGS), task_id=f"{world.task_id}-2")
    with pytest.raises(InvalidInput, match="SMALLEST_MARGIN with HERDING is for any pool"):
        await world.learners[0].tasks.create(other)
    await update(world, lambda task: replace(task, query_strategy=QueryStrategy()))
    with pytest.raises(InvalidInput, match="up to 50 clips"):
        await update(world, lambda task: replace(task, query_strategy=ON_GRAPH))


async def test_a_repeated_query_tells_what_ranked_the_first_time(world: World):
    first = await world.ask(2, request_id="r")
    await update(world, lambda task: replace(task, query_strategy=QueryStrategy()))
    again = await world.ask(2, request_id="r")
    assert (again.leases, again.query_strategy) == (first.leases, first.query_strategy)
