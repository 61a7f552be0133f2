"""A task is brought into step with its pool by whoever finds that it is not.

Rows that the pool retired are taken out (see retiring). And where the store, or the part of it that
has the pool, went back to an earlier state, a row may have become another clip's than its label or
lease was given for, or no clip's: what is on such a row is taken off, and never taken for an answer
about the clip that is there now.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import PoolClips
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.errors import PoolNotFound, StoreWentBack
from aloe.learner.domain.events import TaskView, content_key
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports.store import Store
from aloe.learner.usecases.retiring import retire_known
from aloe.values.states import ClipState

T = TypeVar("T")
_FEW_ROWS = 256
"""So few are compared one by one in less time than it takes to begin with arrays."""
_MANY_ROWS = 10_000
"""So many are compared off the event loop."""

_log = logging.getLogger(__name__)


async def settle(
    store: Store, pools: PoolCache, cached: CachedTask, pool: CachedPool
) -> CachedPool:
    """Take out of a task what is not of its pool; return the pool, which may be a newer one.

    The task is up to date before, and afterwards.
    """
    rows = cached.take_unsettled(pool)
    try:
        # Fewer, where rows were retired since; more, where the pool went back behind that.
        differs = cached.view.retired_count != len(pool.retired_rows)
        if differs or (len(rows) and len(await stray_rows(cached.view, rows, pool))):
            # The pool may be older than the task, or one that the store has no more: nothing is
            # taken out by that. What others learn of the task meanwhile may be newer than the next
            # pool: it is compared the next time.
            then = Moment.of(cached.view)
            pool = await pools.fresh(cached.task.pool_id)
            cached.take_unsettled(pool)
            if cached.view.last_event_id != then.last_event_id:
                cached.unsettle()
            rows = np.flatnonzero(then.states != ClipState.UNLABELED)
            strays = await stray_rows(then, rows, pool)
            if len(strays):
                await _drop(store, cached, pool, strays)
            await retire_known(store, cached, pool)
    except BaseException:
        cached.unsettle()
        raise
    return pool


async def then_check(
    store: Store, change: Coroutine[Any, Any, T], pool: Pool
) -> tuple[T, StoreWentBack | PoolNotFound | None]:
    """Make a change that rests on what was read of a pool; say if that was lost before it.

    Where the store keeps the order of calls, this takes one trip.
    """
    if not store.keeps_order:
        done = await change
        return done, await _lost(store, pool)
    checking = asyncio.create_task(_lost(store, pool))
    try:
        done = await change
    except BaseException:
        checking.cancel()
        raise
    return done, await checking


async def _lost(store: Store, pool: Pool) -> StoreWentBack | PoolNotFound | None:
    try:
        await store.check_pool(pool)
    except (StoreWentBack, PoolNotFound) as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known of a task's clips at a moment, while the view of it goes on."""

    last_event_id: str
    states: NDArray[np.int8]
    """See TaskView, as of the others."""
    content_keys: IntArray

    @classmethod
    def of(cls, view: TaskView) -> "Moment":
        """Keep what a view tells now."""
        return cls(view.last_event_id, view.states.copy(), view.content_keys.copy())


async def stray_rows(known: TaskView | Moment, rows: IntArray, pool: CachedPool) -> IntArray:
    """Return those of some rows of a task that are not in their pool what they are in the task.

    Args:
        known: what is known of the task.
        rows: (n,) int64.
        pool: the task's, read after that became known; if it was read before, more rows are found.
    """
    states, keys, clips = known.states[rows], known.content_keys[rows], pool.clips
    if len(rows) <= _FEW_ROWS and max(rows.tolist(), default=0) < pool.row_count:
        pairs = zip(rows.tolist(), keys.tolist(), strict=True)
        is_plain = ClipState.RETIRED not in states.tolist()
        if is_plain and all(not key or key == _key_of(clips, row) for row, key in pairs):
            return np.empty(0, np.int64)
    in_pool = rows < pool.row_count
    retired = np.asarray(pool.retired_rows, np.int64)

    def compare() -> BoolArray:
        found = np.fromiter((_key_of(clips, row) for row in rows[in_pool].tolist()), np.int64)
        is_other = ~in_pool
        is_other[in_pool] = (keys[in_pool] != 0) & (found != keys[in_pool])
        is_retired = states == ClipState.RETIRED
        return np.where(
            is_retired, ~np.isin(rows, retired), is_other & (states != ClipState.UNLABELED)
        )

    is_stray = compare() if len(rows) < _MANY_ROWS else await pool.run(compare)
    return np.unique(rows[is_stray])


def _key_of(clips: PoolClips, row: int) -> int:
    return content_key(clips.content_hash(row))


def is_of(pool: CachedPool, row: int, content_hash: str) -> bool:
    """Whether a row has the clip of a content; without a hash, any."""
    if row >= pool.row_count:
        return False
    return content_hash in ("", pool.clips.content_hash(row))


def contents_of(pool: CachedPool, rows: list[int]) -> dict[int, str | None]:
    """Return the content hashes of rows, None for those that the pool does not have."""
    row_count = pool.row_count
    return {row: pool.clips.content_hash(row) if row < row_count else None for row in rows}


def clip_of(pool: CachedPool, row: int, content_hash: str) -> Clip | None:
    """Return the clip of a row, if it is of a content and not retired."""
    if not is_of(pool, row, content_hash) or pool.clips[row].is_retired:
        return None
    return pool.clips[row]


async def _drop(store: Store, cached: CachedTask, pool: CachedPool, rows: IntArray) -> None:
    count = await store.drop_strays(cached.task, contents_of(pool, rows.tolist()))
    if count:
        cached.recorder.labels_dropped(count)
        _log.error(
            "tasks/%s: the labels, leases or deletions of %d clips were taken off: the store went"
            " back to an earlier state, and these clips are not what they were for",
            cached.task.task_id,
            count,
        )
    await cached.refresh(store)
