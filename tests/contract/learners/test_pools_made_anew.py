"""A pool that is deleted and made anew, of other vectors, while a search in it goes on."""

import uuid
from collections.abc import AsyncIterator

import pytest
from tests.contract.learners.worlds import DIM, World, world_on

from aloe.learner.domain.errors import PoolNotFound
from aloe.learner.domain.pool import NamedClip, Pool
from aloe.learner.usecases.likeness import Example
from aloe.learner.usecases.searching import Search
from aloe.values.similarities import Similarity


class Remade:
    """The first learner's store, in which a pool is made anew before it is read once more."""

    def __init__(self, world: World, after: int) -> None:
        self._store, self._world, self._left = world.stores[0], world, after
        self.read_pool_before = self._store.read_pool

    async def read_pool(self, pool_id: str) -> Pool:
        if self._left == 0:
            await self._world.stores[1].delete_pool(pool_id)
            await self._world.learners[1].pools.create(
                pool_id, encoder_id="", fingerprint="f", embedding_dim=DIM + 1, keep_audio=False
            )
        self._left -= 1
        return await self.read_pool_before(pool_id)


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with world_on(redis_url, uuid.uuid4().hex) as world:
        await world.learners[0].pools.create(
            world.pool_id, encoder_id="", fingerprint="f", embedding_dim=DIM, keep_audio=False
        )
        await world.add(["a", "b", "c"], [1, 2, 3])
        yield world


@pytest.mark.parametrize("after", [1, 2])
async def test_a_search_in_a_pool_that_is_made_anew_says_so(
    world: World, after: int, monkeypatch: pytest.MonkeyPatch
):
    like = Example(NamedClip(world.pool_id, "a"), Similarity.COSINE)
    searching = world.learners[0].searching
    found = await searching.search(world.pool_id, Search(like, 2))
    assert {each.clip.clip_id for each in found.found} == {"b", "c"}
    monkeypatch.setattr(world.stores[0], "read_pool", Remade(world, after).read_pool)
    with pytest.raises(PoolNotFound, match="made anew"):
        await searching.search(world.pool_id, Search(like, 2))
