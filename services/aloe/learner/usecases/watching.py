"""One watcher for each watched task of a process; its streams are told what it finds."""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aloe.learner.cache.pools import RECENT_S
from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.errors import LearnerError, TaskChanged
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task, TaskProgress
from aloe.learner.ports.store import Store
from aloe.learner.ports.tasks import TaskMark
from aloe.learner.usecases.advice import RoundReport
from aloe.learner.usecases.at_once import any_of
from aloe.values.stopping import StopAdvice

_POLL_S = 0.25
"""How often the store is asked which of the watched tasks changed, all of them together."""
_POOL_POLLS = 4
"""Every so many times their pools are read as well."""
_LOOK_S = 10.0
"""A task is looked at so often, whatever the store says."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task and how far it is."""

    task: Task
    progress: TaskProgress
    clip_count: int
    """Clips of its pool."""
    advice: StopAdvice | None
    """What its stopping rule says at the newest head, if it has both."""


@dataclass(slots=True)
class TaskUpdate:
    """What a stream is told of a task; the same for all streams, who must not change it."""

    state: TaskState
    last_round: Round | None
    report: RoundReport | None = field(compare=False)
    written: Any = field(default=None, compare=False)
    """The message that the first stream made of it."""


Look = Callable[[CachedTask], Awaitable[TaskUpdate]]
"""Reads what is told of a task."""


class _Watched:
    """A task that streams watch."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.stream_count = 0
        self.update: TaskUpdate | None = None
        """The newest."""
        self.read_at = -math.inf
        """It is as the store had it at this time or later, by time.monotonic()."""
        self.error: Exception | None = None
        """Why it is watched no more."""
        self.told = asyncio.Event()
        """Set, and replaced by a new event, whenever the task was looked at."""
        self.wanted = asyncio.Event()
        """Set where it is to be looked at now."""
        self.cached: CachedTask | None = None
        self.watcher: asyncio.Task[None] | None = None

    def tell(self) -> None:
        self.told.set()
        self.told = asyncio.Event()

    def mark(self) -> TaskMark | None:
        """Return how it was when it was looked at last."""
        if self.cached is None or self.update is None:
            return None
        return TaskMark(
            self.task_id,
            self.cached.task.epoch,
            self.cached.view.last_event_id,
            self.update.state.progress.training_head_version,
        )


class Watching:
    """Serves streams that watch tasks.

    The store is asked once for all watched tasks which of them changed, and each that did is read
    once for all of its streams. A stream that is slow misses states, but not the newest.
    """

    def __init__(self, store: Store, cache: TaskCache, look: Look) -> None:
        self._store, self._cache, self._look = store, cache, look
        self._watched: dict[str, _Watched] = {}
        self._polling: asyncio.Task[None] | None = None

    async def watch(self, task_id: str) -> AsyncIterator[TaskUpdate]:
        """Yield a task as it is now, and whenever it has changed.

        Raises:
            TaskNotFound: it is not there, or no more.
            TaskChanged: it was made anew.
        """
        watched = self._watched.get(task_id) or self._begin(task_id)
        watched.stream_count += 1
        try:
            async for update in _updates(watched):
                yield update
        finally:
            watched.stream_count -= 1
            if watched.stream_count == 0:
                self._end(watched)

    def _begin(self, task_id: str) -> _Watched:
        watched = self._watched[task_id] = _Watched(task_id)
        watched.watcher = asyncio.create_task(self._follow(watched))
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        return watched

    def _end(self, watched: _Watched) -> None:
        if self._watched.get(watched.task_id) is watched:
            del self._watched[watched.task_id]
        if watched.watcher:
            watched.watcher.cancel()

    async def _follow(self, watched: _Watched) -> None:
        """Look at a task now, and whenever it may have changed."""
        try:
            while True:
                changed = await self._look_at(watched)
                # Not more often than that, however fast it changes.
                await asyncio.sleep(RECENT_S)
                await any_of(watched.wanted, changed, timeout_s=_LOOK_S)
        except Exception as error:  # noqa: BLE001 - the streams raise it
            watched.error = error
            self._watched.pop(watched.task_id, None)
            watched.tell()

    async def _look_at(self, watched: _Watched) -> asyncio.Event:
        """Return what is set when this process sees that the task changed after this."""
        watched.wanted.clear()
        began = time.monotonic()
        cached = await self._cache.fresh(watched.task_id)
        if watched.cached and watched.cached.task.epoch != cached.task.epoch:
            raise TaskChanged(f"tasks/{watched.task_id} was made anew meanwhile; watch it again")
        # Taken before the store is read, so that no change after that is missed.
        watched.cached, changed = cached, cached.changed
        update = await self._look(cached)
        if update != watched.update:
            watched.update = update
        watched.read_at = began
        watched.tell()
        return changed

    async def _poll(self) -> None:
        """Find the watched tasks that changed, while there are any."""
        count = 0
        while self._watched:
            await asyncio.sleep(_POLL_S)
            count += 1
            try:
                await self._poll_tasks()
                if count % _POOL_POLLS == 0:
                    await self._poll_pools()
            except LearnerError:
                # Whoever looks at a task will meet it, and tell its streams.
                for watched in self._watched.values():
                    watched.wanted.set()
            except Exception:  # noqa: BLE001 - the next time may do better
                _log.exception("looking for watched tasks that changed failed")

    async def _poll_tasks(self) -> None:
        marks = [mark for each in self._watched.values() if (mark := each.mark())]
        for task_id in await self._store.changed_since(marks) if marks else ():
            self._want(task_id)

    async def _poll_pools(self) -> None:
        by_pool = defaultdict(list)
        for watched in self._watched.values():
            if watched.update:
                state = watched.update.state
                by_pool[state.task.pool_id].append((watched.task_id, state.clip_count))
        pools = await asyncio.gather(
            *(self._store.read_pool(pool_id) for pool_id in by_pool), return_exceptions=True
        )
        for pool, tasks in zip(pools, by_pool.values(), strict=True):
            for task_id, clip_count in tasks:
                if isinstance(pool, BaseException) or pool.clip_count != clip_count:
                    self._want(task_id)

    def _want(self, task_id: str) -> None:
        if task_id in self._watched:
            self._watched[task_id].wanted.set()


async def _updates(watched: _Watched) -> AsyncIterator[TaskUpdate]:
    """Yield the newest states of a task, beginning with one that is as of now."""
    needed_at = time.monotonic() - RECENT_S
    seen = None
    while True:
        told = watched.told
        if watched.error:
            raise watched.error.with_traceback(None)
        if watched.read_at < needed_at:
            watched.wanted.set()
        elif watched.update is not seen:
            seen = watched.update
            assert seen is not None  # noqa: S101 - it was looked at
            yield seen
            continue
        await told.wait()
