"""What batches are picked on, and some scores are made on: made once for a pool and a map."""

from functools import partial

import numpy as np

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.domain.batches.ground import Ground, reference_rows
from aloe.values.strategies import AcquisitionFunction


async def ground_of(pool: CachedPool, map_name: str) -> Ground:
    """Return what batches are picked on, made anew where the pool's clips became others."""
    known, counts = pool.grounds.get(map_name, (None, None))
    now = pool.row_count, len(pool.retired_rows)
    if known is None or counts != now:
        draw = partial(reference_rows, pool.row_count, list(pool.retired_rows))
        vectors = pool.matrix(map_name)
        rows = await pool.run(draw)
        if known is None or not np.array_equal(known.rows, rows):
            known = await pool.run(partial(Ground.of, rows, vectors))
        pool.grounds[map_name] = known, now
    return known


async def ground_of_scores(
    function: AcquisitionFunction, pool: CachedPool, map_name: str
) -> Ground | None:
    """Return what scores are made on, where the function looks at how dense the pool is."""
    if function is not AcquisitionFunction.INFORMATION_DENSITY:
        return None
    return await ground_of(pool, map_name)
