"""Tasks: create, update, watch, and export labels, heads and events."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import PoolClips
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.errors import (
    ClassesChanged,
    InvalidInput,
    StoreDamaged,
    StoreWentBack,
    TaskChanged,
    TaskNotFound,
    Violation,
)
from aloe.learner.domain.events import Event
from aloe.learner.domain.filters.syntax import Filter
from aloe.learner.domain.graphs.membership import check_graph_size
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import StoredLabel
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.domain.promotions import head_not_kept
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task, check_task
from aloe.learner.ports.store import Store
from aloe.learner.usecases.advice import RoundReport, advice_at, classes_of, round_reports
from aloe.learner.usecases.filtering import taken_rows
from aloe.learner.usecases.listing import Listing, listing_of
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.predicting import thresholds_of
from aloe.learner.usecases.promoting import find_head
from aloe.learner.usecases.retiring import settled_task
from aloe.learner.usecases.settling import clip_of
from aloe.learner.usecases.training import Trainer
from aloe.learner.usecases.watching import TaskState, TaskUpdate, Watching

MAX_PAGE_CHANGES = 50_000
"""Clips in the events of a page, some hundred bytes each."""
_EVENTS_PER_READ = 100
"""Of a page; one may change 10,000 clips."""
_LABELS_AT_ONCE = 5_000
_MAX_UPDATE_TRIES = 20


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """Some events of a task, with the clips and classes that their numbers stand for."""

    task: Task
    events: list[Event]
    clips: PoolClips

    def has_clip(self, event: Event, place: int) -> bool:
        """Whether the clip that an event concerns is there; if not, the store has lost it."""
        row = event.rows[place]
        content_hash = event.content_hashes[place] if event.content_hashes else ""
        return row < len(self.clips) and content_hash in ("", self.clips.content_hash(row))


@dataclass(frozen=True, slots=True)
class ExportedLabel:
    """A label with the clip it belongs to."""

    clip: Clip
    label: StoredLabel


@dataclass(frozen=True, slots=True)
class ExportedHead:
    """A head with all that it takes to use it elsewhere."""

    task: Task
    pool: Pool
    head: Head
    trained: Round
    pool_map: PoolMap | None
    """None where it reads embeddings."""
    thresholds: Sequence[float]
    """One per class, of several labels a clip: see head_thresholds."""


class Tasks:
    """Serves every call on tasks but those of oracles, ImportLabels and Predict."""

    def __init__(
        self,
        store: Store,
        pools: PoolCache,
        cache: TaskCache,
        trainer: Trainer,
        maps: PoolMaps,
    ) -> None:
        self._store, self._pools, self._cache = store, pools, cache
        self._trainer, self._maps = trainer, maps
        self._watching = Watching(store, cache, self._look)

    async def create(self, task: Task) -> TaskState:
        """Create a task, or return the one that is there with the same content.

        Raises:
            InvalidInput: its classes, recipe, budget or lease duration are wrong, or its pool is
                too large for its query strategy.
            PoolNotFound: it has no pool.
            AlreadyExists: the id is taken by another.
        """
        check_task(task)
        violations = await self._too_large(task)
        if violations and not await self._is_there(task):
            raise InvalidInput(*violations)
        await self._store.create_task(task)
        return await self.get(task.task_id)

    async def _too_large(self, task: Task) -> list[Violation]:
        if not task.query_strategy.is_on_graph:
            return []
        pool = await self._store.read_pool(task.pool_id)
        return check_graph_size(task.query_strategy.acquisition_function, pool.clip_count)

    async def _is_there(self, task: Task) -> bool:
        """Whether creating a task is a repetition: its pool may have grown since."""
        with contextlib.suppress(TaskNotFound):
            there, _ = await self._store.read_task(task.task_id)
            return there.same_content(task)
        return False

    async def get(self, task_id: str) -> TaskState:
        """Return a task. Raises TaskNotFound."""
        task, progress, pool = await settled_task(self._store, task_id)
        advice = await advice_at(self._store, task, progress.head_version)
        return TaskState(task, progress, pool.clip_count, advice)

    async def list_after(self, task_id: str, count: int, pool_id: str | None) -> Listing[TaskState]:
        """Return up to `count` tasks, of one pool or all, whose ids come after one.

        Those that are damaged, or whose pool is, are told beside the others.

        Raises:
            PoolNotFound: there is no such pool.
        """
        if pool_id is not None:
            await self._store.read_pool(pool_id)
        entries: list[tuple[str, TaskState | StoreDamaged]] = []
        for each in await self._store.list_task_ids(pool_id):
            if each > task_id and len(entries) <= count:
                # Deleted, and perhaps made anew, since the ids were read.
                with contextlib.suppress(TaskNotFound, TaskChanged):
                    try:
                        state = await self.get(each)
                    except StoreDamaged as error:  # The others go on.
                        entries.append((each, error))
                    else:
                        if pool_id in (None, state.task.pool_id):
                            entries.append((each, state))
        return listing_of(entries, count)

    async def update(self, task_id: str, change: Callable[[Task], Task]) -> TaskState:
        """Apply a change to a task; where others updated it meanwhile, on top of their changes.

        Raises:
            InvalidInput: the outcome is no valid task, or its pool is too large for it.
            TaskChanged: others kept changing it.
        """
        tries = 0
        while True:
            tries += 1
            task, _ = await self._store.read_task(task_id)
            changed = change(task)
            check_task(changed)
            if changed.query_strategy != task.query_strategy:
                violations = await self._too_large(changed)
                if violations:
                    raise InvalidInput(*violations)
            try:
                await self._store.update_task(changed)
            except TaskChanged:
                if tries == _MAX_UPDATE_TRIES:
                    raise
            else:
                return await self.get(task_id)

    async def delete(self, task_id: str) -> None:
        """Delete a task with all that belongs to it. Raises TaskNotFound."""
        await self._store.delete_task(task_id)
        self._cache.forget(task_id)

    async def events(self, task_id: str, after: str, count: int) -> TaskHistory:
        """Return up to `count` events after an event id, fewer if they change very many clips.

        Raises:
            InvalidInput: the log has no such event.
        """
        task, _ = await self._store.read_task(task_id)
        events: list[Event] = []
        change_count, more = 0, True
        try:
            while more and len(events) < count and change_count <= MAX_PAGE_CHANGES:
                wanted = min(_EVENTS_PER_READ, count - len(events))
                some = await self._store.read_events(task, after, wanted)
                more = len(some) == wanted
                events += some
                after = events[-1].event_id if events else after
                change_count += sum(event.size for event in some)
        except StoreWentBack as error:
            raise InvalidInput.of(
                "page_token",
                "the log has no such page; the store may have gone back to an earlier state since"
                " the page before; begin with the first page",
            ) from error
        pool = await self._pools.fresh(task.pool_id)
        return TaskHistory(task, events, pool.clips)

    async def rounds(self, task_id: str, first_version: int, count: int) -> list[RoundReport]:
        """Return up to `count` rounds from a head version on."""
        cached = await self._cache.fresh(task_id)
        return await round_reports(self._store, cached, first_version, count)

    def watch(self, task_id: str) -> AsyncIterator[TaskUpdate]:
        """Yield a task with its last round, now and whenever either has changed.

        Raises:
            TaskNotFound: it is not there, or no more.
            TaskChanged: it was made anew.
        """
        return self._watching.watch(task_id)

    async def _look(self, cached: CachedTask) -> TaskUpdate:
        state = await self.get(cached.task.task_id)
        version = state.progress.head_version
        rounds = await self._store.read_rounds(state.task, version, 1) if version else []
        if not rounds:
            return TaskUpdate(state, None, None)
        classes = classes_of(state.task, rounds[0])
        report = RoundReport(rounds[0], state.advice, cached.times.of(version), classes)
        return TaskUpdate(state, rounds[0], report)

    async def labels(
        self, task_id: str, filter_: Filter | None = None
    ) -> tuple[Task, Pool, AsyncIterator[list[ExportedLabel]]]:
        """Return a task and its pool with every label, some at a time, in the pool's order.

        Raises:
            InvalidInput: the filter names a field that no clip has, or one of another kind.
        """
        task, stored = await self._read_labels(task_id)
        # The pool after the labels: it then has the clip of each.
        pool = await self._pools.fresh(task.pool_id)
        if filter_ is not None:
            cached = await self._cache.fresh(task_id)
            taken = await taken_rows(pool, filter_, (cached.task, cached.view))
            stored = [each for each in stored if each.row < len(taken) and taken[each.row]]
        return task, pool.pool, _exported(pool, stored)

    async def _read_labels(self, task_id: str) -> tuple[Task, list[StoredLabel]]:
        """Return a task with its labels, which are of its classes."""
        tries = 0
        while True:
            tries += 1
            task, _, _ = await settled_task(self._store, task_id)
            try:
                return task, await self._store.read_labels(task)
            except ClassesChanged:
                if tries == _MAX_UPDATE_TRIES:
                    raise

    async def head(self, task_id: str, asked: str) -> ExportedHead:
        """Return a head by version or name, the newest one for none, with what it reads.

        Raises:
            HeadNotTrained: the task has no head yet.
            HeadVersionUnknown: it does not keep a head of that version.
            PromotionNotFound: no head has that name.
        """
        cached = await self._cache.fresh(task_id)
        head = await find_head(self._store, cached, asked)
        # The newest one's is there: the store says so where it is not.
        rounds = await self._store.read_rounds(cached.task, head.version, 1)
        if not rounds:
            raise head_not_kept(task_id, head.version)
        pool = await self._store.read_pool(cached.task.pool_id)
        pool_map = await self._maps.of_head(pool.pool_id, head)
        thresholds = thresholds_of(cached.task, rounds[0], head.column_classes)
        return ExportedHead(cached.task, pool, head, rounds[0], pool_map, thresholds)


async def _exported(
    pool: CachedPool, stored: Sequence[StoredLabel]
) -> AsyncIterator[list[ExportedLabel]]:
    for some in _parts(stored):
        found = [(clip_of(pool, label.row, label.content_hash), label) for label in some]
        yield [ExportedLabel(clip, label) for clip, label in found if clip is not None]


def _parts(stored: Sequence[StoredLabel]) -> Iterator[Sequence[StoredLabel]]:
    """Yield labels some at a time, of several a clip the fewer the more they name."""
    begin, weight = 0, 0
    for end, label in enumerate(stored):
        own = label.class_set.weight if label.class_set else 1
        if weight + own > _LABELS_AT_ONCE and end > begin:
            yield stored[begin:end]
            begin, weight = end, 0
        weight += own
    if begin < len(stored):
        yield stored[begin:]
