"""Training in the background: one round of a task at a time, by whichever replica comes first."""

import asyncio
import contextlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from threadpoolctl import threadpool_limits

from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.errors import LearnerError, TaskChanged, TaskNotFound
from aloe.learner.domain.events import TaskView, event_order
from aloe.learner.domain.head import Head
from aloe.learner.domain.round_work import RoundInputs, RoundTicket, run_round
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.stopping_rules import looks_at_pool
from aloe.learner.ports import Store
from aloe.learner.recorder import HeadTimes, Phase

HOLD = timedelta(seconds=5)
"""A dead trainer's round is taken over after so long."""
SWEEP_S = 3.0
"""How often all tasks are looked over for rounds that nobody is at."""

_log = logging.getLogger(__name__)


class Trainer:
    """Trains the heads that are due. `notify` says where to look; a sweep finds the rest."""

    def __init__(
        self, store: Store, pools: PoolCache, tasks: TaskCache, now: Callable[[], datetime]
    ) -> None:
        self._store, self._pools, self._tasks, self._now = store, pools, tasks, now
        self._trainer_id = uuid.uuid4().hex
        self._executor = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="train")
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._views: dict[str, tuple[str, TaskView]] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._one_thread: threadpool_limits | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to sweep."""
        # One thread for the matrices, which are small, so that the bits of a head do not depend on
        # what runs beside. The limit is the process's: rounds overlap, and each with a limit of its
        # own would undo those of the others.
        self._one_thread = threadpool_limits(limits=1, user_api="blas")
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End what runs. A round that is cut short is taken up by another trainer."""
        self._stopping = True
        running = [*self._running.values(), *([self._sweeping] if self._sweeping else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)
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

    def _ended(self, task_id: str) -> None:
        del self._running[task_id]
        # Notified after the last look for a round that is due.
        if task_id in self._again and not self._stopping:
            self.notify(task_id)

    async def _train_while_due(self, task_id: str) -> None:
        try:
            while True:
                self._again.discard(task_id)
                if not await self._train_once(task_id) and task_id not in self._again:
                    return
        except (TaskNotFound, TaskChanged):
            self._views.pop(task_id, None)
        except LearnerError as error:
            _log.warning("tasks/%s: training waits: %s", task_id, error)
        except Exception:  # noqa: BLE001 - one task's defect must not stop the others
            _log.exception("tasks/%s: training failed", task_id)

    async def _train_once(self, task_id: str) -> bool:
        start_time, began = self._now(), time.perf_counter()
        cached = await self._tasks.fresh(task_id)
        ticket = await self._store.begin_round(cached.task, self._trainer_id, HOLD)
        if ticket is None:
            return False
        renewal = asyncio.create_task(self._renew(ticket))
        try:
            view = await self._view_at(ticket)
            vectors = (await self._pools.fresh(ticket.task.pool_id)).vectors
            view.grow(len(vectors))
            previous = await self._head_before(ticket)
            inputs = RoundInputs(
                ticket, view, vectors, previous, start_time, time.perf_counter() - began
            )
            loop = asyncio.get_running_loop()
            head, round_ = await loop.run_in_executor(self._executor, run_round, inputs)
        finally:
            renewal.cancel()
        publishing = time.perf_counter()
        if await self._store.publish_head(ticket, head, round_):
            _note_times(cached.times, round_, time.perf_counter() - publishing)
            await cached.refresh(self._store)
        else:
            _log.warning("tasks/%s: head %d was trained elsewhere meanwhile", task_id, head.version)
        return True

    async def _head_before(self, ticket: RoundTicket) -> Head | None:
        """Read the head to compare with; whoever runs the round finds the same."""
        if not looks_at_pool(ticket.task.stopping_rule):
            return None
        return await self._store.read_head(ticket.task, ticket.head_version - 1)

    async def _view_at(self, ticket: RoundTicket) -> TaskView:
        """Fold the log up to the ticket's cutoff. Cutoffs only rise, so each event is read once."""
        task = ticket.task
        epoch, view = self._views.get(task.task_id, ("", TaskView(0)))
        cutoff = event_order(ticket.cutoff_event_id)
        if epoch != task.epoch or event_order(view.last_event_id) > cutoff:
            view = TaskView(0)
        for event in await self._store.read_events(task, view.last_event_id):
            if event_order(event.event_id) > cutoff:
                break
            view.apply(event)
        self._views[task.task_id] = (task.epoch, view)
        return view

    async def _renew(self, ticket: RoundTicket) -> None:
        while True:
            await asyncio.sleep(HOLD.total_seconds() / 3)
            with contextlib.suppress(LearnerError):
                await self._store.begin_round(ticket.task, self._trainer_id, HOLD)

    def _forget_others(self, task_ids: Collection[str]) -> None:
        """Drop what is kept of tasks that another process deleted."""
        self._tasks.keep_only(task_ids)
        for task_id in self._views.keys() - task_ids:
            del self._views[task_id]

    async def _sweep(self) -> None:
        while True:
            try:
                task_ids = set(await self._store.list_task_ids(None))
                self._forget_others(task_ids)
                for task_id in sorted(task_ids):
                    with contextlib.suppress(TaskNotFound):
                        _, progress = await self._store.read_task(task_id)
                        if progress.promised_head_version > progress.head_version:
                            self.notify(task_id)
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
