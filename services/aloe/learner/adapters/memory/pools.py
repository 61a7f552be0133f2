"""Pools in memory."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aloe.learner.adapters import refusals
from aloe.learner.adapters.memory.state import StoredPool, Tables
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports import FoundClip


class MemoryPools:
    """The PoolStore of a process."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def create_pool(self, pool: Pool) -> Pool:
        stored = self._tables.pools.setdefault(pool.pool_id, StoredPool(pool))
        if not stored.pool.same_content(pool):
            raise refusals.pool_id_taken(stored.pool)
        return await self.read_pool(pool.pool_id)

    async def read_pool(self, pool_id: str) -> Pool:
        if pool_id not in self._tables.pools:
            raise refusals.pool_not_found(pool_id)
        stored = self._tables.pools[pool_id]
        return replace(stored.pool, clip_count=len(stored.clips))

    async def list_pool_ids(self) -> list[str]:
        return sorted(self._tables.pools)

    async def delete_pool(self, pool_id: str) -> None:
        await self.read_pool(pool_id)
        tasks = self._tables.tasks.items()
        users = sorted(task_id for task_id, stored in tasks if stored.task.pool_id == pool_id)
        if users:
            raise refusals.pool_in_use(pool_id, users)
        del self._tables.pools[pool_id]

    async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
        stored = self._tables.pools.get(pool_id)
        return [None if stored is None else _find(stored, clip_id) for clip_id in clip_ids]

    async def append_clips(
        self, pool: Pool, clips: Sequence[Clip], vectors: Float32Array
    ) -> list[FoundClip | None]:
        stored = self._fenced_pool(pool)
        found = [_find(stored, clip.clip_id) for clip in clips]
        new = [index for index, clip in enumerate(found) if clip is None]
        for index in new:
            stored.rows[clips[index].clip_id] = len(stored.clips)
            stored.clips.append(clips[index])
        stored.vectors = np.vstack([stored.vectors, vectors[new]])
        return found

    async def read_clips(self, pool: Pool, first_row: int, count: int) -> Sequence[Clip]:
        return self._fenced_pool(pool).clips[first_row : first_row + count]

    async def read_vectors(
        self,
        pool: Pool,
        first_row: int,
        at_most: int | None = None,
        out: Float32Array | None = None,
    ) -> Float32Array:
        vectors = self._fenced_pool(pool).vectors[first_row:][:at_most]
        filled = np.empty_like(vectors) if out is None else out[: len(vectors)]
        filled[:] = vectors
        return filled

    def _fenced_pool(self, pool: Pool) -> StoredPool:
        """Return a pool unless it is another one by now."""
        stored = self._tables.pools.get(pool.pool_id)
        if stored is None or stored.pool.epoch != pool.epoch:
            raise refusals.pool_deleted(pool.pool_id)
        return stored


def _find(stored: StoredPool, clip_id: str) -> FoundClip | None:
    row = stored.rows.get(clip_id)
    return None if row is None else FoundClip(row, stored.clips[row].content_hash)
