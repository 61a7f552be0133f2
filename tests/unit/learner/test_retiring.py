"""A learner that dies after it changed a pool, and before it told the tasks, loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.domain.clip_changes import ImportRules
from aloe.learner.domain.errors import ClipNotFound, InvalidInput, LeaseLost
from aloe.learner.domain.events import START_OF_LOG
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.label_import import KnownLabel
from aloe.learner.usecases.labeling import OracleAnswer
from aloe.learner.usecases.learner import Learner
from aloe.values.states import ClipState, EventKind, PoolState, Split

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLIP_COUNT = 6


class NoPort:
    """An encoder or an audio store that nobody needs here."""


class LosingStore(MemoryStore):
    """Retires clips of a task as soon as they were looked up, where it is told to."""

    retire_found: Task | None = None

    async def find_clips(self, pool_id, clip_ids):
        found = await super().find_clips(pool_id, clip_ids)
        if self.retire_found is not None:
            await self.retire_rows(self.retire_found, [each.row for each in found if each])
        return found


@dataclass
class Scene:
    store: LosingStore
    learner: Learner
    pool: Pool
    task: Task

    async def label(self, *names: str) -> None:
        labels = [
            KnownLabel("p", name, "yes" if place % 2 else "no", Split.TRAIN)
            for place, name in enumerate(names)
        ]
        await self.learner.label_importer.import_labels("t", labels)

    async def query(self, count: int = 9):
        return await self.learner.labeling.query("t", Question("ann", count))

    async def die_while_deleting(self, *names: str) -> None:
        """What is left by another learner that dies before it turns to the tasks."""
        await self.store.remove_clips(self.pool, names)
        # The other learner's caches were not told either.
        await asyncio.sleep(0.06)

    async def die_while_replacing(self, name: str) -> None:
        vectors = np.full((1, 2), 7, np.float32)
        clip = Clip(name, "other")
        await self.store.append_clips(self.pool, [clip], vectors, ImportRules(replace=True))
        await asyncio.sleep(0.06)

    async def states(self, row: int) -> list[ClipState]:
        events = await self.store.read_events(self.task, START_OF_LOG)
        return [
            ClipState(state)
            for event in events
            for each, state in zip(event.rows, event.states, strict=True)
            if each == row
        ]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    store = LosingStore()
    pool = Pool("p", EncoderInfo("e", "f", 2), keep_audio=False, epoch="e", create_time=NOW)
    await store.create_pool(pool)
    rng = np.random.default_rng(1)
    clips = [Clip(f"c{n}", f"h{n}") for n in range(CLIP_COUNT)]
    await store.append_clips(pool, clips, rng.normal(size=(CLIP_COUNT, 2)).astype(np.float32))
    task = await store.create_task(Task("t", "p", ("no", "yes"), epoch="e", create_time=NOW))
    nothing: Any = NoPort()
    learner = Learner(
        store, nothing, nothing, lambda: NOW, recording_files=nothing, recording_decoder=nothing
    )
    yield Scene(store, learner, pool, task)
    await learner.stop()


async def test_a_query_takes_deleted_clips_out_of_the_task_first(scene: Scene):
    await scene.query(1)  # The learner knows pool and task.
    await scene.label("c0", "c1")
    await scene.die_while_deleting("c0", "c2")
    leases = (await scene.query()).leases
    assert not {"c0", "c2"} & {each.clip.clip_id for each in leases}
    assert (await scene.states(0))[-2:] == [ClipState.LABELED, ClipState.RETIRED]
    assert (await scene.learner.tasks.get("t")).progress.labeled == 1


async def test_a_query_of_a_pool_that_is_all_deleted_ends(scene: Scene):
    await scene.die_while_deleting(*(f"c{n}" for n in range(CLIP_COUNT)))
    async with asyncio.timeout(5):
        assert (await scene.query()).pool_state is PoolState.EXHAUSTED


async def test_what_is_told_of_the_task_is_without_deleted_clips(scene: Scene):
    await scene.label("c0", "c1", "c2")
    await scene.die_while_deleting("c0")
    state = await scene.learner.tasks.get("t")
    assert (state.progress.labeled, state.clip_count, state.progress.retired) == (2, 5, 1)
    await scene.die_while_deleting("c1")
    _, _, labels = await scene.learner.tasks.labels("t")
    assert [each.clip.clip_id async for some in labels for each in some] == ["c2"]


async def test_the_end_of_the_old_clip_is_logged_before_a_label_of_the_new_one(scene: Scene):
    await scene.label("c0", "c1")
    await scene.die_while_replacing("c0")
    await scene.label("c0")
    events = await scene.store.read_events(scene.task, START_OF_LOG)
    changed = [(event.kind, event.rows) for event in events if 0 in event.rows or 6 in event.rows]
    assert changed == [
        (EventKind.LABELS_IMPORTED, (0, 1)),
        (EventKind.CLIPS_RETIRED, (0,)),
        (EventKind.LABELS_IMPORTED, (6,)),
    ]
    history = await scene.learner.tasks.events("t", START_OF_LOG, 9)
    assert (history.clips[0].clip_id, history.clips[6].clip_id) == ("c0", "c0")


async def test_an_answer_that_came_before_is_dropped_with_its_clip_and_stays_in_the_log(
    scene: Scene,
):
    leases = {each.clip.clip_id: each.lease for each in (await scene.query()).leases}
    await scene.die_while_replacing("c3")
    answer = OracleAnswer(leases["c3"].lease_id, "yes")
    await scene.learner.labeling.submit("t", "ann", [answer], "")
    assert (await scene.learner.tasks.get("t")).progress.labeled == 0
    assert await scene.states(3) == [ClipState.LEASED, ClipState.LABELED, ClipState.RETIRED]
    with pytest.raises(LeaseLost, match="deleted or replaced"):
        await scene.learner.labeling.submit("t", "ann", [answer], "")
    (lease,) = (await scene.query()).leases
    assert (lease.clip.clip_id, lease.clip.content_hash) == ("c3", "other")


async def test_a_sweep_takes_them_out_though_nobody_asks(scene: Scene):
    await scene.label("c0", "c1", "c2", "c3")
    await scene.die_while_deleting("c0")
    scene.learner.start()
    async with asyncio.timeout(20):
        while True:
            _, progress = await scene.store.read_task("t")
            rounds = await scene.store.read_rounds(scene.task, 1, 9)
            if progress.retired and rounds and rounds[-1].label_count == 3:
                return
            await asyncio.sleep(0.01)


async def test_the_learner_that_deletes_does_it_at_once(scene: Scene):
    await scene.label("c0", "c1")
    await scene.learner.pools.delete_clips("p", ["c0"])
    assert (await scene.store.read_task("t"))[1].retired == 1
    with pytest.raises(InvalidInput, match="holds no clip 'c0'"):
        await scene.label("c0")


async def test_an_import_of_labels_that_meets_a_deletion_stores_nothing(scene: Scene):
    """The clip goes after it was looked up, and before its label is stored."""
    scene.store.retire_found = scene.task
    with pytest.raises(ClipNotFound, match="nothing was stored"):
        await scene.label("c0", "c1")
    assert (await scene.store.read_task("t"))[1].labeled == 0
