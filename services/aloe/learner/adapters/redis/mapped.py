"""What maps made of pools' vectors, in Redis: a value for each full chunk and map.

A chunk's id says what is in it, whatever becomes of the pool, and the name of a map what that is
mapped to. So a value is right or absent, also where the store went back to an earlier state.
"""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ResponseError

from aloe.learner.adapters.redis.chunks import Chunk
from aloe.learner.adapters.redis.pool_reads import PoolKeys, PoolReads
from aloe.learner.adapters.redis.scripts import guarded, is_damage, reading
from aloe.learner.adapters.redis.vectors import StoredRows
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import StoreFull
from aloe.learner.domain.pool import Pool
from aloe.learner.ports.pools import CHUNK_ROWS
from aloe.redis.codes import Trouble, trouble_of
from aloe.redis.keys import MAPPED
from aloe.redis.rules import is_nearly_full

_FLOAT32 = np.dtype("<f4")
_RETRY_S = 60.0


def mapped_prefix(pool_id: str) -> str:
    """Return how the keys of what is mapped of a pool begin, before its epoch."""
    return f"{MAPPED}{pool_id}:"


def mapped_key(pool: Pool, chunk: Chunk, map_name: str) -> str:
    """Return the key of what a map made of a chunk."""
    return f"{mapped_prefix(pool.pool_id)}{pool.epoch}:{chunk.chunk_id}:{map_name}"


class MappedReads(PoolReads):
    """What a PoolStore does with mapped vectors."""

    @guarded
    async def read_mapped(
        self, pool: Pool, map_name: str, first_row: int, out: Float32Array
    ) -> list[range]:
        values = [
            StoredRows(mapped_key(pool, chunk, map_name), chunk.first_row - first_row)
            for chunk in await self._full_chunks(pool, first_row, first_row + len(out))
        ]
        found = await self._vectors.read_those_there(values, CHUNK_ROWS, out)
        # Of a pool that went back since, even what is right is of no use.
        await self.check_pool(pool)
        return _gaps(found, len(out))

    @guarded
    async def keep_mapped(
        self, pool: Pool, map_name: str, first_row: int, vectors: Float32Array
    ) -> None:
        vectors = np.ascontiguousarray(vectors, _FLOAT32)
        end_row = first_row + len(vectors)
        missing: list[tuple[str, Float32Array]] = []
        for chunk in await self._full_chunks(pool, first_row, end_row):
            key = mapped_key(pool, chunk, map_name)
            rows = vectors[max(0, chunk.first_row - first_row) : chunk.end_row - first_row]
            if len(rows) == CHUNK_ROWS and not await self._has(key, rows.nbytes):
                missing.append((key, rows))
        await self._check_room(sum(rows.nbytes for _, rows in missing))
        for key, rows in missing:
            began = time.monotonic()
            await self._redis.set(key, rows.data.cast("B"))
            # Others have Redis, and its disk, for half of the time.
            await asyncio.sleep(time.monotonic() - began)

    async def _full_chunks(self, pool: Pool, first_row: int, end_row: int) -> Sequence[Chunk]:
        """Return the chunks that no longer one will replace and that hold any of some rows."""
        key = PoolKeys(pool.pool_id).chunks
        with reading(key):
            chunks = [Chunk.parse(text) for text in await self._redis.lrange(key, 0, -1)]
        await self.check_pool(pool)
        return [
            chunk
            for chunk in chunks
            if chunk.row_count == CHUNK_ROWS
            and chunk.end_row > first_row
            and chunk.first_row < end_row
        ]

    async def _has(self, key: str, byte_count: int) -> bool:
        try:
            return bool(await self._redis.strlen(key) == byte_count)
        except ResponseError as error:
            if not is_damage(error):
                raise
            return False  # It is of another kind.

    async def _check_room(self, byte_count: int) -> None:
        """Raise StoreFull where some more bytes would fill a bounded memory nearly."""
        if not byte_count:
            return
        try:
            if self._on_one_node:
                infos = [await self._redis.info("memory")]
            else:
                nodes = RedisCluster.PRIMARIES
                infos = [*(await self._redis.info("memory", target_nodes=nodes)).values()]
        except ResponseError as error:
            if trouble_of(error) is not Trouble.FORBIDDEN:
                raise
            return
        if any(is_nearly_full(info, byte_count // len(infos)) for info in infos):
            raise StoreFull(
                f"Redis has too little room left for {byte_count / 2**20:,.0f} MB that follow from"
                " the rest: make room in its memory (maxmemory)",
                _RETRY_S,
            )


def _gaps(found: Sequence[range], end: int) -> list[range]:
    """Return the ranges of 0 to `end` between ascending ones."""
    edges = [0, *(edge for each in found for edge in (each.start, each.stop)), end]
    return [range(*gap) for gap in zip(edges[::2], edges[1::2], strict=True) if gap[0] < gap[1]]
