"""What heads read of a pool's clips: their embeddings, or a map of them."""

import asyncio
import math
import time
from functools import partial
from itertools import pairwise

import numpy as np

from aloe.learner.bulkheads import SCORING, Threads
from aloe.learner.cache.scores import PoolScorer
from aloe.learner.domain.alignment import aligned_empty
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import PoolNotFound
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.representations.pool_map import PoolMap, name_of
from aloe.learner.ports.pools import CHUNK_ROWS, PoolStore

_SPARE = 8
"""A matrix that outgrows its memory gets an eighth more than it had, or what it needs."""
_ROWS_PER_MAPPING = 32 * CHUNK_ROWS
"""So many embeddings at a time are in memory to be mapped."""


class Matrix:
    """What the heads of one representation read of a pool's clips, by row; it grows with the pool.

    One caller at a time reads more rows.
    """

    def __init__(self, pool_map: PoolMap | None, dim: int, threads: Threads) -> None:
        """Take the map, None for the embeddings themselves; how many values a row has; threads."""
        self._map, self._run = pool_map, threads.run
        self.scorer = PoolScorer(threads)
        self._buffer = aligned_empty((0, dim))
        self.used_at = time.monotonic()
        self.kept_count = 0
        """The store keeps what a map made of so many of the first rows, as far as is known here."""
        self.keep_after = -math.inf
        """It is not asked to keep more before this time, by time.monotonic()."""

    @property
    def kept_map(self) -> str:
        """The name of the map that made it, where the store is to keep that; else empty."""
        return name_of(self._map) if self._map and self._map.is_costly else ""

    @property
    def byte_count(self) -> int:
        """Bytes that it takes."""
        return self._buffer.nbytes

    def rows(self, count: int) -> Float32Array:
        """Return the first rows, (count, dim) float32; they stay as they are when it grows."""
        self.used_at = time.monotonic()
        return self._buffer[:count]

    async def read(self, store: PoolStore, pool: Pool, first_row: int) -> None:
        """Read the rows of a pool from one on, of which nothing is relied on yet.

        Raises:
            PoolNotFound: the pool was deleted.
            StoreWentBack: the pool is not of the store's past.
        """
        if first_row == pool.row_count:
            return
        if pool.row_count > len(self._buffer):
            # Says if it is there: a count that is damaged may be more than there is memory for.
            await store.read_clips(pool, pool.row_count - 1, 1)
            await self._make_room(pool.row_count, first_row)
        room = self._buffer[first_row : pool.row_count]
        if self._map is None:
            await _read_rows(store, pool, first_row, room)
            return
        gaps = [range(len(room))]
        # A few rows that were added are mapped in less time than it takes to ask for them.
        if self._map.is_costly and len(room) >= CHUNK_ROWS:
            gaps = await store.read_mapped(pool, self._map.name, first_row, room)
        for gap in gaps:
            await self._map_rows(
                self._map, store, pool, first_row + gap.start, room[gap.start : gap.stop]
            )

    async def _map_rows(
        self,
        pool_map: PoolMap,
        store: PoolStore,
        pool: Pool,
        first_row: int,
        room: Float32Array,
    ) -> None:
        """Fill the room of some rows with what their embeddings are mapped to."""
        embeddings = aligned_empty((min(_ROWS_PER_MAPPING, len(room)), pool.encoder.embedding_dim))
        for begin in range(0, len(room), _ROWS_PER_MAPPING):
            part = room[begin : begin + _ROWS_PER_MAPPING]
            await _read_rows(store, pool, first_row + begin, embeddings[: len(part)])
            await self._fill(pool_map, embeddings[: len(part)], part)

    async def _fill(self, pool_map: PoolMap, embeddings: Float32Array, room: Float32Array) -> None:
        ends = np.linspace(0, len(room), SCORING.thread_count + 1).astype(int).tolist()
        shares = (
            partial(pool_map.map_share, embeddings, room, begin, end)
            for begin, end in pairwise(ends)
        )
        await asyncio.gather(*map(self._run, shares))

    async def _make_room(self, wanted: int, kept: int) -> None:
        # Exact at first; then with spare room, so that not every new clip copies them all.
        capacity = max(wanted, len(self._buffer) + len(self._buffer) // _SPARE)
        buffer = aligned_empty((capacity, self._buffer.shape[1]))
        await self._run(partial(np.copyto, buffer[:kept], self._buffer[:kept]))
        self._buffer = buffer


async def _read_rows(store: PoolStore, pool: Pool, first_row: int, room: Float32Array) -> None:
    if len(await store.read_vectors(pool, first_row, len(room), room)) < len(room):
        raise PoolNotFound(f"pools/{pool.pool_id} was deleted")
