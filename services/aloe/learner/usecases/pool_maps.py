"""The maps of pools: each fitted once, kept in the store, and named by the heads that read it."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import replace
from functools import partial

import numpy as np

from aloe.learner.bulkheads import TRAINING, Threads
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.domain.alignment import aligned_empty
from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.head import Head
from aloe.learner.domain.representations.fitting import LANDMARK_COUNT, draws, fit
from aloe.learner.domain.representations.naming import representation_of, version_of
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.ports.pools import CHUNK_ROWS
from aloe.learner.ports.store import Store
from aloe.values.representations import Representation

_GROWTH, _GROWTH_OF_FEW = 10, 2
"""A pool that has so many times the clips of its map gets a new one with the next head; the smaller
number where the map is of fewer clips than it could have landmarks."""
_SEED = 0
"""Of what is drawn to fit a map."""
_MOST_KEPT = 16
"""Of the maps that a process has read; each takes megabytes."""
_ROWS_PER_READ = 32 * CHUNK_ROWS

_log = logging.getLogger(__name__)


class PoolMaps:
    """Finds the map that a head reads, or is to read, and fits those that are missing.

    Two processes may fit one at the same time. Each is kept under a name of its own, and both agree
    on which is the newest: nothing but time is lost.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = Threads(TRAINING)
        self._known: OrderedDict[str, PoolMap] = OrderedDict()
        """By name, which its contents decide; the least recently used one first."""
        self._fitting: dict[tuple[str, Representation], asyncio.Lock] = {}

    def close(self) -> None:
        """Let go of threads."""
        self._threads.close()

    async def of_head(self, pool_id: str, head: Head) -> PoolMap | None:
        """Return the map that a head reads; None for the embeddings themselves.

        Raises:
            PoolNotFound: there is no such pool.
            StoreDamaged: the map is gone.
        """
        return await self.named(pool_id, head.map_name) if head.map_name else None

    async def current(
        self, pool: CachedPool, representation: Representation, *, may_refit: bool = False
    ) -> PoolMap | None:
        """Return the newest map of a pool; one is fitted if there is none.

        Args:
            pool: as it is now.
            representation: of which kind; None is returned for NONE.
            may_refit: whether one that has become too old gives way to a new one.
        """
        if representation is Representation.NONE:
            return None
        lock = self._fitting.setdefault((pool.pool.epoch, representation), asyncio.Lock())
        async with lock:
            newest = await self._newest(pool, representation)
            if newest and not (may_refit and _is_outgrown(newest, pool)):
                return newest
            version = newest.version + 1 if newest else 1
            fitted = await self._fit(pool, representation, version)
            await self._store.add_map(pool.pool, fitted)
            self._keep(fitted)
            _log.info(
                "pools/%s: %s was fitted on %d clips",
                *(pool.pool.pool_id, fitted.name, fitted.clip_count),
            )
            return fitted

    async def _newest(self, pool: CachedPool, representation: Representation) -> PoolMap | None:
        names = await self._store.list_map_names(pool.pool)
        of_kind = [name for name in names if representation_of(name) is representation]
        if not of_kind:
            return None
        newest = max(of_kind, key=lambda name: (version_of(name), name))
        return await self.named(pool.pool.pool_id, newest)

    async def named(self, pool_id: str, name: str) -> PoolMap:
        """Return a map by its name.

        Raises:
            PoolNotFound: there is no such pool.
            StoreDamaged: the map is gone.
        """
        found = self._known.get(name) or await self._store.read_map(pool_id, name)
        self._keep(found)
        return found

    def _keep(self, pool_map: PoolMap) -> None:
        self._known[pool_map.name] = pool_map
        self._known.move_to_end(pool_map.name)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)

    async def _fit(self, pool: CachedPool, representation: Representation, version: int) -> PoolMap:
        """Fit a map on the clips that are not retired, or as many of them as it takes."""
        there = np.setdiff1d(np.arange(pool.row_count), pool.retired_rows)
        sample, _ = draws(_SEED, len(there))
        vectors = await self._vectors(pool, there[sample])
        fitted = await self._threads.run(
            partial(fit, representation, vectors, _SEED, version=version)
        )
        return replace(fitted, clip_count=len(there))

    async def _vectors(self, pool: CachedPool, rows: IntArray) -> Float32Array:
        """Return the embeddings of some rows, ascending, read in parts: they are a few of many."""
        if pool.has(""):
            return pool.matrix("")[rows]
        dim = pool.pool.encoder.embedding_dim
        vectors = aligned_empty((len(rows), dim))
        room = aligned_empty((min(_ROWS_PER_READ, pool.row_count), dim))
        for first in range(0, pool.row_count, _ROWS_PER_READ):
            begin, end = np.searchsorted(rows, [first, first + _ROWS_PER_READ])
            if begin < end:
                count = min(_ROWS_PER_READ, pool.row_count - first)
                await self._store.read_vectors(pool.pool, first, count, room[:count])
                vectors[begin:end] = room[rows[begin:end] - first]
        return vectors


def _is_outgrown(pool_map: PoolMap, pool: CachedPool) -> bool:
    growth = _GROWTH_OF_FEW if pool_map.clip_count < LANDMARK_COUNT else _GROWTH
    return pool.pool.clip_count >= growth * pool_map.clip_count
