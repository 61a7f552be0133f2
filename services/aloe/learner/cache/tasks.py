"""The tasks that a learner process keeps in memory. They may be dropped at any time."""

import asyncio
import contextlib
import logging
import math
import time
import weakref
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from itertools import chain

import numpy as np

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import RECENT_S
from aloe.learner.cache.scores import Ranks
from aloe.learner.domain.arrays import IntArray
from aloe.learner.domain.errors import (
    HeadNotTrained,
    StoreUnavailable,
    StoreWentBack,
    TaskChanged,
)
from aloe.learner.domain.events import OF_CLIPS, Event, TaskView
from aloe.learner.domain.head import Head
from aloe.learner.domain.promotions import head_not_kept, promotion_not_found
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.learner.recorder import HeadTimes, NoRecorder, Recorder
from aloe.values.states import ClipState, EventKind

_MOST_ASKED_FOR = 8
"""Of a task's heads, besides the newest."""
_MOST_READS = 10
"""Of a head, while newer ones come meanwhile."""
_EVENTS_PER_READ = 500
"""An event may change 10,000 clips. Many more would keep others from Redis and the event loop."""
_NO_RECORDER = NoRecorder()
_CHANGING = EventKind.TASK_UPDATED, EventKind.CLASSES_CHANGED
"""Kinds of events that change settings."""

_log = logging.getLogger(__name__)


def _no_pool() -> None:
    """Stand in for a reference to no pool."""


async def read_log(store: Store, task: Task, after: str) -> AsyncIterator[list[Event]]:
    """Yield the events of a task after one, some at a time, at least once.

    The task is as it was then, or later.
    """
    events = await store.read_events(task, after, _EVENTS_PER_READ)
    yield events
    while len(events) == _EVENTS_PER_READ:
        changes = (each.settings for each in reversed(events) if each.settings is not None)
        task = next(changes, task)  # It may have more classes from here on.
        events = await store.read_events(task, events[-1].event_id, _EVENTS_PER_READ)
        yield events


