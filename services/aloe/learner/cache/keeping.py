"""Has the store keep what maps made of pools, so that no other process, or a later one, maps it."""

import asyncio
import logging
import time

from aloe.learner.cache.matrices import Matrix
from aloe.learner.domain.errors import LearnerError, PoolNotFound, StoreWentBack
from aloe.learner.domain.pool import Pool
from aloe.learner.ports.pools import CHUNK_ROWS, PoolStore

_RETRY_S = 600.0

_log = logging.getLogger(__name__)


class MappedKeeper:
    """Works in the background, on one matrix at a time. What it does not come to is mapped anew."""

    def __init__(self, store: PoolStore, *, retry_s: float = _RETRY_S) -> None:
        """Keep in a store, which is asked again so long after it could not."""
        self._store, self._retry_s = store, retry_s
        self._turn = asyncio.Lock()
        self._running: dict[Matrix, asyncio.Task[None]] = {}
        self._told: set[str] = set()
        """Of which pools it was told that they are not kept."""

    def keep(self, pool: Pool, matrix: Matrix) -> None:
        """Begin to keep what the store may not have of a matrix, which holds the pool's rows.

        The last rows may yet get others beside them, and are left out.
        """
        end_row = pool.row_count - pool.row_count % CHUNK_ROWS
        if not matrix.kept_map or matrix.kept_count >= end_row or matrix in self._running:
            return
        if time.monotonic() >= matrix.keep_after:
            self._running[matrix] = asyncio.create_task(self._keep(pool, matrix, end_row))

    async def close(self) -> None:
        """Stop; what is cut short is gone on with by whoever reads the pool next."""
        running = list(self._running.values())
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _keep(self, pool: Pool, matrix: Matrix, end_row: int) -> None:
        first_row = matrix.kept_count
        try:
            async with self._turn:
                vectors = matrix.rows(end_row)[first_row:]
                await self._store.keep_mapped(pool, matrix.kept_map, first_row, vectors)
            matrix.kept_count = end_row
            self._told.discard(pool.pool_id)
        except (PoolNotFound, StoreWentBack):
            pass  # So is the matrix, once somebody asks for it.
        except Exception as error:  # noqa: BLE001 - heads are read all the same
            matrix.keep_after = time.monotonic() + self._retry_s
            self._tell(pool, error)
        finally:
            del self._running[matrix]

    def _tell(self, pool: Pool, error: Exception) -> None:
        if pool.pool_id in self._told:
            return
        self._told.add(pool.pool_id)
        _log.warning(
            "pools/%s: its mapped clips are not kept, and are mapped anew after a restart: %s",
            *(pool.pool_id, error),
            exc_info=None if isinstance(error, LearnerError) else error,
        )
