"""SearchClips: the clips of a pool that are most like an example."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask, TaskCache
from aloe.learner.domain.errors import InvalidInput, StoreWentBack
from aloe.learner.domain.filters.syntax import Filter
from aloe.learner.domain.pool import Clip
from aloe.learner.ports.store import Store
from aloe.learner.usecases.filtering import taken_rows
from aloe.learner.usecases.likeness import Example, KnownExample, Likeness
from aloe.learner.usecases.settling import settle
from aloe.values.audio import AudioReport
from aloe.values.states import ClipState

LIKE = "like"
_MOST_TRIES = 3
"""Of a search in a pool that goes back to an earlier state each time."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for."""

    like: Example
    count: int
    filter_: Filter | None = None
    task_id: str = ""
    """For the filter and for unlabeled_only; may be empty."""
    unlabeled_only: bool = False


@dataclass(frozen=True, slots=True)
class FoundLike:
    """A clip, and how alike it is."""

    clip: Clip
    similarity: float


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What was found."""

    found: Sequence[FoundLike]
    report: AudioReport
    """What was found in the sound of the example."""


class Searching:
    """Serves searches."""

    def __init__(
        self, store: Store, pools: PoolCache, tasks: TaskCache, likeness: Likeness
    ) -> None:
        self._store, self._pools, self._tasks = store, pools, tasks
        self._likeness = likeness

    async def search(self, pool_id: str, search: Search) -> SearchOutcome:
        """Return the clips most like an example, the most alike first; all are compared.

        Raises:
            PoolNotFound: there is no such pool, or that of the example.
            ClipNotFound: the example is a clip that is not there.
            TaskNotFound: there is no such task.
            EncoderMismatch: the example is of another encoder.
            InvalidInput: the example cannot be used; the filter names a field that no clip has, or
                one of another kind; or the task is on another pool.
        """
        if search.unlabeled_only and not search.task_id:
            raise InvalidInput.of("unlabeled_only", "set without a task; name the one it is for")
        example = await self._likeness.known(pool_id, search.like, LIKE)
        cached = await self._task(pool_id, search.task_id)
        for _ in range(_MOST_TRIES - 1):
            try:
                found = await self._found(pool_id, search, example, cached)
            except StoreWentBack:
                continue
            return SearchOutcome(found, example.report)
        found = await self._found(pool_id, search, example, cached)
        return SearchOutcome(found, example.report)

    async def _task(self, pool_id: str, task_id: str) -> CachedTask | None:
        if not task_id:
            return None
        cached = await self._tasks.fresh(task_id)
        if cached.task.pool_id != pool_id:
            raise InvalidInput.of(
                "task", f"tasks/{task_id} is on pools/{cached.task.pool_id}, not pools/{pool_id}"
            )
        return cached

    async def _found(
        self, pool_id: str, search: Search, example: KnownExample, cached: CachedTask | None
    ) -> list[FoundLike]:
        pool = await self._pools.fresh(pool_id)
        if cached is not None:
            pool = await settle(self._store, self._pools, cached, pool)
        in_task = (cached.task, cached.view) if cached else None
        taken = await taken_rows(pool, search.filter_, in_task)
        if cached is not None and search.unlabeled_only:
            cached.view.grow(len(taken))
            taken &= cached.view.states[: len(taken)] == ClipState.UNLABELED
        example.leave_out(pool, taken)
        rows = np.flatnonzero(taken)
        found, similarities = await self._likeness.most_alike(pool, example, rows, search.count)
        return [
            FoundLike(pool.clips[row], similarity)
            for row, similarity in zip(found.tolist(), similarities.tolist(), strict=True)
        ]
