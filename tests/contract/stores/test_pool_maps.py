"""Maps of pools are kept under their names until the pool goes."""

from dataclasses import replace

import numpy as np
import pytest

from aloe.learner.domain.errors import PoolNotFound, StoreDamaged
from aloe.learner.domain.representations.fitting import fit
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.ports.store import Store
from aloe.values.representations import Representation

from .conftest import DIM, Scene, new_pool


def map_of(kind: Representation, version: int = 1) -> PoolMap:
    vectors = np.random.default_rng(version).normal(size=(9, DIM)).astype(np.float32)
    return fit(kind, vectors, 0, version=version)


MAPS = [
    map_of(Representation.LINEAR),
    map_of(Representation.KERNEL),
    map_of(Representation.LINEAR, 2),
]


async def test_maps_come_back_bit_for_bit_by_their_names(store: Store, scene: Scene):
    assert await store.list_map_names(scene.pool) == []
    for each in MAPS:
        await store.add_map(scene.pool, each)
        await store.add_map(scene.pool, each)
    assert sorted(await store.list_map_names(scene.pool)) == sorted(each.name for each in MAPS)
    for each in MAPS:
        found = await store.read_map(scene.pool.pool_id, each.name)
        assert (found.name, found.to_bytes()) == (each.name, each.to_bytes())


async def test_a_map_that_was_never_added_is_damage_and_names_it(store: Store, scene: Scene):
    with pytest.raises(StoreDamaged, match=MAPS[0].name):
        await store.read_map(scene.pool.pool_id, MAPS[0].name)
    with pytest.raises(PoolNotFound):
        await store.read_map("nowhere", MAPS[0].name)


async def test_a_pool_made_anew_has_no_maps_of_its_namesake(store: Store):
    pool = await store.create_pool(new_pool())
    await store.add_map(pool, MAPS[0])
    await store.delete_pool(pool.pool_id)
    anew = await store.create_pool(replace(pool, epoch="another", mark=""))
    assert await store.list_map_names(anew) == []
    for call in (store.list_map_names(pool), store.add_map(pool, MAPS[0])):
        with pytest.raises(PoolNotFound):
            await call
