"""The maps of pools in Redis, and who fits them."""

from datetime import timedelta

from redis.exceptions import ResponseError

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis.mapped import MappedReads
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.scripts import Script, guarded, reading
from aloe.learner.adapters.redis.task_scripts import milliseconds
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.representations.naming import representation_of, version_of
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.redis.connecting import RedisClient
from aloe.values.representations import Representation


class PoolMapReads(MappedReads):
    """What a PoolStore does with maps."""

    def __init__(self, client: RedisClient, pipelines: Pipelines, vectors: VectorReader) -> None:
        super().__init__(client, pipelines, vectors)
        self._add_map = Script(pipelines.write, "add_map")
        self._begin_fit = Script(pipelines.write, "begin_fit")
        self._end_fit = Script(pipelines.write, "end_fit")

    @guarded
    async def list_map_names(self, pool: Pool) -> list[str]:
        key = PoolKeys(pool.pool_id).maps
        with reading(key):
            names = [name.decode() for name in await self._redis.hkeys(key)]
            for name in names:
                representation_of(name), version_of(name)  # Else it is no map's.
        await self.check_pool(pool)
        return names

    @guarded
    async def read_map(self, pool_id: str, name: str) -> PoolMap:
        key = PoolKeys(pool_id).maps
        with reading(key):
            data = await self._redis.hget(key, name)
            if data is not None:
                return PoolMap.from_bytes(data)
        await self.read_pool(pool_id)
        raise StoreDamaged(key, f"{name} is gone, which heads read")

    @guarded
    async def add_map(self, pool: Pool, pool_map: PoolMap) -> None:
        keys = PoolKeys(pool.pool_id)
        used = [keys.meta, keys.maps]
        try:
            said = await self._add_map(used, pool.epoch, pool_map.name, pool_map.to_bytes())
        except ResponseError:
            await self._kinds(used, "hash", "hash")  # Names it.
            raise
        if said == b"POOL_NOT_FOUND":
            raise refusals.pool_deleted(pool.pool_id)

    @guarded
    async def begin_fit(
        self, pool: Pool, kind: Representation, fitter_id: str, hold: timedelta
    ) -> bool:
        keys = PoolKeys(pool.pool_id)
        used = [keys.meta, keys.fitting(pool, kind)]
        said: bytes = await self._begin_fit(used, pool.epoch, fitter_id, milliseconds(hold))
        if said == b"POOL_NOT_FOUND":
            raise refusals.pool_deleted(pool.pool_id)
        return said == b"OK"

    @guarded
    async def end_fit(self, pool: Pool, kind: Representation, fitter_id: str) -> None:
        await self._end_fit([PoolKeys(pool.pool_id).fitting(pool, kind)], fitter_id)
