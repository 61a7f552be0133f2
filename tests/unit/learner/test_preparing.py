"""What the process that trains makes ready changes when a query is answered, not what it gets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.task import Task
from aloe.learner.recorder import Phase
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.label_import import KnownLabel
from aloe.learner.usecases.labeling import OracleAnswer, QueryOutcome
from aloe.learner.usecases.learner import Learner
from aloe.values.named_recipes import RECIPES
from aloe.values.representations import Representation
from aloe.values.states import Split
from aloe.values.stopping import StablePredictionsRule
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLIP_COUNT, DIM, CLASSES = 400, 6, ("a", "b", "c")
HERDING = RECIPES["best"].query_strategy
DENSE = QueryStrategy(AcquisitionFunction.INFORMATION_DENSITY, SelectionRule.CLASS_AWARE)
AT_RANDOM = QueryStrategy(AcquisitionFunction.RANDOM, SelectionRule.CLASS_AGNOSTIC)


class NoPort:
    """An encoder or an audio store that nobody needs here."""


def truth(row: int) -> str:
    return CLASSES[row % 3]


@dataclass
class Scene:
    store: MemoryStore
    ours: Learner
    """Is asked, and trains."""
    other: Learner
    """Shares the store, and does not train."""

    async def begin(self, task: Task) -> None:
        await self.store.create_task(task)

    async def ask(self, learner: Learner, version: int = 0, count: int = 4) -> QueryOutcome:
        return await learner.labeling.query("t", Question("ann", count, version))

    async def answer(self, asked: QueryOutcome) -> int:
        """Answer what was asked; return the version of the head that is there then."""
        answers = [
            OracleAnswer(each.lease.lease_id, truth(each.lease.pick.row)) for each in asked.leases
        ]
        outcome = await self.ours.labeling.submit("t", "ann", answers, "")
        await self.ours.trainer.wait_for_head(await self.cached(), outcome.head_version or 0)
        return outcome.head_version or 0

    async def give_back(self, learner: Learner, asked: QueryOutcome) -> None:
        ids = [each.lease.lease_id for each in asked.leases]
        await learner.labeling.release("t", "ann", ids)

    async def cached(self, learner: Learner | None = None) -> CachedTask:
        return await (learner or self.ours).labeling._tasks.fresh("t")


def task_of(strategy: QueryStrategy, **settings: object) -> Task:
    task = Task(
        *("t", "p", CLASSES, "e", NOW),
        head_recipe=RECIPES["best"].head_recipe,
        representation=Representation.LINEAR,
        query_strategy=strategy,
        estimate_accuracy=True,
    )
    return replace(task, **settings)  # type: ignore[arg-type]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    store = MemoryStore()
    pool = Pool("p", EncoderInfo("e", "f", DIM), keep_audio=False, epoch="e", create_time=NOW)
    await store.create_pool(pool)
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(CLIP_COUNT, DIM)) + np.eye(3, DIM)[np.arange(CLIP_COUNT) % 3]
    clips = [Clip(f"c{row}", f"h{row}") for row in range(CLIP_COUNT)]
    await store.append_clips(pool, clips, vectors.astype(np.float32))
    nothing: Any = NoPort()
    learners = [
        Learner(
            store, nothing, nothing, lambda: NOW, recording_files=nothing, recording_decoder=nothing
        )
        for _ in range(2)
    ]
    yield Scene(store, *learners)
    for each in learners:
        await each.stop()


def picks_of(asked: QueryOutcome) -> list[object]:
    return [each.lease.pick for each in asked.leases]


@pytest.mark.parametrize("strategy", [HERDING, DENSE, AT_RANDOM, RECIPES["paper"].query_strategy])
async def test_a_learner_that_trained_and_one_that_did_not_ask_for_the_same(
    scene: Scene, strategy: QueryStrategy
):
    await scene.begin(task_of(strategy, audit_share=0.2))
    asked = await scene.ask(scene.ours, count=9)
    for _ in range(7):
        version = await scene.answer(asked)
        elsewhere = await scene.ask(scene.other, version)
        await scene.give_back(scene.other, elsewhere)
        asked = await scene.ask(scene.ours, version)
        assert picks_of(asked) == picks_of(elsewhere)
        assert len(asked.leases) == 4
    assert asked.head_version == 7
    ours, other = await scene.cached(), await scene.cached(scene.other)
    # Nothing was scored as it was asked but by the one that had to.
    assert Phase.SCORING not in ours.times.of(7)
    assert Phase.SCORING in other.times.of(7)


async def test_labels_that_come_while_a_head_is_trained_are_no_candidates(scene: Scene):
    await scene.begin(task_of(HERDING))
    version = await scene.answer(await scene.ask(scene.ours, count=9))
    order = np.random.default_rng(2).permutation(CLIP_COUNT).reshape(4, -1)
    for rows in order[:, :60].tolist():
        asked = await scene.ask(scene.ours, version, count=20)
        answering = asyncio.create_task(scene.answer(asked))
        await asyncio.sleep(0)
        known = [KnownLabel("p", f"c{row}", truth(row), Split.TRAIN) for row in rows]
        imported = await scene.ours.label_importer.import_labels("t", known)
        version = max(await answering, imported.head_version or 0)
        elsewhere = await scene.ask(scene.other, version)
        await scene.give_back(scene.other, elsewhere)
        again = await scene.ask(scene.ours, version)
        assert picks_of(again) == picks_of(elsewhere)
        await scene.give_back(scene.ours, again)


async def test_a_task_that_nobody_asks_here_has_nothing_made_ready(scene: Scene):
    await scene.begin(task_of(HERDING))
    known = [KnownLabel("p", f"c{row}", truth(row), Split.TRAIN) for row in range(40)]
    imported = await scene.ours.label_importer.import_labels("t", known)
    cached = await scene.cached()
    await scene.ours.trainer.wait_for_head(cached, imported.head_version or 0)
    assert cached.ranks.next is None
    assert cached.ranks.herds.next is None
    rounds = await scene.store.read_rounds(cached.task, 1, 1)
    assert rounds[0].accuracy_estimate is not None


async def test_figures_are_the_same_whether_clips_are_ranked_here_or_not(scene: Scene):
    """Equal tasks, of which this learner ranks the clips of one."""
    rule = StablePredictionsRule()
    figures = []
    for is_asked in (False, True):
        task = replace(task_of(HERDING, stopping_rule=rule), task_id=f"t{is_asked}")
        await scene.begin(task)
        if is_asked:
            asked = await scene.ours.labeling.query(task.task_id, Question("ann", 2))
            assert asked.leases
        cached = await scene.ours.labeling._tasks.fresh(task.task_id)
        for first in (0, 40):
            known = [
                KnownLabel("p", f"c{row}", truth(row), Split.TRAIN)
                for row in range(first, first + 40)
            ]
            imported = await scene.ours.label_importer.import_labels(task.task_id, known)
            await scene.ours.trainer.wait_for_head(cached, imported.head_version or 0)
        assert (cached.ranks.next is not None) == is_asked
        rounds = await scene.store.read_rounds(cached.task, 1, 2)
        figures.append(
            [
                (each.prediction_agreement, each.mean_uncertainty, each.accuracy_estimate)
                for each in rounds
            ]
        )
    assert figures[0] == figures[1]
    assert None not in figures[0][1]
