"""The pools that a learner process keeps in memory. They may be dropped at any time."""

import asyncio
import contextlib
import logging
import math
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from aloe.learner.bulkheads import SCORING, Threads
from aloe.learner.cache.matrices import Matrix
from aloe.learner.cache.scores import PoolScorer
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.clip_index import FoundClip
from aloe.learner.domain.errors import ClipNotFound, PoolNotFound, StoreWentBack
from aloe.learner.domain.pool import ChangedClip, Clip, Pool
from aloe.learner.domain.representations.pool_map import PoolMap, name_of
from aloe.learner.ports.pools import PoolStore, ReadClips
from aloe.learner.recorder import NoRecorder, Recorder

T = TypeVar("T")
DEFAULT_BYTE_BUDGET = 16 * 1024**3
"""For the vectors of pools."""
RECENT_S = 0.05
"""Calls that may see slightly old state read the store no more often than this. In that time a head
reaches every replica."""
_CLIPS_PER_READ = 10_000
_KEPT_HASHES = 65_536
_KEPT_UNUSED_S = 600.0
_MOST_TRIES = 3
_NO_RECORDER = NoRecorder()

_log = logging.getLogger(__name__)


def no_clip(pool_id: str, clip_id: str) -> ClipNotFound:
    """Say that a pool does not hold a clip."""
    return ClipNotFound(f"pools/{pool_id} holds no clip {clip_id!r}")


async def found_clips(store: PoolStore, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip]:
    """Return where clips stand. A pool that is read after this has their rows.

    Raises:
        ClipNotFound: the pool does not hold one.
    """
    clips = []
    for clip_id, found in zip(clip_ids, await store.find_clips(pool_id, clip_ids), strict=True):
        if found is None:
            raise no_clip(pool_id, clip_id)
        clips.append(found)
    return clips


class PoolClips:
    """A pool's clips by row, kept in the pieces that the store gave."""

    def __init__(self) -> None:
        self._pieces: list[ReadClips] = []
        self._ends: list[int] = []
        """For each piece, one past its last row."""
        self._changed: dict[int, Clip] = {}
        """Those that changed since they were read."""
        self._hashes: dict[int, str] = {}
        """Content hashes by row, of those asked for lately: mostly the same ones again."""

    def change(self, row: int, clip: Clip) -> None:
        """Put a clip in the place of what it was before."""
        self._changed[row] = clip

    def append(self, clips: ReadClips) -> None:
        """Add clips behind the others."""
        self._pieces.append(clips)
        self._ends.append(len(self) + len(clips))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, row: int) -> Clip:
        if row in self._changed:
            return self._changed[row]
        piece = bisect_right(self._ends, row)
        return self._pieces[piece][row - self._ends[piece]]

    def content_hash(self, row: int) -> str:
        """Return the content hash of a row's clip, which never changes."""
        known = self._hashes.get(row)
        if known is None:
            if len(self._hashes) >= _KEPT_HASHES:
                self._hashes.clear()
            piece = bisect_right(self._ends, row)
            known = self._pieces[piece].content_hash(row - self._ends[piece])
            self._hashes[row] = known
        return known

    def content_hashes(self, rows: Iterable[int]) -> list[str]:
        """Return those of several rows."""
        known = self._hashes
        return [known.get(row) or self.content_hash(row) for row in rows]

    def __iter__(self) -> Iterator[Clip]:
        return (self[row] for row in range(len(self)))


