"""Windows of one recording that lie near each other are not asked at a time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.domain.pool import Clip, EncoderInfo, NamedClip, Pool
from aloe.learner.domain.task import Task
from aloe.learner.domain.windows import Recording, Window, window_id
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.labeling import OracleAnswer, QueryOutcome
from aloe.learner.usecases.learner import Learner
from aloe.learner.usecases.likeness import Example
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.replaying import Replaying
from aloe.values.named_recipes import RECIPES
from aloe.values.similarities import Similarity
from aloe.values.states import PoolState

CLASSES, DIM, WINDOW_COUNT, PLAIN_COUNT = ("even", "odd"), 6, 40, 4
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WINDOWS = [Window("night", float(n), n + 2.0) for n in range(WINDOW_COUNT)]
"""Each overlaps the one before and the one behind."""


class World:
    """A task on a recording's windows and some other clips."""

    def __init__(self, recipe: str, spacing: timedelta) -> None:
        self.store = MemoryStore()
        self.recipe, self.spacing = RECIPES[recipe], spacing
        nothing: Any = None
        self.learner = Learner(
            self.store,
            nothing,
            nothing,
            lambda: NOW,
            recording_files=nothing,
            recording_decoder=nothing,
        )

    async def start(self) -> None:
        encoder = EncoderInfo("e", "f", DIM)
        pool = Pool("p", encoder, keep_audio=False, epoch="e", create_time=NOW)
        await self.store.create_pool(pool)
        clips = [Clip(window_id(each), f"w{n}", window=each) for n, each in enumerate(WINDOWS)]
        clips += [Clip(f"c{n}", f"h{n}") for n in range(PLAIN_COUNT)]
        # Neighbours are alike, as in a recording: what is asked first would be all in one place.
        walk = np.random.default_rng(4).normal(size=(len(clips), DIM)).cumsum(axis=0)
        await self.store.put_recording(pool, Recording("night", "0" * 32, NOW))
        await self.store.append_clips(pool, clips, walk.astype(np.float32))
        task = Task(
            *("t", "p", CLASSES),
            epoch="e",
            create_time=NOW,
            query_strategy=self.recipe.query_strategy,
            head_recipe=self.recipe.head_recipe,
            representation=self.recipe.representation,
            window_spacing=self.spacing,
        )
        await self.store.create_task(task)
        self.learner.trainer.start()

    async def stop(self) -> None:
        await self.learner.trainer.stop()
        self.learner.maps.close()

    async def ask(self, oracle_id: str, count: int, **more: Any) -> QueryOutcome:
        return await self.learner.labeling.query("t", Question(oracle_id, count, **more))

    async def answer(self, oracle_id: str, asked: QueryOutcome) -> int:
        answers = [
            OracleAnswer(each.lease.lease_id, CLASSES[each.lease.pick.row % 2])
            for each in asked.leases
        ]
        outcome = await self.learner.labeling.submit("t", oracle_id, answers, "")
        return outcome.head_version or 0


@pytest.fixture(params=["best", "paper"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made = World(request.param, timedelta())
    await made.start()
    yield made
    await made.stop()


def windows_of(*asked: QueryOutcome) -> list[Window]:
    found = (each.clip.window for outcome in asked for each in outcome.leases)
    return [each for each in found if each is not None]


def check_apart(windows: list[Window], spacing_s: float = 0.0) -> None:
    for one, other in combinations(windows, 2):
        assert not one.is_near(other, spacing_s), (one, other)


async def test_neither_a_batch_nor_what_is_leased_at_a_time_overlaps(world: World):
    version = 0
    for _ in range(3):
        first = await world.ask("ann", 6, min_head_version=version)
        second = await world.ask("bob", 6, min_head_version=version)
        assert (len(first.leases), len(second.leases)) == (6, 6)
        check_apart(windows_of(first, second))
        version = await world.answer("ann", first)
        version = await world.answer("bob", second) or version


async def test_what_was_asked_is_done_again_from_the_log(world: World):
    version = 0
    for _ in range(3):
        asked = await world.ask("ann", 7, min_head_version=version)
        version = await world.answer("ann", asked) or version
    await world.learner.trainer.wait_for_head(
        await world.learner.trainer._tasks.fresh("t"), version
    )
    replaying = Replaying(world.store, PoolCache(world.store), PoolMaps(world.store))
    found = [each async for each in replaying.replay("t")][-1]
    replaying.close()
    assert (found.pick_count, found.differences, found.unknown_count) == (21, [], 0)


async def test_all_is_leased_where_what_is_left_lies_near(world: World):
    asked = await world.ask("ann", 100)
    check_apart(windows_of(asked))
    # What is left overlaps: every second window at most fits, and no fewer than every third.
    assert WINDOW_COUNT // 3 <= len(windows_of(asked)) <= WINDOW_COUNT // 2
    assert len(asked.leases) == len(windows_of(asked)) + PLAIN_COUNT
    rest = await world.ask("bob", 1)
    assert (rest.leases, rest.pool_state) == ((), PoolState.ALL_LEASED)
    few = await world.ask("bob", 1, filter_=parse_filter("start_s < 3"))
    assert (few.leases, few.pool_state) == ((), PoolState.ALL_LEASED)
    await world.answer("ann", asked)
    assert len((await world.ask("bob", 1)).leases) == 1


async def test_what_is_most_like_an_example_is_apart_and_what_is_named_is_not(world: World):
    like = Example(NamedClip("p", window_id(WINDOWS[20])), Similarity.COSINE)
    alike = await world.ask("ann", 5, like=like)
    assert alike.leases[0].clip.window == WINDOWS[20]
    check_apart(windows_of(alike))
    named = [NamedClip("p", window_id(each)) for each in WINDOWS[2:5]]
    asked = await world.ask("bob", 3, clips=named)
    assert windows_of(asked) == WINDOWS[2:5]


async def test_a_task_may_want_more_between_them():
    world = World("best", timedelta(seconds=9))
    await world.start()
    asked = await world.ask("ann", 100)
    check_apart(windows_of(asked), 9.0)
    assert len(windows_of(asked)) >= WINDOW_COUNT // 22
    await world.stop()
