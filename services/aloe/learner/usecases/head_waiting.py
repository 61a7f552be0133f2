"""One waiter for each task of a process whose next head calls wait for; it feeds all of them."""

import asyncio
import logging
import time
from collections.abc import Callable

from aloe.admission.errors import Overloaded
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.errors import HeadVersionUnknown, LearnerError, TaskChanged
from aloe.learner.domain.task import TaskProgress
from aloe.learner.ports.store import Store
from aloe.learner.ports.tasks import TaskMark
from aloe.learner.usecases.at_once import any_of

MOST_CALLS = 20_000
"""That wait at once, for all tasks together; each costs memory."""
_POLL_S = 0.1
"""How soon a head that another replica trained is seen; no task is read more often than that."""
_LOOK_S = 1.0
"""A task is looked at so often, whatever the store says: a dead trainer's round changes nothing."""
_RETRY_S = 5.0

_log = logging.getLogger(__name__)


class _Awaited:
    """A task whose next head calls wait for."""

    def __init__(self, cached: CachedTask) -> None:
        self.cached = cached
        self.calls: dict[asyncio.Future[None], int] = {}
        """With the version that each waits for."""
        self.wanted = asyncio.Event()
        """Set where the store is to be asked about it."""
        self.mark: TaskMark | None = None
        """How it was when it was looked at last."""
        self.error: Exception | None = None
        """Why it is waited for no more."""
        self.waiter: asyncio.Task[None] | None = None

    def tell_heads(self) -> None:
        """Let those calls go on whose head is there."""
        head_version = self.cached.view.head_version
        for call, version in self.calls.items():
            if version <= head_version and not call.done():
                call.set_result(None)

    def fail(self, error: Exception) -> None:
        """End the calls that still wait."""
        self.error = error
        for call in self.calls:
            if not call.done():
                call.set_result(None)


class HeadWaiting:
    """Holds calls until a head is there.

    What this process publishes or reads wakes them at once. The store is asked once for all tasks
    that are waited for, which of them changed, and each that did is read once for all its calls.
    """

    def __init__(
        self, store: Store, notify: Callable[[str], None], most_calls: int = MOST_CALLS
    ) -> None:
        """Take the store, and what says that a task has a round due."""
        self._store, self._notify, self._most_calls = store, notify, most_calls
        self._awaited: dict[CachedTask, _Awaited] = {}
        self._count = 0
        self._polling: asyncio.Task[None] | None = None

    async def wait(self, cached: CachedTask, version: int) -> None:
        """Wait until a head of at least this version is there, or the caller is cancelled.

        Raises:
            HeadVersionUnknown: no head of this version is in the making.
            TaskNotFound: the task is no more.
            TaskChanged: it was made anew.
            Overloaded: too many calls wait already.
        """
        if self._count >= self._most_calls:
            raise Overloaded(
                f"{self._count:,} calls wait for heads already: try again in {_RETRY_S:g} s",
                _RETRY_S,
            )
        awaited = self._awaited.get(cached) or self._begin(cached)
        call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        awaited.calls[call] = version
        awaited.wanted.set()
        self._count += 1
        try:
            await call
            if awaited.error:
                raise awaited.error.with_traceback(None)
        finally:
            self._count -= 1
            del awaited.calls[call]
            if not awaited.calls:
                self._end(awaited)

    def _begin(self, cached: CachedTask) -> _Awaited:
        awaited = self._awaited[cached] = _Awaited(cached)
        awaited.waiter = asyncio.create_task(self._follow(awaited))
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        return awaited

    def _end(self, awaited: _Awaited) -> None:
        if self._awaited.get(awaited.cached) is awaited:
            del self._awaited[awaited.cached]
        if awaited.waiter:
            awaited.waiter.cancel()

    async def _follow(self, awaited: _Awaited) -> None:
        try:
            while True:
                await self._look_at(awaited)
                await self._pause(awaited, time.monotonic())
        except Exception as error:  # noqa: BLE001 - the calls raise it
            # Whoever comes from now on begins anew.
            self._awaited.pop(awaited.cached, None)
            awaited.fail(error)

    async def _look_at(self, awaited: _Awaited) -> None:
        """Ask the store about a task; calls that come meanwhile have it asked again."""
        cached, task_id = awaited.cached, awaited.cached.task.task_id
        awaited.wanted.clear()
        asked = dict(awaited.calls)
        # Read each time: labels that are taken back may end the promise of a head.
        task, progress = await self._store.read_task(task_id)
        if task.epoch != cached.task.epoch:
            raise TaskChanged(f"tasks/{task_id} was made anew meanwhile; read it again")
        await cached.refresh(self._store)
        awaited.tell_heads()
        awaited.mark = TaskMark(
            task_id, cached.task.epoch, cached.view.last_event_id, progress.training_head_version
        )
        for call, version in asked.items():
            if version > progress.promised_head_version and not call.done():
                call.set_exception(_unknown(task_id, version, progress))
        if any(not call.done() for call in awaited.calls):
            self._notify(task_id)

    async def _pause(self, awaited: _Awaited, looked_at: float) -> None:
        """Return once the store is to be asked again; heads that come meanwhile are told of."""
        while True:
            # Taken before the view is read, so that a head that comes meanwhile is noticed.
            changed = awaited.cached.changed
            awaited.tell_heads()
            waited_s = time.monotonic() - looked_at
            if waited_s >= (_POLL_S if awaited.wanted.is_set() else _LOOK_S):
                return
            if awaited.wanted.is_set():
                await any_of(changed, timeout_s=_POLL_S - waited_s)
            else:
                await any_of(changed, awaited.wanted, timeout_s=_LOOK_S - waited_s)
            if changed.is_set():
                awaited.wanted.set()

    async def _poll(self) -> None:
        """Find the tasks that other processes changed, while any is waited for."""
        while self._awaited:
            await asyncio.sleep(_POLL_S)
            marks = {each.mark.task_id: each.mark for each in self._awaited.values() if each.mark}
            try:
                changed = await self._store.changed_since(list(marks.values())) if marks else set()
            except LearnerError:
                changed = set(marks)  # Whoever looks at a task meets it, and tells its calls.
            except Exception:  # noqa: BLE001 - the next time may do better
                _log.exception("looking for heads that came failed")
                continue
            for awaited in self._awaited.values():
                if awaited.cached.task.task_id in changed:
                    awaited.wanted.set()


def _unknown(task_id: str, version: int, progress: TaskProgress) -> HeadVersionUnknown:
    return HeadVersionUnknown(
        f"tasks/{task_id} has head {progress.head_version} and none past"
        f" {progress.promised_head_version} in the making; {version} would never come"
    )
