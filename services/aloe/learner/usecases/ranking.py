"""The order in which clips are asked: by query strategy and head; at random before the first."""

import logging
from collections.abc import Hashable

from aloe.learner.cache.batches import RecentHerds
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.graphs import PoolGraphs
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.batches.rules import RULES
from aloe.learner.domain.errors import HeadNotTrained, StoreDamaged
from aloe.learner.domain.folding import check_known
from aloe.learner.domain.graphs.membership import check_graph_size
from aloe.learner.domain.head import Head
from aloe.learner.domain.representations.pool_map import PoolMap, name_of
from aloe.learner.usecases.by_batch import rank_by_batch
from aloe.learner.usecases.by_score import rank_by_score
from aloe.learner.usecases.on_graph import rank_on_graph
from aloe.learner.usecases.orders import Among, Asked, Ranked
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.spacing import spaced
from aloe.values.strategies import QueryStrategy

_log = logging.getLogger(__name__)
_SOON_CLIP_COUNT = 4_096
"""Every query waits for the graph of so many, which takes a second."""


class Ranking:
    """Orders the unlabeled clips of tasks."""

    def __init__(self, pools: PoolCache, maps: PoolMaps) -> None:
        self._pools, self._maps = pools, maps
        self._herds, self._graphs = RecentHerds(), PoolGraphs()
        self._told: set[Hashable] = set()

    def close(self) -> None:
        """Let go of threads."""
        self._graphs.close()

    async def usable(self, cached: CachedTask, head: Head | None) -> Head | None:
        """Return a head; None if it is of former classes, or the map that it reads is gone.

        Clips are then asked as before the first head, so that labels, and with them the next head,
        which reads a map that is there, can come.
        """
        if head is None:
            return None
        try:
            check_known(head, cached.task)
        except HeadNotTrained:
            return None
        try:
            await self._maps.of_head(cached.task.pool_id, head)
        except StoreDamaged as error:
            told = f"tasks/{cached.task.task_id} is asked without its head: {error}"
            self._tell_once(logging.ERROR, head.map_name, told)
            return None
        return head

    async def rank(
        self,
        cached: CachedTask,
        head: Head | None,
        pool: CachedPool,
        *,
        batch_size: int,
        most: int,
        among: Among | None = None,
        waits: bool = False,
    ) -> Ranked:
        """Order the unlabeled clips of a task, the one to ask first in front.

        Args:
            cached: the task.
            head: judges the clips; None before the first.
            pool: the task's.
            batch_size: how many the query asks for.
            most: how many to return, spare ones included.
            among: what there is to choose from; None for all.
            waits: whether the query waits for a graph that takes long.

        Returns:
            The first clips of the order.

        Raises:
            StoreWentBack: the pool is not of the store's past; a fresh one is.
        """
        while True:
            strategy, pool_map = cached.task.query_strategy, None
            if head is not None:
                pool_map = await self._maps.of_head(cached.task.pool_id, head)
            elif _looks_at_places(strategy, pool):
                # No head of the task is bound to an older one.
                pool_map = await self._maps.current(
                    pool, cached.task.representation, may_refit=True
                )
            by = strategy
            if strategy.is_on_graph and _looks_at_places(strategy, pool):
                await self._pools.load(pool, pool_map)
                if not self._has_graph(cached, head, pool, name_of(pool_map), waits=waits):
                    by = strategy.without_graph
            ranked = await self.rank_on(
                cached, by, head, pool, pool_map, batch_size=batch_size, most=most, among=among
            )
            if cached.task.query_strategy == strategy:
                return ranked

    async def rank_on(
        self,
        cached: CachedTask,
        strategy: QueryStrategy,
        head: Head | None,
        pool: CachedPool,
        pool_map: PoolMap | None,
        *,
        batch_size: int,
        most: int,
        among: Among | None = None,
    ) -> Ranked:
        """Order clips by a query strategy and what a map makes of them; see rank."""
        cached.ranks.batch_size = batch_size
        by_place = _looks_at_places(strategy, pool)
        if head is not None or by_place:
            await self._pools.load(pool, pool_map)
        asked = Asked(strategy, batch_size, most, name_of(pool_map), among)
        spacing = cached.task.window_spacing
        if by_place and strategy.is_on_graph and strategy.goes_together:
            ranked = await rank_on_graph(cached, head, pool, asked, self._graphs)
        elif by_place:
            ranked = await rank_by_batch(cached, head, pool, asked, self._herds)
        else:
            ranked = await rank_by_score(cached, head, pool, asked)
        return spaced(ranked, cached.view, pool, spacing)

    def _has_graph(
        self, cached: CachedTask, head: Head | None, pool: CachedPool, map_name: str, *, waits: bool
    ) -> bool:
        """Whether clips are asked on the graph of their pool, and not by herding in its place.

        Before the first head they never are where the graph takes long, be it there or not: so a
        seed fixes what is asked.
        """
        function = cached.task.query_strategy.acquisition_function
        for violation in check_graph_size(function, pool.pool.clip_count):
            self._tell_in_place(logging.WARNING, cached, violation.description)
            return False
        making = self._graphs.begin(pool, map_name)
        is_soon = pool.row_count <= _SOON_CLIP_COUNT
        if is_soon or (head is not None and (waits or making.done())):
            return True
        why = "the pool has no graph yet, or the task no head"
        self._tell_in_place(logging.INFO, cached, why)
        return False

    def _tell_in_place(self, level: int, cached: CachedTask, why: str) -> None:
        """Say once of a task that herding is in the place of what it asks for."""
        task_id, function = cached.task.task_id, cached.task.query_strategy.acquisition_function
        told = f"tasks/{task_id} is asked by herding in place of {function.value}: {why}"
        self._tell_once(level, (task_id, level), told)

    def _tell_once(self, level: int, what: Hashable, message: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.log(level, "%s", message)


def _looks_at_places(strategy: QueryStrategy, pool: CachedPool) -> bool:
    """Whether it is looked at how clips lie to each other; it takes clips to do so."""
    is_by_place = strategy.is_on_graph or strategy.selection_rule in RULES
    return is_by_place and pool.pool.clip_count > 0
