"""Pools in Redis. The keys are listed in store.py."""

from collections.abc import AsyncIterator, Iterable, Sequence

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.chunks import Chunk, chunk_prefix
from aloe.learner.adapters.redis.mapped import mapped_key, mapped_prefix
from aloe.learner.adapters.redis.members import read_members
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_changes import PoolChanges
from aloe.learner.adapters.redis.pool_maps import PoolMapReads
from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.recordings import RedisRecordings
from aloe.learner.adapters.redis.schema import mark_schema
from aloe.learner.adapters.redis.scripts import Script, guarded, reading
from aloe.learner.adapters.redis.task_scripts import TaskKeys
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.pool import Pool
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import POOL_IDS, POOL_KINDS

_SCANNED_AT_ONCE = 500


class RedisPools(PoolChanges, PoolMapReads, RedisRecordings):
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
        # Redis may have been emptied since the start: without its version an older server, which
        # would write what this one cannot read, takes these data for its own.
        await mark_schema(self._redis)
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
    async def list_all_pool_ids(self) -> list[str]:
        # In this order: an id is listed before its pool has any key, and until it has none.
        stored = {pool_id async for pool_id in self._ids_of_keys()}
        listed = await self.list_pool_ids()
        for pool_id in sorted(stored):
            keys = PoolKeys(pool_id)
            if pool_id not in listed and await self._redis.exists(keys.meta):
                raise StoreDamaged(POOL_IDS, f"it lacks {pool_id}, a pool that is there")
            # A pool is deleted with all of its keys in one step.
            if await self._redis.exists(*keys.all) and not await self._redis.exists(keys.meta):
                raise StoreDamaged(keys.meta, "it is gone, and other keys of the pool are there")
        return listed

    async def _ids_of_keys(self) -> AsyncIterator[str]:
        """Yield the ids of the pools of which there is any key, some several times."""
        async for key in self._redis.scan_iter("aloe:{pool:*}:*", count=_SCANNED_AT_ONCE):
            with reading(str(key)):
                yield key.decode().removeprefix("aloe:{pool:").rpartition("}:")[0]

    @guarded
    async def delete_pool(self, pool_id: str) -> None:
        keys = PoolKeys(pool_id)
        pool = await self.read_pool(pool_id)
        await self._check_pool_keys(keys)
        await self._forget_strangers(keys)
        left = await self._delete(
            [
                *(keys.meta, keys.clips, keys.rows, keys.chunks, keys.tasks),
                *(keys.contents, keys.changes, keys.marks, keys.maps),
                keys.recordings,
            ],
            *((chunk_prefix(pool_id), mapped_prefix(pool_id)) if self._on_one_node else ("", "")),
        )
        if left == 0:
            raise refusals.pool_in_use(pool_id, await read_members(self._redis, keys.tasks))
        self._ends.pop(pool.epoch, None)
        chunks, maps = left or ([], [])
        await self._unlink(pool, map(Chunk.parse, chunks), [name.decode() for name in maps])
        await self._redis.srem(POOL_IDS, pool_id)

    async def _unlink(self, pool: Pool, chunks: Iterable[Chunk], map_names: Sequence[str]) -> None:
        """Delete the vectors of a pool that is gone, and what maps made of them."""
        for chunk in chunks:
            await self._chunks.unlink(pool, [chunk])
            for name in map_names:
                await self._redis.unlink(mapped_key(pool, chunk, name))

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
