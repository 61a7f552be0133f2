"""A pool in memory: it grows with the pool, all or nothing, one read at a time."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from aloe.learner.bulkheads import Threads
from aloe.learner.cache.clips import PoolClips
from aloe.learner.cache.columns import PoolColumns
from aloe.learner.cache.keeping import MappedKeeper
from aloe.learner.cache.matrices import Matrix
from aloe.learner.cache.scores import PoolScorer, share_ends
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.errors import PoolNotFound, StoreWentBack
from aloe.learner.domain.pool import ChangedClip, Pool
from aloe.learner.domain.representations.pool_map import PoolMap, name_of
from aloe.learner.ports.pools import PoolStore, ReadClips

T = TypeVar("T")
_CLIPS_PER_READ = 10_000
_KEPT_UNUSED_S = 600.0


class CachedPool:
    """A pool's clips, by row, with what heads read of them, and what scores them."""

    def __init__(self, pool: Pool, threads: Threads) -> None:
        # Nothing is read yet.
        self.pool = replace(pool, row_count=0, retired_count=0, change_count=0, mark="")
        """As it was when it was last read: all that is here is of the state at its mark."""
        self.clips = PoolClips()
        self.columns = PoolColumns(self.clips, threads)
        """What filters look at."""
        self.retired_rows: list[int] = []
        """Rows of deleted and replaced clips, in that order."""
        self._threads = threads
        self.grounds: dict[str, tuple[Ground, tuple[int, int]]] = {}
        """What batches are picked on, by the name of the map, with how many rows and retired rows
        the pool had then."""
        self.read_at = -math.inf
        """It has what the store held at this time, by time.monotonic()."""
        self._matrices: dict[str, Matrix] = {}
        """By the name of their map."""
        self._lock = asyncio.Lock()
        self._readings: set[asyncio.Task[None]] = set()

    @property
    def row_count(self) -> int:
        """How many rows it has, retired ones among them."""
        return self.pool.row_count

    def as_of(self, row_count: int, retired_count: int) -> "CachedPool":
        """Return the pool as it was when it had so many rows, of which so many were retired.

        It has the matrices that are loaded now, and does not change.
        """
        past = CachedPool(self.pool, self._threads)
        past.pool = replace(self.pool, row_count=row_count, retired_count=retired_count, mark="")
        past.clips, past.retired_rows = self.clips, self.retired_rows[:retired_count]
        past._matrices = dict(self._matrices)
        return past

    def has(self, map_name: str) -> bool:
        """Whether the matrix of a map is loaded."""
        return map_name in self._matrices

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work on what is here on a thread."""
        return await self._threads.run(work)

    async def run_in_shares(self, count: int, work: Callable[[int, int], None]) -> None:
        """Do some work on all threads; it is told where each share of the items begins and ends."""
        shares = (partial(work, begin, end) for begin, end in pairwise(share_ends(count)))
        await asyncio.gather(*map(self._threads.run, shares))

    def scorer(self, map_name: str) -> PoolScorer:
        """Return what scores by the heads of a map. Raises KeyError unless it is loaded."""
        return self._matrices[map_name].scorer

    def holder(self, map_name: str) -> Matrix:
        """Return what holds what the heads of a map read, also for the pool as it was.

        Raises KeyError unless it is loaded.
        """
        return self._matrices[map_name]

    def matrix(self, map_name: str) -> Float32Array:
        """Return what the heads of a map read, (n_clips, dim) float32, as of now.

        It stays as it is when the pool grows. Raises KeyError unless it is loaded.
        """
        return self._matrices[map_name].rows(self.row_count)

    def keep_mapped(self, keeper: MappedKeeper, map_name: str) -> None:
        """Have the store keep what is here of a map, in the background."""
        keeper.keep(self.pool, self._matrices[map_name])

    @property
    def byte_count(self) -> int:
        """Bytes that its matrices take."""
        return sum(matrix.byte_count for matrix in self._matrices.values())

    async def refresh(self, store: PoolStore, pool: Pool) -> None:
        """Read the clips that were added or changed since the last time.

        The reading goes on if the caller is cancelled: others may wait for it.

        Raises:
            StoreWentBack: what was read before is not of the pool's past.
        """
        if self.pool.mark == pool.mark != "":
            return
        await self._finish(self._read(store, pool))

    async def load(self, store: PoolStore, pool_map: PoolMap | None) -> None:
        """Read the matrix of a map, or the embeddings, for the clips that are known; if need be.

        Raises:
            StoreWentBack: the pool is not of the store's past.
        """
        if not self.has(name_of(pool_map)):
            await self._finish(self._load(store, pool_map))

    async def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        reading = asyncio.create_task(work)
        self._readings.add(reading)
        reading.add_done_callback(self._end_reading)
        await asyncio.shield(reading)

    def _end_reading(self, reading: asyncio.Task[None]) -> None:
        self._readings.discard(reading)
        if not reading.cancelled():
            reading.exception()  # or asyncio complains, if the caller was cancelled

    async def _load(self, store: PoolStore, pool_map: PoolMap | None) -> None:
        async with self._lock:
            name = name_of(pool_map)
            if self.has(name):
                return
            dim = pool_map.out_dim if pool_map else self.pool.encoder.embedding_dim
            matrix = Matrix(pool_map, dim, self._threads)
            await matrix.read(store, self.pool, 0)
            self._matrices[name] = matrix

    async def _read(self, store: PoolStore, pool: Pool) -> None:
        async with self._lock:
            before = self.pool
            if before.mark == pool.mark != "":
                return
            self._drop_unused()
            # All or nothing is taken over, and none may write after the lock is let go.
            changes = asyncio.create_task(_changes(store, pool, before.change_count))
            pieces = asyncio.create_task(_clips(store, pool, before.row_count))
            steps = (
                asyncio.create_task(store.check_pool(before)),
                changes,
                pieces,
                *(
                    asyncio.create_task(matrix.read(store, pool, before.row_count))
                    for matrix in self._matrices.values()
                ),
            )
            await asyncio.wait(steps)
            failed = [error for error in (step.exception() for step in steps) if error]
            # Whatever else went wrong: if the store went back, what is here is of no use.
            for error in sorted(failed, key=lambda error: not isinstance(error, StoreWentBack)):
                raise error
            if pool.row_count < before.row_count or pool.change_count < before.change_count:
                return  # Another read a later state meanwhile.
            for change in changes.result():
                self.clips.change(change.row, change.clip)
                self.columns.change(change.row)
                if change.clip.is_retired:
                    self.retired_rows.append(change.row)
            for piece in pieces.result():
                self.clips.append(piece)
            self.pool = pool

    def _drop_unused(self) -> None:
        """Let go of what no head has read for long, as after a new map."""
        now = time.monotonic()
        for name, matrix in list(self._matrices.items()):
            if now - matrix.used_at > _KEPT_UNUSED_S:
                del self._matrices[name]
                self.grounds.pop(name, None)


async def _changes(store: PoolStore, pool: Pool, known_count: int) -> list[ChangedClip]:
    """Read the changes to clips in the order they came, of rows not read yet as well."""
    changes: list[ChangedClip] = []
    while (first := known_count + len(changes)) < pool.change_count:
        more = await store.read_changes(
            pool, first, min(_CLIPS_PER_READ, pool.change_count - first)
        )
        if not more:
            raise PoolNotFound(f"pools/{pool.pool_id} was deleted")
        changes += more
    return changes


async def _clips(store: PoolStore, pool: Pool, first_row: int) -> list[ReadClips]:
    pieces: list[ReadClips] = []
    while first_row < pool.row_count:
        piece = await store.read_clips(
            pool, first_row, min(_CLIPS_PER_READ, pool.row_count - first_row)
        )
        if not len(piece):
            raise PoolNotFound(f"pools/{pool.pool_id} was deleted")
        pieces.append(piece)
        first_row += len(piece)
    return pieces
