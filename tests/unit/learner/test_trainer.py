"""The trainer looks again whenever it is told to."""

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import Basis, LabelChange, LeaseRequest, Pick
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.training import Trainer
from aloe.values.states import ClipState
from aloe.values.stopping import AnyOfRules, PlateauRule, UncertaintyRule

BYTE_BUDGET = 1 << 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def trainer_on(store: MemoryStore, tasks: TaskCache) -> Trainer:
    return Trainer(store, PoolCache(store, BYTE_BUDGET), tasks, PoolMaps(store), lambda: NOW)


async def fill(store: MemoryStore) -> Task:
    pool = Pool("p", EncoderInfo("e", "f", 2), keep_audio=False, epoch="e", create_time=NOW)
    await store.create_pool(pool)
    vectors = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    await store.append_clips(pool, [Clip(f"c{n}", f"h{n}") for n in range(3)], vectors)
    return await store.create_task(Task("t", "p", ("no", "yes"), epoch="e", create_time=NOW))


class LateNews(MemoryStore):
    """Labels come in when the trainer has just been told that no round is due."""

    def __init__(self) -> None:
        super().__init__()
        self.trainer: Trainer | None = None

    async def begin_round(self, *args, **options):
        ticket = await super().begin_round(*args, **options)
        if ticket is None and self.trainer is not None:
            # Scheduled before the trainer ends, and so it runs before anyone sees it ended.
            asyncio.get_running_loop().call_soon(self.trainer.notify, "t")
            self.trainer = None
            labels = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]
            await self.import_labels(args[0], labels)
        return ticket


@pytest.mark.timeout(20)
async def test_labels_that_come_as_the_trainer_ends_are_trained_without_a_sweep():
    store = LateNews()
    await fill(store)
    tasks = TaskCache(store)
    store.trainer = trainer = Trainer(
        store, PoolCache(store, BYTE_BUDGET), tasks, PoolMaps(store), lambda: NOW
    )
    trainer.notify("t")
    cached = await tasks.fresh("t")
    async with asyncio.timeout(10):
        while cached.view.head_version == 0:
            await cached.changed.wait()
    await trainer.stop()
    assert (await store.read_task("t"))[1].head_version == 1


async def test_stopping_gives_back_the_threads_of_the_matrices():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def thread_counts() -> list[int]:
        return [
            each["num_threads"]
            for each in threadpoolctl.threadpool_info()
            if each["user_api"] == "blas"
        ]

    store = MemoryStore()
    before = thread_counts()
    trainer = Trainer(
        store, PoolCache(store, BYTE_BUDGET), TaskCache(store), PoolMaps(store), lambda: NOW
    )
    trainer.start()
    during = thread_counts()
    await trainer.stop()
    assert set(during) == {1}
    assert thread_counts() == before


CLIP_COUNT = 40


async def fill_with_noise(store: MemoryStore, **options) -> Task:
    pool = Pool("p", EncoderInfo("e", "f", 4), keep_audio=False, epoch="e", create_time=NOW)
    await store.create_pool(pool)
    vectors = np.random.default_rng(8).normal(size=(CLIP_COUNT, 4)).astype(np.float32)
    await store.append_clips(pool, [Clip(f"c{n}", f"h{n}") for n in range(CLIP_COUNT)], vectors)
    task = Task("t", "p", ("no", "yes"), epoch="e", create_time=NOW, **options)
    return await store.create_task(task)


async def label(store: MemoryStore, task: Task, *rows: int) -> None:
    await store.import_labels(task, [LabelChange(row, ClipState.LABELED, row % 2) for row in rows])


async def hold(store: MemoryStore, task: Task, row: int) -> None:
    ranking = [Pick(row, 0.0, 0)]
    basis = Basis("0-0", CLIP_COUNT, 0, 1, 1, "")
    request = LeaseRequest("ann", ranking, basis, 1, timedelta(hours=1), "r", 0, None)
    assert (await store.lease(task, request)).leases


async def train(store: MemoryStore) -> None:
    """Train what is due in a process that knows nothing yet."""
    trainer = Trainer(
        store, PoolCache(store, BYTE_BUDGET), TaskCache(store), PoolMaps(store), lambda: NOW
    )
    while await trainer._train_once("t"):
        pass
    await trainer.stop()


async def three_rounds(store: MemoryStore, *, restarting: bool, leasing: bool) -> list[Round]:
    task = await fill_with_noise(
        store, stopping_rule=AnyOfRules((PlateauRule(), UncertaintyRule()))
    )
    trainer = Trainer(
        store, PoolCache(store, BYTE_BUDGET), TaskCache(store), PoolMaps(store), lambda: NOW
    )
    for rows in ((0, 1, 2, 3), (4, 7, 9), (11,)):
        await label(store, task, *rows)
        if leasing:
            await hold(store, task, 20)
        if restarting:
            await train(store)
        else:
            await trainer._train_once("t")
    await trainer.stop()
    return await store.read_rounds(task, 1, 10)


def figures(rounds: list[Round]) -> list[tuple[float | None, float | None]]:
    return [(each.prediction_agreement, each.mean_uncertainty) for each in rounds]


@pytest.mark.parametrize("restarting", [False, True])
@pytest.mark.parametrize("leasing", [False, True])
async def test_figures_of_the_pool_do_not_depend_on_who_trains_or_who_holds_clips(
    restarting, leasing
):
    plain = await three_rounds(MemoryStore(), restarting=False, leasing=False)
    found = await three_rounds(MemoryStore(), restarting=restarting, leasing=leasing)
    assert figures(found) == figures(plain)
    first, *others = figures(found)
    assert first[0] is None
    assert all(agreement is not None and -1 <= agreement < 1 for agreement, _ in others)
    assert all(
        uncertainty is not None and 0 < uncertainty < 0.5 for _, uncertainty in figures(found)
    )


class LostHeads(MemoryStore):
    """The newest head is gone, and the store says so."""

    async def read_head(self, task: Task, version: int) -> Head | None:
        raise StoreDamaged("heads", f"head {version} is missing")


async def test_a_lost_head_is_followed_by_one_that_is_compared_with_none():
    store = LostHeads()
    task = await fill_with_noise(store, stopping_rule=UncertaintyRule())
    await label(store, task, 0, 1)
    await train(store)
    await label(store, task, 4)
    await train(store)
    _, second = await store.read_rounds(task, 1, 10)
    assert second.prediction_agreement is None
    assert second.mean_uncertainty is not None


async def test_a_task_whose_rule_does_not_look_at_the_pool_is_spared_the_pass():
    store = MemoryStore()
    task = await fill_with_noise(store, stopping_rule=PlateauRule())
    await label(store, task, 0, 1)
    await train(store)
    [round_] = await store.read_rounds(task, 1, 10)
    assert (round_.prediction_agreement, round_.mean_uncertainty) == (None, None)
    assert round_.statistics_s is None
    assert round_.store_s is not None


async def test_a_pool_that_is_all_labeled_has_no_figures():
    store = MemoryStore()
    task = await fill_with_noise(store, stopping_rule=UncertaintyRule())
    await label(store, task, *range(CLIP_COUNT))
    await train(store)
    [round_] = await store.read_rounds(task, 1, 10)
    assert (round_.prediction_agreement, round_.mean_uncertainty) == (None, None)
