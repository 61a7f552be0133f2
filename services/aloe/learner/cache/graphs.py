"""The graphs of pools that a process keeps, each made once for a map, off the event loop."""

import asyncio
import itertools
import logging
import time
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from aloe.learner.bulkheads import GRAPHS, Threads
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.matrices import Matrix
from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.graphs.membership import Members
from aloe.learner.domain.graphs.spectrum import Spectrum, fit_spectrum

_BYTE_BUDGET = 256 * 1024**2
"""For the graphs of all pools together: 1.6 kB a clip, 32 MB for the largest."""
_SEED = 0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class PoolGraph:
    """A pool's graph."""

    rows: IntArray
    """(n,) int64, ascending: the pool's rows that are on it."""
    spectrum: Spectrum

    @classmethod
    def of(cls, rows: IntArray, vectors: Float32Array) -> "PoolGraph":
        """Make the graph of some rows, (n,) int64, of vectors, (n_clips, dim) float32."""
        return cls(rows, fit_spectrum(vectors[rows], _SEED))

    @property
    def byte_count(self) -> int:
        """Bytes that it takes."""
        return self.rows.nbytes + self.spectrum.eigenvectors.nbytes


@dataclass(slots=True, eq=False)
class _Entry:
    members: Members
    making: "asyncio.Task[PoolGraph]"
    used: int = 0

    @property
    def has_failed(self) -> bool:
        return self.making.done() and (self.making.cancelled() or bool(self.making.exception()))

    @property
    def byte_count(self) -> int:
        is_made = self.making.done() and not self.has_failed
        return self.making.result().byte_count if is_made else 0


class PoolGraphs:
    """The graphs that were used last, within a budget of memory.

    Which clips are on a pool's graph follows from the pool, and the graph from them: every process
    has the same, whenever it made it.
    """

    def __init__(self, byte_budget: int = _BYTE_BUDGET) -> None:
        self._byte_budget, self._threads = byte_budget, Threads(GRAPHS)
        self._kept: WeakKeyDictionary[Matrix, _Entry] = WeakKeyDictionary()
        self._uses = itertools.count()

    def close(self) -> None:
        """Let go of the thread."""
        self._threads.close()

    def begin(self, pool: CachedPool, map_name: str) -> "asyncio.Task[PoolGraph]":
        """Return the graph of a pool as it is now, which may still be in the making.

        Args:
            pool: has the matrix of the map.
            map_name: of what the heads read.
        """
        members = Members.of(pool.row_count, len(pool.retired_rows))
        matrix = pool.holder(map_name)
        entry = self._kept.get(matrix)
        if entry is None or entry.members != members or entry.has_failed:
            rows, vectors = members.rows(pool.retired_rows), pool.matrix(map_name)
            making = asyncio.create_task(self._make(pool.pool.pool_id, rows, vectors))
            entry = self._kept[matrix] = _Entry(members, making)
        entry.used = next(self._uses)
        self._evict(entry)
        return entry.making

    async def _make(self, pool_id: str, rows: IntArray, vectors: Float32Array) -> PoolGraph:
        began = time.perf_counter()
        try:
            graph = await self._threads.run(partial(PoolGraph.of, rows, vectors))
        except Exception:
            _log.exception("pools/%s: its graph could not be made", pool_id)
            raise
        took_s = time.perf_counter() - began
        _log.info("pools/%s: the graph of %d clips was made in %.1f s", pool_id, len(rows), took_s)
        return graph

    def _evict(self, newest: _Entry) -> None:
        """Drop the least recently used graphs beyond the budget, but never the newest."""
        others = [(matrix, entry) for matrix, entry in self._kept.items() if entry is not newest]
        excess = newest.byte_count + sum(each.byte_count for _, each in others) - self._byte_budget
        for matrix, entry in sorted(others, key=lambda each: each[1].used):
            if excess > 0 and entry.byte_count:
                del self._kept[matrix]
                excess -= entry.byte_count
