"""Training in the background: one round of a task at a time, by whichever replica comes first."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from threadpoolctl import threadpool_limits

from aloe.admission.gate import not_working
from aloe.learner.bulkheads import TRAINING, Threads
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask, TaskCache, read_log
from aloe.learner.domain.errors import (
    LearnerError,
    PoolNotFound,
    StoreDamaged,
    StoreWentBack,
    TaskChanged,
    TaskNotFound,
)
from aloe.learner.domain.events import START_OF_LOG, TaskView, event_order
from aloe.learner.domain.head import Head
from aloe.learner.domain.representations.pool_map import name_of
from aloe.learner.domain.round_work import RoundInputs, RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.ports.store import Store
from aloe.learner.recorder import HeadTimes, Phase
from aloe.learner.usecases.head_waiting import HeadWaiting
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.retiring import settled_task
from aloe.learner.usecases.round_running import run_round
from aloe.learner.usecases.settling import settle, stray_rows
from aloe.values.states import ClipState
from aloe.values.stopping import looks_at_pool

HOLD = timedelta(seconds=5)
"""A dead trainer's round is taken over after so long."""
SWEEP_S = 3.0
"""How often all tasks are searched for rounds that nobody trains."""

_log = logging.getLogger(__name__)


class Trainer:
    """Trains the heads that are due. `notify` says where to look; a sweep finds the rest."""

    def __init__(
        self,
        store: Store,
        pools: PoolCache,
        tasks: TaskCache,
        maps: PoolMaps,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._pools, self._tasks, self._now = store, pools, tasks, now
        self._maps = maps
        self._heads = HeadWaiting(store, self._begin_to_train)
        self._trainer_id = uuid.uuid4().hex
        self._threads = Threads(TRAINING)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._damaged: set[str] = set()
        """Tasks of which it was told that they are damaged."""
        self._sweeping: asyncio.Task[None] | None = None
        self._one_thread: threadpool_limits | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to sweep."""
        # BLAS in one thread: the matrices are small, and the bits of a head must not depend on what
        # runs beside. One limit for the process: rounds overlap, and each ending a limit of its own
        # would end those of the others.
        self._one_thread = threadpool_limits(limits=1, user_api="blas")
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End what runs. A round that is cut short is taken up by another trainer."""
        self._stopping = True
        running = [*self._running.values(), *([self._sweeping] if self._sweeping else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._threads.close()
        if self._one_thread:
            self._one_thread.restore_original_limits()

    def notify(self, task_id: str) -> None:
        """Say that a task may have a round due."""
        if task_id in self._running:
            self._again.add(task_id)
            return
        task = asyncio.create_task(self._train_while_due(task_id))
        self._running[task_id] = task
        task.add_done_callback(lambda _: self._ended(task_id))

    def _begin_to_train(self, task_id: str) -> None:
        if task_id not in self._running and not self._stopping:
            self.notify(task_id)

    def _ended(self, task_id: str) -> None:
        del self._running[task_id]
        # It was notified after it last looked for a round that is due.
        if task_id in self._again and not self._stopping:
            self.notify(task_id)

    async def wait_for_head(self, cached: CachedTask, version: int) -> None:
        """Wait until a head of at least this version is there, or the caller is cancelled.

        Raises:
            HeadVersionUnknown: no head of this version is in the making.
            Overloaded: too many calls wait for heads.
        """
        if cached.view.head_version >= version:
            return
        async with not_working():
            await self._heads.wait(cached, version)

    async def _train_while_due(self, task_id: str) -> None:
        try:
            while True:
                self._again.discard(task_id)
                if not await self._train_once(task_id) and task_id not in self._again:
                    return
        except TaskNotFound:
            self._tasks.forget(task_id)
        except LearnerError as error:
            _log.warning("tasks/%s: training waits: %s", task_id, error)
        except Exception:  # noqa: BLE001 - one task's defect must not stop the others
            _log.exception("tasks/%s: training failed", task_id)

    async def _train_once(self, task_id: str) -> bool:
        """Train the head that is due, if one is; return whether another may be due now."""
        start_time, began = self._now(), time.perf_counter()
        cached = await self._tasks.known(task_id)
        try:
            ticket, pool = await self._begin(cached)
        except TaskChanged:
            self._tasks.forget(task_id)
            return True
        if ticket is None:
            return False
        renewal = asyncio.create_task(self._renew(ticket))
        try:
            pool_map = await self._maps.current(pool, ticket.task.representation, may_refit=True)
            vectors = await self._pools.load(pool, pool_map)
            inputs = RoundInputs(
                ticket,
                await self._view_at(cached, ticket, pool),
                vectors,
                name_of(pool_map),
                await self._head_before(ticket, name_of(pool_map)),
                start_time,
                time.perf_counter() - began,
            )
            head, round_ = await run_round(inputs, cached, pool, self._threads)
        finally:
            renewal.cancel()
        await self._publish(cached, ticket, head, round_)
        return cached.view.is_changed_after(ticket.cutoff_event_id)

    async def _begin(self, cached: CachedTask) -> tuple[RoundTicket | None, CachedPool]:
        """Take the next round and read what it needs, in one trip where the store can do that."""
        begin = self._store.begin_round(cached.task, self._trainer_id, HOLD)
        ticket, _, pool = await asyncio.gather(
            begin, cached.refresh(self._store), self._pools.fresh(cached.task.pool_id)
        )
        if ticket is None:
            return None, pool
        if event_order(cached.view.last_event_id) < event_order(ticket.cutoff_event_id):
            await cached.refresh(self._store)
        if len(cached.view.states) > pool.row_count:
            pool = await self._pools.fresh(cached.task.pool_id)
        return ticket, await settle(self._store, self._pools, cached, pool)

    async def _view_at(self, cached: CachedTask, ticket: RoundTicket, pool: CachedPool) -> TaskView:
        """Return the task as of the ticket's cutoff, with the clips of the pool.

        Raises:
            StoreWentBack: the store lost clips that had labels then, and so the round is given up.
        """
        view = cached.view.at(ticket.cutoff_event_id)
        if view is None:  # The cached view does not go back so far: fold the log anew.
            view = TaskView(0)
            cutoff = event_order(ticket.cutoff_event_id)
            async for events in read_log(self._store, ticket.task, START_OF_LOG):
                for event in events:
                    if event_order(event.event_id) <= cutoff:
                        view.apply(event)
        # What was taken off since then is another in the view of now.
        view.grow(len(cached.view.states))
        cached.view.grow(len(view.states))
        changed = np.flatnonzero(view.content_keys != cached.view.content_keys)
        dropped = np.flatnonzero(cached.view.states == ClipState.UNLABELED)
        suspects = np.union1d(changed, dropped[view.states[dropped] != ClipState.UNLABELED])
        if len(suspects) and len(await stray_rows(view, suspects, pool)):
            raise StoreWentBack("labels of the round were of clips that are lost; it begins anew")
        view.cut(pool.row_count)
        view.grow(pool.row_count)
        return view

    async def _publish(
        self, cached: CachedTask, ticket: RoundTicket, head: Head, round_: Round
    ) -> None:
        """Store a head and read it back from the log, in one trip where the store can do that."""
        began, view = time.perf_counter(), cached.view

        async def publish() -> bool:
            stored = await self._store.publish_head(ticket, head, round_)
            if stored and cached.view is view:  # Else the store has gone back behind that.
                cached.take_head(head)
            return stored

        stored, _ = await asyncio.gather(publish(), cached.refresh(self._store))
        if not stored:
            _log.warning(
                "tasks/%s: head %d was trained elsewhere meanwhile",
                cached.task.task_id,
                head.version,
            )
            return
        _note_times(cached.times, round_, time.perf_counter() - began)
        if cached.view.head_version < head.version:
            await cached.refresh(self._store)

    async def _head_before(self, ticket: RoundTicket, map_name: str) -> Head | None:
        """Read the head to compare with; whoever runs the round finds the same."""
        if not looks_at_pool(ticket.task.stopping_rule):
            return None
        try:
            head = await self._store.read_head(ticket.task, ticket.head_version - 1)
        except StoreDamaged as error:  # The next head is what mends it.
            _log.warning(
                "tasks/%s is trained without its last head: %s", ticket.task.task_id, error
            )
            return None
        return head if head and head.map_name == map_name else None

    async def _renew(self, ticket: RoundTicket) -> None:
        while True:
            await asyncio.sleep(HOLD.total_seconds() / 3)
            with contextlib.suppress(LearnerError):
                await self._store.begin_round(ticket.task, self._trainer_id, HOLD)

    async def _settle_all(self, pool_id: str) -> None:
        """Take out of a pool's tasks what is not of the pool as it is after the store went back."""
        for task_id in await self._store.list_task_ids(pool_id):
            with contextlib.suppress(TaskNotFound, TaskChanged, PoolNotFound):
                cached = await self._tasks.fresh(task_id)
                pool = await self._pools.fresh(cached.task.pool_id)
                await settle(self._store, self._pools, cached, pool)
                self.notify(task_id)

    async def _look_at(self, task_id: str) -> None:
        try:
            _, progress, _ = await settled_task(self._store, task_id)
        except (TaskNotFound, TaskChanged, PoolNotFound):
            return
        except StoreDamaged as error:  # The other tasks go on.
            if task_id not in self._damaged:
                self._damaged.add(task_id)
                _log.warning("tasks/%s waits: %s", task_id, error)
            return
        self._damaged.discard(task_id)
        if progress.promised_head_version > progress.head_version:
            self.notify(task_id)

    async def _sweep(self) -> None:
        while True:
            try:
                task_ids = set(await self._store.list_task_ids(None))
                self._tasks.keep_only(task_ids)
                for task_id in sorted(task_ids):
                    await self._look_at(task_id)
                for pool_id in self._pools.take_dropped():
                    await self._settle_all(pool_id)
            except LearnerError as error:
                _log.warning("looking for rounds to train: %s", error)
            except Exception:  # noqa: BLE001 - the next sweep may do better
                _log.exception("looking for rounds to train failed")
            await asyncio.sleep(SWEEP_S)


def _note_times(times: HeadTimes, round_: Round, publishing_s: float) -> None:
    for phase, duration_s in (
        (Phase.READING, round_.store_s),
        (Phase.TRAINING, round_.training_s),
        (Phase.EVALUATION, round_.evaluation_s),
        (Phase.STATISTICS, round_.statistics_s),
        (Phase.PUBLISHING, publishing_s),
    ):
        if duration_s is not None:
            times.spent(round_.head_version, phase, duration_s)
