"""New maps of a pool, because a person asks for them."""

import contextlib

from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.errors import NothingToFit, TaskNotFound
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.ports.store import Store
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.values.representations import Representation


class Refitting:
    """Fits the maps that the tasks of a pool read anew."""

    def __init__(self, store: Store, pools: PoolCache, maps: PoolMaps) -> None:
        self._store, self._pools, self._maps = store, pools, maps

    async def refit(self, pool_id: str) -> list[PoolMap]:
        """Fit maps on the clips that a pool has now; tasks read them from their next heads on.

        Returns:
            The newest map of each kind that a task reads: the one before where the clips are the
            same.

        Raises:
            PoolNotFound: there is no such pool.
            NothingToFit: it has no clips, or no task on it reads a map.
        """
        pool = await self._pools.fresh(pool_id)
        if not pool.pool.clip_count:
            raise NothingToFit(f"pools/{pool_id} has no clips to fit a map on; import some first")
        kinds = await self._kinds(pool_id)
        if not kinds:
            raise NothingToFit(
                f"no task on pools/{pool_id} reads a map of its embeddings; one does whose"
                " representation is linear or kernel"
            )
        return [await self._maps.refit(pool, kind) for kind in Representation if kind in kinds]

    async def _kinds(self, pool_id: str) -> set[Representation]:
        """Return what the tasks of a pool read, but embeddings."""
        kinds = set()
        for task_id in await self._store.list_task_ids(pool_id):
            with contextlib.suppress(TaskNotFound):  # It has just gone.
                task, _ = await self._store.read_task(task_id)
                if task.pool_id == pool_id:
                    kinds.add(task.representation)
        return kinds - {Representation.NONE}
