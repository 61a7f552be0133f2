"""Fitting a map on a pool: by one process at a time, though two that do it do no harm.

Each map is kept under a name that its contents decide, and all processes agree on which is the
newest: nothing but time is lost. So the right to fit needs no fence.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np

from aloe.learner.bulkheads import TRAINING, Threads
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.domain.alignment import aligned_empty
from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.errors import LearnerError
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.representations.fitting import draws, fit
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.ports.pools import CHUNK_ROWS
from aloe.learner.ports.store import Store
from aloe.values.representations import Representation

HOLD = timedelta(seconds=5)
"""The right of a process that died is another's after so long."""
_SEED = 0
"""Of what is drawn to fit a map."""
_ROWS_PER_READ = 32 * CHUNK_ROWS


class MapFitting:
    """Fits maps on threads of its own."""

    def __init__(self, store: Store, took: Callable[[int], None]) -> None:
        """Take the store; `took` is told how many bytes a fit took that are free again."""
        self._store, self._took = store, took
        self._threads = Threads(TRAINING)
        self._fitter_id = uuid.uuid4().hex

    def close(self) -> None:
        """Let go of threads."""
        self._threads.close()

    @contextlib.asynccontextmanager
    async def right(self, pool: Pool, kind: Representation) -> AsyncIterator[bool]:
        """Have the right to fit a map while this lasts; not where another process has it."""
        if not await self._store.begin_fit(pool, kind, self._fitter_id, HOLD):
            yield False
            return
        renewal = asyncio.create_task(self._renew(pool, kind))
        try:
            yield True
        finally:
            renewal.cancel()
            with contextlib.suppress(LearnerError):  # Else it runs out.
                await self._store.end_fit(pool, kind, self._fitter_id)

    async def _renew(self, pool: Pool, kind: Representation) -> None:
        while True:
            await asyncio.sleep(HOLD.total_seconds() / 3)
            with contextlib.suppress(LearnerError):
                await self._store.begin_fit(pool, kind, self._fitter_id, HOLD)

    async def fit(self, pool: CachedPool, kind: Representation, newest: PoolMap | None) -> PoolMap:
        """Fit a map on the clips that are not retired, or as many of them as it takes.

        Returns:
            It, as the version after the newest; or that one where this one maps all alike.
        """
        there = np.setdiff1d(np.arange(pool.row_count), pool.retired_rows)
        sample, _ = draws(_SEED, len(there))
        vectors = await self._vectors(pool, there[sample])
        fitted = await self._threads.run(partial(_fit, kind, vectors, len(there), newest))
        self._took(vectors.nbytes)
        return fitted

    async def _vectors(self, pool: CachedPool, rows: IntArray) -> Float32Array:
        """Return the embeddings of some rows, ascending, read in parts: they are a few of many."""
        if pool.has(""):
            return pool.matrix("")[rows]
        dim = pool.pool.encoder.embedding_dim
        vectors = aligned_empty((len(rows), dim))
        room = aligned_empty((min(_ROWS_PER_READ, pool.row_count), dim))
        for first in range(0, pool.row_count, _ROWS_PER_READ):
            begin, end = np.searchsorted(rows, [first, first + _ROWS_PER_READ])
            if begin < end:
                count = min(_ROWS_PER_READ, pool.row_count - first)
                await self._store.read_vectors(pool.pool, first, count, room[:count])
                vectors[begin:end] = room[rows[begin:end] - first]
        return vectors


def _fit(
    kind: Representation, vectors: Float32Array, clip_count: int, newest: PoolMap | None
) -> PoolMap:
    fitted = replace(fit(kind, vectors, _SEED), clip_count=clip_count)
    if newest is None:
        return fitted
    if replace(fitted, version=newest.version).name == newest.name:
        return newest
    return replace(fitted, version=newest.version + 1)
