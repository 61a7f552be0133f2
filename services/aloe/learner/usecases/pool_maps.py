"""The maps of pools: each fitted once, kept in the store, and named by the heads that read it."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.head import Head
from aloe.learner.domain.representations.fitting import LANDMARK_COUNT
from aloe.learner.domain.representations.naming import newest_names, representation_of
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.ports.store import Store
from aloe.learner.usecases.map_fitting import MapFitting
from aloe.values.representations import Representation

_GROWTH, _GROWTH_OF_FEW = 10, 2
"""A pool that has so many times the clips of its map gets a new one with the next head; the smaller
number where the map is of fewer clips than it could have landmarks."""
_MOST_KEPT = 16
"""Of the maps that a process has read; each takes megabytes."""
_POLL_S = 0.2
"""How often it is looked whether another process has fitted a map."""
_LONGEST_WAIT_S = 30.0
"""For another process that fits; then this one does as well."""

_log = logging.getLogger(__name__)


class PoolMaps:
    """Finds the map that a head reads, or is to read, and fits those that are missing."""

    def __init__(self, store: Store, took: Callable[[int], None] = lambda _: None) -> None:
        """Take the store; `took` is told how many bytes fits took that are free again."""
        self._store, self._fitting = store, MapFitting(store, took)
        self._known: OrderedDict[str, PoolMap] = OrderedDict()
        """By name, which its contents decide; the least recently used one first."""
        self._turns: WeakValueDictionary[tuple[str, Representation], asyncio.Lock] = (
            WeakValueDictionary()
        )
        """Held by who fits in this process; gone when nobody does."""

    def close(self) -> None:
        """Let go of threads."""
        self._fitting.close()

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
            may_refit: whether one that has become too old gives way to a new one, unless another
                process is about to fit that.
        """
        if representation is Representation.NONE:
            return None

        def is_old(newest: PoolMap) -> bool:
            return may_refit and _is_outgrown(newest, pool)

        return await self._fitted(pool, representation, is_old, may_be_old=True)

    async def refit(self, pool: CachedPool, representation: Representation) -> PoolMap:
        """Fit a new map, which heads read from their next version on.

        Returns:
            The map; the newest one where the same clips gave it.
        """
        return await self._fitted(pool, representation, lambda _: True, may_be_old=False)

    async def _fitted(
        self,
        pool: CachedPool,
        kind: Representation,
        is_old: Callable[[PoolMap], bool],
        *,
        may_be_old: bool,
    ) -> PoolMap:
        """Return the newest map unless it is old, else a new one.

        An old one will do, where that may be, while another process fits the new one.
        """
        newest = await self._newest(pool, kind)
        if newest and not is_old(newest):
            return newest
        turn = self._turns.setdefault((pool.pool.epoch, kind), asyncio.Lock())
        waits_until = time.monotonic() + _LONGEST_WAIT_S
        async with turn:
            while True:
                async with self._fitting.right(pool.pool, kind) as is_ours:
                    newest = await self._newest(pool, kind)
                    if newest and (not is_old(newest) or (may_be_old and not is_ours)):
                        return newest
                    if is_ours or time.monotonic() > waits_until:
                        return await self._add(pool, kind, newest)
                await asyncio.sleep(_POLL_S)

    async def _add(self, pool: CachedPool, kind: Representation, newest: PoolMap | None) -> PoolMap:
        fitted = await self._fitting.fit(pool, kind, newest)
        if fitted is newest:
            return fitted
        await self._store.add_map(pool.pool, fitted)
        self._keep(fitted)
        _log.info(
            "pools/%s: %s was fitted on %d clips",
            *(pool.pool.pool_id, fitted.name, fitted.clip_count),
        )
        return fitted

    async def _newest(self, pool: CachedPool, kind: Representation) -> PoolMap | None:
        for name in newest_names(await self._store.list_map_names(pool.pool)):
            if representation_of(name) is kind:
                try:
                    return await self.named(pool.pool.pool_id, name)
                except StoreDamaged:
                    # Not if it was lost since it was listed, where the store went back.
                    await self._store.check_pool(pool.pool)
                    raise
        return None

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


def _is_outgrown(pool_map: PoolMap, pool: CachedPool) -> bool:
    growth = _GROWTH_OF_FEW if pool_map.clip_count < LANDMARK_COUNT else _GROWTH
    return pool.pool.clip_count >= growth * pool_map.clip_count
