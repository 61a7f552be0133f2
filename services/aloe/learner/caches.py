"""What a learner process keeps in memory of the store. It may be dropped at any time."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.acquisition import random_scores, score_clips
from aloe.learner.domain.errors import ClipNotFound, HeadNotTrained, PoolNotFound, TaskChanged
from aloe.learner.domain.events import NO_CLASS, EventKind, TaskView
from aloe.learner.domain.head import Head, softmax
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.domain.selection import rank
from aloe.learner.domain.task import ClipState, QueryStrategy, Task
from aloe.learner.ports import Pick, PoolStore, Store

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

_CLIPS_PER_READ = 10_000


class CachedPool:
    """A pool's clips and vectors, by row."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clips: list[Clip] = []
        self.vectors: Float32Array = np.empty((0, pool.encoder.embedding_dim), np.float32)
        self._rows: dict[str, int] = {}
        self._lock = asyncio.Lock()

    def row_of(self, clip_id: str) -> int:
        """Return the row of a clip.

        Raises:
            ClipNotFound: the pool does not hold it.
        """
        if clip_id not in self._rows:
            raise ClipNotFound(f"pools/{self.pool.pool_id} holds no clip {clip_id!r}")
        return self._rows[clip_id]

    async def refresh(self, store: PoolStore, pool: Pool) -> None:
        """Read the clips that were added since the last time."""
        async with self._lock:
            while len(self.clips) < pool.clip_count:
                more = await store.read_clips(pool, len(self.clips), _CLIPS_PER_READ)
                if not more:
                    raise PoolNotFound(f"pools/{pool.pool_id} was deleted")
                for row, clip in enumerate(more, len(self.clips)):
                    self._rows[clip.clip_id] = row
                self.clips += more
            if len(self.vectors) < len(self.clips):
                more_vectors = await store.read_vectors(pool, len(self.vectors))
                # Others may have added clips since ours were read.
                more_vectors = more_vectors[: len(self.clips) - len(self.vectors)]
                self.vectors = (
                    np.vstack([self.vectors, more_vectors]) if len(self.vectors) else more_vectors
                )


class PoolCache:
    """The pools in use, each read once and then kept up with."""

    def __init__(self, store: PoolStore) -> None:
        self._store = store
        self._pools: dict[str, CachedPool] = {}

    async def fresh(self, pool_id: str) -> CachedPool:
        """Return a pool as it is now. Raises PoolNotFound."""
        pool = await self._store.read_pool(pool_id)
        cached = self._pools.get(pool_id)
        if cached is None or cached.pool.epoch != pool.epoch:
            cached = self._pools[pool_id] = CachedPool(pool)
        await cached.refresh(self._store, pool)
        return cached


class CachedTask:
    """A task with the state of its clips, its newest head and that head's scores."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.view = TaskView(0)
        self.changed = asyncio.Event()
        """Set and replaced whenever the view changes."""
        self._head: Head | None = None
        self._scored: _Scores | None = None
        self._lock = asyncio.Lock()

    async def refresh(self, store: Store) -> None:
        """Apply what happened since the last time."""
        async with self._lock:
            events = await store.read_events(self.task, self.view.last_event_id)
            for event in events:
                self.view.apply(event)
            if any(event.kind is EventKind.UPDATED for event in events):
                self.task, _ = await store.read_task(self.task.task_id)
        if events:
            self.changed.set()
            self.changed = asyncio.Event()

    async def wait_for_change(self, store: Store, at_most: timedelta) -> None:
        """Return when this process saw a change, or after a while, with a fresh view."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), at_most.total_seconds())
        await self.refresh(store)

    async def head(self, store: Store) -> Head:
        """Return the newest head. Raises HeadNotTrained before the first."""
        while self._head is None or self._head.version < self.view.head_version:
            version = self.view.head_version
            if version == 0:
                raise HeadNotTrained(
                    f"tasks/{self.task.task_id} has no head yet; label clips of two classes first"
                )
            head = await store.read_head(self.task, version)
            if head is None:  # Only the last few are kept, and newer ones came since.
                await self.refresh(store)
            elif self._head is None or self._head.version < version:
                self._head = head
        return self._head

    async def ranking(
        self, head: Head | None, vectors: Float32Array, most: int
    ) -> tuple[list[Pick], bool]:
        """Order the unlabeled clips, the one to ask first in front.

        Args:
            head: that judges; None before the first, and then the order is random.
            vectors: (n_clips, embedding_dim) float32, the pool's.
            most: how many to return.

        Returns:
            The first clips of the order, and whether they are all of them.
        """
        # Taken here, on the event loop, since the view is not for several threads.
        self.view.grow(len(vectors))
        rows = np.flatnonzero(self.view.states[: len(vectors)] == ClipState.UNLABELED)
        picks = await asyncio.to_thread(self._rank, head, vectors, rows, most)
        return picks, len(rows) <= most

    def _rank(
        self, head: Head | None, vectors: Float32Array, rows: IntArray, most: int
    ) -> list[Pick]:
        if head is None:
            order = np.argsort(-random_scores(self.task.seed, 0, len(vectors))[rows], kind="stable")
            return [Pick(int(row), None, NO_CLASS) for row in rows[order[:most]]]
        strategy = self.task.query_strategy
        scored = self._scored
        if scored is None or not scored.serves(head, strategy, len(vectors)):
            scored = self._scored = _Scores(head, strategy, vectors, self.task.seed)
        order = rank(
            strategy.selection_rule,
            rows=rows,
            scores=scored.scores[rows],
            predicted=scored.predicted[rows],
        )
        return scored.picks(order[:most])


class _Scores:
    """What one head makes of every clip of a pool."""

    def __init__(
        self, head: Head, strategy: QueryStrategy, vectors: Float32Array, seed: int
    ) -> None:
        logits = head.logits(vectors)
        probabilities = softmax(logits)
        self._key = (head.version, strategy.acquisition_function, len(vectors))
        self.predicted: IntArray = probabilities.argmax(axis=1)
        self.scores = score_clips(
            strategy.acquisition_function,
            logits=logits,
            probabilities=probabilities,
            seed=seed,
            head_version=head.version,
        )

    def serves(self, head: Head, strategy: QueryStrategy, clip_count: int) -> bool:
        return self._key == (head.version, strategy.acquisition_function, clip_count)

    def picks(self, order: IntArray) -> list[Pick]:
        scores: Sequence[float] = self.scores[order].tolist()
        predicted: Sequence[int] = self.predicted[order].tolist()
        return [
            Pick(row, score, class_index)
            for row, score, class_index in zip(order.tolist(), scores, predicted, strict=True)
        ]


class TaskCache:
    """The tasks in use, each folded from its log once and then kept up with."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: dict[str, CachedTask] = {}

    async def fresh(self, task_id: str) -> CachedTask:
        """Return a task as it is now. Raises TaskNotFound."""
        cached = self._tasks.get(task_id)
        if cached is not None:
            try:
                await cached.refresh(self._store)
            except TaskChanged:
                del self._tasks[task_id]
            else:
                return cached
        task, _ = await self._store.read_task(task_id)
        cached = self._tasks.setdefault(task_id, CachedTask(task))
        await cached.refresh(self._store)
        return cached

    def forget(self, task_id: str) -> None:
        """Drop a task that was deleted."""
        self._tasks.pop(task_id, None)
