"""What maps made of vectors is kept in whole pieces, for the rows that it was made of alone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from aloe.learner.domain.errors import PoolNotFound
from aloe.learner.domain.pool import Pool
from aloe.learner.ports.store import Store
from aloe.values.representations import Representation

from .conftest import new_clips, new_pool

NAME, OTHER = "kernel.1.aaaa", "kernel.2.bbbb"
OUT_DIM = 3
SHORT = timedelta(milliseconds=1)


def mapped(first_row: int, count: int) -> np.ndarray:
    rows = np.arange(first_row, first_row + count, dtype=np.float32)
    return np.stack([rows, -rows, rows / 8], axis=1)


@pytest.fixture
async def pool(store: Store) -> Pool:
    """Two whole pieces and 90 clips more."""
    made = await store.create_pool(new_pool())
    await store.append_clips(made, *new_clips(600))
    return await store.read_pool(made.pool_id)


async def read(
    store: Store, pool: Pool, first_row: int = 0, count: int = 600, name: str = NAME
) -> tuple[np.ndarray, list[range]]:
    """Read rows, all of them NaN before."""
    out = np.full((count, OUT_DIM), np.nan, np.float32)
    return out, await store.read_mapped(pool, name, first_row, out)


async def test_whole_pieces_come_back_and_what_is_missing_is_told(store: Store, pool: Pool):
    assert (await read(store, pool))[1] == [range(600)]
    await store.keep_mapped(pool, NAME, 0, mapped(0, 600))
    out, missing = await read(store, pool)
    assert missing == [range(510, 600)]
    assert np.array_equal(out[:510], mapped(0, 510))
    assert np.isnan(out[510:]).all()


@pytest.mark.parametrize(
    ("first_row", "count", "missing"),
    [(0, 100, []), (200, 100, []), (250, 350, [range(260, 350)]), (510, 90, [range(90)])],
)
async def test_any_part_can_be_read(
    store: Store, pool: Pool, first_row: int, count: int, missing: list[range]
):
    await store.keep_mapped(pool, NAME, 0, mapped(0, 600))
    out, told = await read(store, pool, first_row, count)
    assert told == missing
    filled = count - sum(map(len, missing))
    assert np.array_equal(out[:filled], mapped(first_row, filled))


async def test_pieces_are_kept_one_by_one_and_for_each_map_by_itself(store: Store, pool: Pool):
    # Rows of a part of a piece are left out.
    await store.keep_mapped(pool, NAME, 100, mapped(100, 450))
    out, missing = await read(store, pool)
    assert missing == [range(255), range(510, 600)]
    assert np.array_equal(out[255:510], mapped(255, 255))
    assert (await read(store, pool, name=OTHER))[1] == [range(600)]
    await store.keep_mapped(pool, NAME, 0, mapped(0, 600))
    assert (await read(store, pool))[1] == [range(510, 600)]


async def test_a_piece_that_becomes_whole_is_kept_then(store: Store, pool: Pool):
    await store.keep_mapped(pool, NAME, 0, mapped(0, 600))
    await store.append_clips(pool, *new_clips(200, first=600))
    grown = await store.read_pool(pool.pool_id)
    assert (await read(store, grown, 0, 800))[1] == [range(510, 800)]
    await store.keep_mapped(grown, NAME, 510, mapped(510, 290))
    out, missing = await read(store, grown, 0, 800)
    assert missing == [range(765, 800)]
    assert np.array_equal(out[:765], mapped(0, 765))


async def test_a_pool_made_anew_has_nothing_of_its_namesake(store: Store, pool: Pool):
    await store.keep_mapped(pool, NAME, 0, mapped(0, 600))
    await store.delete_pool(pool.pool_id)
    anew = await store.create_pool(replace(pool, epoch="another", mark=""))
    await store.append_clips(anew, *new_clips(600))
    assert (await read(store, anew))[1] == [range(600)]
    for call in (
        store.keep_mapped(pool, NAME, 0, mapped(0, 600)),
        read(store, pool),
        store.begin_fit(pool, Representation.KERNEL, "ann", SHORT),
    ):
        with pytest.raises(PoolNotFound):
            await call


async def test_one_fits_at_a_time_each_kind_by_itself(store: Store, pool: Pool):
    minute, kernel = timedelta(minutes=1), Representation.KERNEL
    assert await store.begin_fit(pool, kernel, "ann", minute)
    assert await store.begin_fit(pool, kernel, "ann", minute)
    assert not await store.begin_fit(pool, kernel, "bob", minute)
    assert await store.begin_fit(pool, Representation.LINEAR, "bob", minute)
    await store.end_fit(pool, kernel, "bob")  # It is not his.
    assert not await store.begin_fit(pool, kernel, "bob", minute)
    await store.end_fit(pool, kernel, "ann")
    assert await store.begin_fit(pool, kernel, "bob", minute)


async def test_the_right_of_one_who_died_runs_out(store: Store, pool: Pool):
    assert await store.begin_fit(pool, Representation.KERNEL, "ann", SHORT)
    async with asyncio.timeout(5):
        while not await store.begin_fit(pool, Representation.KERNEL, "bob", SHORT):
            pass
    await store.delete_pool(pool.pool_id)
    await store.end_fit(pool, Representation.KERNEL, "bob")