class CachedPool:
    """A pool's clips, by row, with what heads read of them, and what scores them."""

    def __init__(self, pool: Pool, threads: Threads) -> None:
        # Nothing is read yet.
        self.pool = replace(pool, row_count=0, retired_count=0, change_count=0, mark="")
        """As it was when it was last read: all that is here is of the state at its mark."""
        self.clips = PoolClips()
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

    def has(self, map_name: str) -> bool:
        """Whether the matrix of a map is loaded."""
        return map_name in self._matrices

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work on what is here on a thread."""
        return await self._threads.run(work)

    def scorer(self, map_name: str) -> PoolScorer:
        """Return what scores by the heads of a map. Raises KeyError unless it is loaded."""
        return self._matrices[map_name].scorer

    def matrix(self, map_name: str) -> Float32Array:
        """Return what the heads of a map read, (n_clips, dim) float32, as of now.

        It stays as it is when the pool grows. Raises KeyError unless it is loaded.
        """
        return self._matrices[map_name].rows(self.row_count)

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


class PoolCache:
    """The pools in use, each read once and then kept up to date, within a budget of memory."""

    def __init__(
        self,
        store: PoolStore,
        byte_budget: int = DEFAULT_BYTE_BUDGET,
        recorder: Recorder = _NO_RECORDER,
    ) -> None:
        self._store, self._byte_budget, self._recorder = store, byte_budget, recorder
        self._threads = Threads(SCORING)
        self._dropped: set[str] = set()
        self._clip_counts_before: dict[str, int] = {}
        """Of pools that were dropped, until they are read anew."""
        self._kept: OrderedDict[str, CachedPool] = OrderedDict()
        """Those within the budget, the least recently used one first."""
        self._in_use: WeakValueDictionary[str, CachedPool] = WeakValueDictionary()
        """All that any call still uses: an evicted pool is not read again while it is here."""

    async def recent(self, pool_id: str) -> CachedPool:
        """Return a pool as it was a moment ago. Raises PoolNotFound."""
        cached = self._kept.get(pool_id)
        if cached is not None and time.monotonic() - cached.read_at < RECENT_S:
            return cached
        return await self.fresh(pool_id)

    def changed(self, pool_id: str) -> None:
        """Note that this process changed a pool, so that its next answers know of it."""
        cached = self._in_use.get(pool_id)
        if cached is not None:
            cached.read_at = -math.inf

    async def fresh(self, pool_id: str) -> CachedPool:
        """Return a pool as it is now.

        Raises:
            PoolNotFound: there is none.
            StoreWentBack: the store goes back to earlier states time and again.
        """
        for _ in range(_MOST_TRIES - 1):
            with contextlib.suppress(StoreWentBack):
                return await self._fresh(pool_id)
        return await self._fresh(pool_id)

    async def _fresh(self, pool_id: str) -> CachedPool:
        began = time.monotonic()
        pool = await self._store.read_pool(pool_id)
        cached = self._in_use.get(pool_id)
        if cached is None or cached.pool.epoch != pool.epoch:
            cached = self._in_use[pool_id] = CachedPool(pool, self._threads)
        self._kept[pool_id] = cached
        self._kept.move_to_end(pool_id)
        try:
            await cached.refresh(self._store, pool)
        except StoreWentBack as error:
            self.drop(cached, error)
            raise
        cached.read_at = began
        self._tell_cost(cached.pool)
        self._evict()
        return cached

    async def load(self, cached: CachedPool, pool_map: PoolMap | None = None) -> Float32Array:
        """Return what heads of a map read, or the embeddings, (n_clips, dim) float32.

        Raises:
            PoolNotFound: the pool was deleted.
            StoreWentBack: the pool is not of the store's past; a fresh one is.
        """
        try:
            await cached.load(self._store, pool_map)
        except StoreWentBack as error:
            self.drop(cached, error)
            raise
        self._evict()
        return cached.matrix(name_of(pool_map))

    def drop(self, cached: CachedPool, error: StoreWentBack) -> None:
        """Forget a pool that is not of the store's past, so that the next call reads it anew."""
        pool_id = cached.pool.pool_id
        if self._in_use.get(pool_id) is not cached:
            return  # Others saw it at the same time.
        del self._in_use[pool_id]
        self._kept.pop(pool_id, None)
        self._dropped.add(pool_id)
        self._clip_counts_before[pool_id] = cached.pool.clip_count
        self._recorder.store_went_back()
        _log.error("%s; %s", error, error.ADVICE)

    def _tell_cost(self, pool: Pool) -> None:
        """Say once what a pool that was dropped has lost, now that it was read anew."""
        before = self._clip_counts_before.pop(pool.pool_id, None)
        if before is not None:
            _log.error(
                "pools/%s: %d clips were seen before it went back, %d are there now",
                *(pool.pool_id, before, pool.clip_count),
            )

    def take_dropped(self) -> set[str]:
        """Return the pools that were dropped since this was asked before."""
        dropped, self._dropped = self._dropped, set()
        return dropped

    @property
    def byte_count(self) -> int:
        """Bytes that the vectors of the pools it keeps take. May be read by any thread."""
        return sum(pool.byte_count for pool in list(self._kept.values()))

    def _evict(self) -> None:
        """Drop the least recently used pools beyond the budget, but never the newest."""
        excess = self.byte_count - self._byte_budget
        while excess > 0 and len(self._kept) > 1:
            _, coldest = self._kept.popitem(last=False)
            excess -= coldest.byte_count
