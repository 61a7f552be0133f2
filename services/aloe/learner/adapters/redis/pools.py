"""Pools in Redis. The keys are listed in store.py."""

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.chunks import Chunk
from aloe.learner.adapters.redis.members import read_members
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_changes import PoolChanges
from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.scripts import Script, guarded, reading
from aloe.learner.adapters.redis.task_scripts import TaskKeys
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.pool import Pool
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import POOL_IDS, POOL_KINDS


class RedisPools(PoolChanges):
    """The PoolStore of a Redis server."""

    def __init__(self, client: RedisClient, pipelines: Pipelines, vectors: VectorReader) -> None:
        super().__init__(client, pipelines, vectors)
        self._create = Script(pipelines.write, "create_pool")
        self._delete = Script(pipelines.write, "delete_pool")
        self._free = Script(pipelines.read, "check_free")

    @guarded
    async def create_pool(self, pool: Pool) -> Pool:
        keys = PoolKeys(pool.pool_id)
        await self._check_pool_keys(keys)
        await self._redis.sadd(POOL_IDS, pool.pool_id)
        spec = await self._create([keys.meta], codec.dump_pool(pool), pool.epoch)
        with reading(keys.meta):
            stored = codec.load_pool(pool.pool_id, spec)
        if not stored.same_content(pool):
            raise refusals.pool_id_taken(stored)
        return await self.read_pool(pool.pool_id)

    @guarded
    async def list_pool_ids(self) -> list[str]:
        return await read_members(self._redis, POOL_IDS)

    @guarded
    async def delete_pool(self, pool_id: str) -> None:
        keys = PoolKeys(pool_id)
        pool = await self.read_pool(pool_id)
        await self._check_pool_keys(keys)
        await self._forget_strangers(keys)
        chunks = await self._delete(
            [
                *(keys.meta, keys.clips, keys.rows, keys.chunks, keys.tasks),
                *(keys.contents, keys.changes, keys.marks),
            ]
        )
        if chunks == 0:
            raise refusals.pool_in_use(pool_id, await read_members(self._redis, keys.tasks))
        self._ends.pop(pool.epoch, None)
        await self._chunks.unlink(pool, [Chunk.parse(text) for text in chunks or []])
        await self._redis.srem(POOL_IDS, pool_id)

    async def _check_pool_keys(self, keys: PoolKeys) -> None:
        """Raise StoreDamaged before several changes that only together are one."""
        with reading(POOL_IDS):
            await self._redis.sismember(POOL_IDS, keys.pool_id)
        await self._kinds(keys.all, *POOL_KINDS.values())
        await self._free(keys.all)

    async def _forget_strangers(self, keys: PoolKeys) -> None:
        """Take tasks that were deleted, or are on another pool, off the pool's list."""
        for task_id in await read_members(self._redis, keys.tasks):
            meta = TaskKeys(task_id).meta
            with reading(meta):
                spec = await self._redis.hget(meta, "spec")
            with reading(meta):
                is_stranger = spec is None or codec.load_task(task_id, spec).pool_id != keys.pool_id
            if is_stranger:
                await self._redis.srem(keys.tasks, task_id)