class CachedTask:
    """A task with the state of its clips, its newest head and that head's scores."""

    def __init__(self, task: Task, recorder: Recorder) -> None:
        self.task = task
        self.recorder = recorder
        self.times = HeadTimes(recorder)
        self.view = TaskView(0)
        self.changed = asyncio.Event()
        """Set, and replaced by a new event, whenever the view changes."""
        self.reading = asyncio.Lock()
        """Held while one caller of TaskCache.recent reads for all of them."""
        self._head: Head | None = None
        self._asked_for: dict[int, Head] = {}
        """Others that are kept and were asked for, by version, the least recently asked first."""
        self._read_at = -math.inf
        self.ranks = Ranks()
        self.asked_count = 0
        """How many clips the queries of this process ask for right now."""
        self._pool: Callable[[], CachedPool | None] = _no_pool
        """The one that it was last compared with, weakly: it may be dropped."""
        self._is_settled = False
        self._unsettled: list[tuple[int, ...]] = []
        """Rows of what came since it was last settled with that pool."""
        self._refreshing: asyncio.Task[None] | None = None
        self._next_refresh: asyncio.Task[None] | None = None

    async def refresh(self, store: Store) -> None:
        """Apply all events up to now. Callers that wait at the same time share one read."""
        if self._next_refresh is None:
            self._next_refresh = asyncio.create_task(self._read_after(self._refreshing, store))
            # Looks at its exception, or asyncio complains if every caller was cancelled.
            self._next_refresh.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._next_refresh)

    async def _read_after(self, previous: "asyncio.Task[None] | None", store: Store) -> None:
        if previous is not None:
            with contextlib.suppress(Exception):
                await asyncio.shield(previous)
        # Callers from now on need a new read: this one may miss what they just did.
        self._refreshing, self._next_refresh = self._next_refresh, None
        await self._read(store)

    async def _read(self, store: Store) -> None:
        began = time.monotonic()
        try:
            await self._follow(store)
        except StoreWentBack as error:
            _log.error("%s; %s", error, error.ADVICE)
            self.recorder.store_went_back()
            before = len(self.view.rows_in(ClipState.LABELED))
            await self._begin_anew(store)
            await self._follow(store)
            _log.error(
                "tasks/%s: %d labels were seen before it went back, %d are there now",
                *(self.task.task_id, before, len(self.view.rows_in(ClipState.LABELED))),
            )
        self._read_at = began

    async def _follow(self, store: Store) -> None:
        async for events in read_log(store, self.task, self.view.last_event_id):
            await self._apply(store, events)

    async def _apply(self, store: Store, events: Sequence[Event]) -> None:
        updates = [event.settings for event in events if event.kind in _CHANGING]
        if updates:
            # Before the events are applied: where this fails, the next read gets them again.
            self.task = updates[-1] or await self._read_settings(store)
        for event in events:
            self.view.apply(event)
            if event.kind in OF_CLIPS:
                self._unsettled.append(event.rows)
        if events:
            self.changed.set()
            self.changed = asyncio.Event()

    async def _begin_anew(self, store: Store) -> None:
        """Forget what followed from a log that is no more."""
        self.task = await self._read_settings(store)
        self.view, self._head, self.ranks = TaskView(0), None, Ranks()
        self._asked_for.clear()
        self.unsettle()
        self.changed.set()
        self.changed = asyncio.Event()

    async def _read_settings(self, store: Store) -> Task:
        task, _ = await store.read_task(self.task.task_id)
        if task.epoch != self.task.epoch:
            raise TaskChanged(
                f"tasks/{task.task_id} was deleted and made anew meanwhile; read it again"
            )
        return task

    def take_unsettled(self, pool: CachedPool) -> IntArray:
        """Return the rows, (n,) int64, that were not compared with this pool yet.

        They count as compared from now on.
        """
        rows, self._unsettled = self._unsettled, []
        is_settled, self._is_settled = self._is_settled, True
        if self._pool() is not pool:
            self.ranks = Ranks()  # Scores are by row.
            self._pool, is_settled = weakref.ref(pool), False
        if is_settled:
            return np.fromiter(chain.from_iterable(rows), np.int64)
        return np.flatnonzero(self.view.states != ClipState.UNLABELED)

    def unsettle(self) -> None:
        """Have all rows compared the next time."""
        self._is_settled = False

    def ranks_on(self, pool: CachedPool) -> Ranks:
        """Return what is known of a pool's ranks; nothing of one that gave way to another."""
        return self.ranks if self._pool() is pool else Ranks()

    def is_recent(self) -> bool:
        """Whether it has a head and was read a moment ago."""
        return self.view.head_version > 0 and time.monotonic() - self._read_at < RECENT_S

    async def head(self, store: Store) -> Head:
        """Return the newest head. Raises HeadNotTrained before the first."""
        for _ in range(_MOST_READS):
            view, version = self.view, self.view.head_version
            if self._head is not None and self._head.version >= version:
                return self._head
            if version == 0:
                raise HeadNotTrained(
                    f"tasks/{self.task.task_id} has no head yet; label clips of two classes first"
                )
            head = await store.read_head(self.task, version)
            if head is None:  # Only the last few are kept, and newer ones came meanwhile.
                await self.refresh(store)
            elif self.view is view:
                self.take_head(head)
        raise StoreUnavailable(
            f"head {self.view.head_version} of tasks/{self.task.task_id} is not in the store"
        )

    async def named_head(self, store: Store, promotion_id: str) -> Head:
        """Return the head that has a name. Raises PromotionNotFound."""
        version = self.view.promoted.get(promotion_id)
        if version is None:
            raise promotion_not_found(self.task.task_id, promotion_id)
        return await self.kept_head(store, version)

    async def kept_head(self, store: Store, version: int) -> Head:
        """Return a head that is kept. Raises HeadVersionUnknown."""
        if self._head is not None and self._head.version == version:
            return self._head
        head = self._asked_for.get(version) or await store.read_head(self.task, version)
        if head is None:
            raise head_not_kept(self.task.task_id, version)
        if head.column_classes[-1] >= len(self.task.classes):  # It is newer than what was read.
            await self.refresh(store)
        self._asked_for.pop(version, None)
        self._asked_for[version] = head
        while len(self._asked_for) > _MOST_ASKED_FOR:
            del self._asked_for[next(iter(self._asked_for))]
        return head

    def take_head(self, head: Head) -> None:
        """Keep a head that is in the store, unless there is a newer one."""
        if self._head is None or self._head.version < head.version:
            self._head = head
            self.ranks.cold_order = np.empty(0, np.int64)


class TaskCache:
    """The tasks in use, each folded from its log once and then kept up to date."""

    def __init__(self, store: Store, recorder: Recorder = _NO_RECORDER) -> None:
        self._store, self._recorder = store, recorder
        self._tasks: dict[str, CachedTask] = {}

    async def known(self, task_id: str) -> CachedTask:
        """Return a task as this process knows it. Raises TaskNotFound.

        It may be old: rely on its id, epoch and classes alone. It may be deleted or made anew by
        now: change it only by fenced methods of the store, and `forget` it if they refuse.
        """
        return self._tasks.get(task_id) or await self.fresh(task_id)

    async def recent(self, task_id: str) -> CachedTask:
        """Return a task as it was a moment ago, with a head. Raises TaskNotFound."""
        cached = self._tasks.get(task_id)
        if cached is None:
            return await self.fresh(task_id)
        if cached.is_recent():
            return cached
        async with cached.reading:
            # Whoever waited here finds what the first one read.
            return cached if cached.is_recent() else await self.fresh(task_id)

    async def fresh(self, task_id: str) -> CachedTask:
        """Return a task as it is now. Raises TaskNotFound."""
        cached = self._tasks.get(task_id)
        if cached is not None:
            try:
                await cached.refresh(self._store)
            except TaskChanged:
                if self._tasks.get(task_id) is cached:  # Others saw it at the same time.
                    del self._tasks[task_id]
            else:
                return cached
        task, _ = await self._store.read_task(task_id)
        cached = self._tasks.setdefault(task_id, CachedTask(task, self._recorder))
        await cached.refresh(self._store)
        return cached

    def forget(self, task_id: str) -> None:
        """Drop a task that was deleted."""
        self._tasks.pop(task_id, None)

    def keep_only(self, task_ids: Collection[str]) -> None:
        """Drop the tasks that others deleted."""
        for task_id in self._tasks.keys() - task_ids:
            del self._tasks[task_id]
