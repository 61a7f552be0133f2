"""The pools that a learner process keeps in memory. They may be dropped at any time."""

import contextlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from aloe.learner.bulkheads import SCORING, Threads
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.keeping import MappedKeeper
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import StoreWentBack
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.representations.pool_map import PoolMap, name_of
from aloe.learner.ports.pools import PoolStore
from aloe.learner.recorder import NoRecorder, Recorder

DEFAULT_BYTE_BUDGET = 16 * 1024**3
"""For the vectors of pools."""
RECENT_S = 0.05
"""Calls that may see slightly old state read the store no more often than this. In that time a head
reaches every replica."""
_CLIP_BYTES = 256
"""About, of what the store says of a clip."""
_MOST_TRIES = 3
_NO_RECORDER = NoRecorder()

_log = logging.getLogger(__name__)


class PoolCache:
    """The pools in use, each read once and then kept up to date, within a budget of memory."""

    def __init__(
        self,
        store: PoolStore,
        byte_budget: int = DEFAULT_BYTE_BUDGET,
        recorder: Recorder = _NO_RECORDER,
        *,
        took: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Keep nothing yet.

        Args:
            store: has the pools.
            byte_budget: for the vectors of pools.
            recorder: is told of pools that went back.
            took: is told how many bytes passed through memory, so that what is free again can be
                given back to the system.
        """
        self._store, self._byte_budget, self._recorder = store, byte_budget, recorder
        self._took = took
        self._threads = Threads(SCORING)
        self._keeper = MappedKeeper(store)
        self._dropped: set[str] = set()
        self._clip_counts_before: dict[str, int] = {}
        """Of pools that were dropped, until they are read anew."""
        self._kept: OrderedDict[str, CachedPool] = OrderedDict()
        """Those within the budget, the least recently used one first."""
        self._in_use: WeakValueDictionary[str, CachedPool] = WeakValueDictionary()
        """All that any call still uses: an evicted pool is not read again while it is here."""

    async def close(self) -> None:
        """End what goes on in the background, and let go of threads."""
        await self._keeper.close()
        self._threads.close()

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
        known_count = cached.row_count
        try:
            await cached.refresh(self._store, pool)
        except StoreWentBack as error:
            self.drop(cached, error)
            raise
        self._took((cached.row_count - known_count) * _CLIP_BYTES)
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
        if not cached.has(name_of(pool_map)):
            try:
                await cached.load(self._store, pool_map)
            except StoreWentBack as error:
                self.drop(cached, error)
                raise
            self._took(cached.byte_count)
        self._evict()
        cached.keep_mapped(self._keeper, name_of(pool_map))
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
