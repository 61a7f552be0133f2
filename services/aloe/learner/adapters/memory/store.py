"""The Store in this process's memory: for trying out and for tests; it forgets when it ends."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from aloe.learner.adapters.memory.tasks import MemoryTasks
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import AlreadyExists, PoolInUse, PoolNotFound
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports import FoundClip


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class _StoredPool:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clips: list[Clip] = []
        self.rows: dict[str, int] = {}
        self.vectors = np.empty((0, pool.encoder.embedding_dim), np.float32)

    def snapshot(self) -> Pool:
        return Pool(
            self.pool.pool_id,
            self.pool.encoder,
            self.pool.keep_audio,
            self.pool.epoch,
            self.pool.create_time,
            len(self.clips),
        )


class MemoryStore(MemoryTasks):
    """A Store without a server. No method awaits, so each is atomic."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self._pools: dict[str, _StoredPool] = {}
        super().__init__(now, self._pools.__contains__)

    async def create_pool(self, pool: Pool) -> Pool:
        stored = self._pools.setdefault(pool.pool_id, _StoredPool(pool))
        if not stored.pool.same_content(pool):
            raise AlreadyExists(f"pools/{pool.pool_id} exists with another encoder")
        return stored.snapshot()

    async def read_pool(self, pool_id: str) -> Pool:
        return self._pool(pool_id).snapshot()

    async def list_pool_ids(self) -> list[str]:
        return sorted(self._pools)

    async def delete_pool(self, pool_id: str) -> None:
        self._pool(pool_id)
        users = await self.list_task_ids(pool_id)
        if users:
            raise PoolInUse(
                f"pools/{pool_id} is used by {', '.join(users)}; delete the tasks first"
            )
        del self._pools[pool_id]

    async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
        stored = self._pools.get(pool_id)
        return [self._find(stored, clip_id) for clip_id in clip_ids]

    async def append_clips(
        self, pool: Pool, clips: Sequence[Clip], vectors: Float32Array
    ) -> list[FoundClip | None]:
        stored = self._pool_of(pool)
        found = [self._find(stored, clip.clip_id) for clip in clips]
        new = [index for index, clip in enumerate(found) if clip is None]
        for index in new:
            stored.rows[clips[index].clip_id] = len(stored.clips)
            stored.clips.append(clips[index])
        stored.vectors = np.vstack([stored.vectors, vectors[new]])
        return found

    async def read_clips(self, pool: Pool, first_row: int, count: int) -> list[Clip]:
        return self._pool(pool.pool_id).clips[first_row : first_row + count]

    async def read_vectors(
        self,
        pool: Pool,
        first_row: int,
        at_most: int | None = None,
        out: Float32Array | None = None,
    ) -> Float32Array:
        vectors = self._pool_of(pool).vectors[first_row:][:at_most]
        filled = np.empty_like(vectors) if out is None else out[: len(vectors)]
        filled[:] = vectors
        return filled

    async def prepare(self) -> None:
        """Nothing is older than this process."""

    async def close(self) -> None:
        """Nothing is open."""

    def _pool_of(self, pool: Pool) -> _StoredPool:
        stored = self._pool(pool.pool_id)
        if stored.pool.epoch != pool.epoch:
            raise PoolNotFound(f"pools/{pool.pool_id} was deleted")
        return stored

    def _pool(self, pool_id: str) -> _StoredPool:
        if pool_id not in self._pools:
            raise PoolNotFound(f"there is no pools/{pool_id}")
        return self._pools[pool_id]

    @staticmethod
    def _find(stored: _StoredPool | None, clip_id: str) -> FoundClip | None:
        if stored is None or clip_id not in stored.rows:
            return None
        row = stored.rows[clip_id]
        return FoundClip(row, stored.clips[row].content_hash)
