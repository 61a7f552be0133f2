"""The maps of pools in memory, what they made of vectors, and who fits them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from aloe.learner.adapters import refusals
from aloe.learner.adapters.memory.state import StoredPool, Tables
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.ports.pools import CHUNK_ROWS
from aloe.values.representations import Representation


class MemoryPoolMaps:
    """What a PoolStore does with maps; what else concerns pools in memory is built on it."""

    def __init__(self, tables: Tables, now: Callable[[], datetime]) -> None:
        self._tables, self._now = tables, now

    async def read_pool(self, pool_id: str) -> Pool:
        if pool_id not in self._tables.pools:
            raise refusals.pool_not_found(pool_id)
        stored = self._tables.pools[pool_id]
        return replace(
            stored.pool,
            row_count=stored.index.row_count,
            retired_count=stored.index.retired_count,
            change_count=len(stored.changes),
            mark=stored.marks[-1],
        )

    async def check_pool(self, pool: Pool) -> None:
        self._fenced_pool(pool)

    async def list_map_names(self, pool: Pool) -> list[str]:
        return list(self._fenced_pool(pool).maps)

    async def read_map(self, pool_id: str, name: str) -> PoolMap:
        await self.read_pool(pool_id)
        maps = self._tables.pools[pool_id].maps
        if name not in maps:
            raise StoreDamaged(f"pools/{pool_id}", f"{name} is gone, which heads read")
        return maps[name]

    async def add_map(self, pool: Pool, pool_map: PoolMap) -> None:
        self._fenced_pool(pool).maps.setdefault(pool_map.name, pool_map)

    async def begin_fit(
        self, pool: Pool, kind: Representation, fitter_id: str, hold: timedelta
    ) -> bool:
        fitters, now = self._fenced_pool(pool).fitters, self._now()
        holder, until = fitters.get(kind, (fitter_id, now))
        if holder != fitter_id and now < until:
            return False
        fitters[kind] = fitter_id, now + hold
        return True

    async def end_fit(self, pool: Pool, kind: Representation, fitter_id: str) -> None:
        stored = self._tables.pools.get(pool.pool_id)
        if stored and stored.fitters.get(kind, ("",))[0] == fitter_id:
            del stored.fitters[kind]

    async def read_mapped(
        self, pool: Pool, map_name: str, first_row: int, out: Float32Array
    ) -> list[range]:
        mapped = self._fenced_pool(pool).mapped
        gaps: list[range] = []
        for place in range(len(out)):
            piece, within = divmod(first_row + place, CHUNK_ROWS)
            rows = mapped.get((map_name, piece))
            if rows is not None:
                out[place] = rows[within]
            elif gaps and gaps[-1].stop == place:
                gaps[-1] = range(gaps[-1].start, place + 1)
            else:
                gaps.append(range(place, place + 1))
        return gaps

    async def keep_mapped(
        self, pool: Pool, map_name: str, first_row: int, vectors: Float32Array
    ) -> None:
        mapped = self._fenced_pool(pool).mapped
        first_piece, end_piece = (
            -(-first_row // CHUNK_ROWS),
            (first_row + len(vectors)) // CHUNK_ROWS,
        )
        for piece in range(first_piece, end_piece):
            begin = piece * CHUNK_ROWS - first_row
            mapped.setdefault((map_name, piece), vectors[begin : begin + CHUNK_ROWS].copy())

    def _fenced_pool(self, pool: Pool) -> StoredPool:
        """Return a pool unless it is another one by now."""
        stored = self._tables.pools.get(pool.pool_id)
        if stored is None or stored.pool.epoch != pool.epoch:
            raise refusals.pool_deleted(pool.pool_id)
        if pool.mark and pool.mark not in stored.marks:
            raise refusals.pool_went_back(pool.pool_id)
        return stored
