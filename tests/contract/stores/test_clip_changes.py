"""Clips get other names, are replaced and deleted; their rows and vectors stay as they were."""

import asyncio
import uuid
from dataclasses import dataclass, replace

import numpy as np
import pytest
import redis.asyncio

from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.clip_changes import (
    EXISTING,
    NEW,
    REPLACED,
    ImportRules,
    Placement,
    Placing,
    Removal,
)
from aloe.learner.domain.clip_index import MAX_OTHER_IDS
from aloe.learner.domain.errors import AlreadyExists, ClipNotFound
from aloe.learner.domain.pool import ChangedClip, Clip, Pool
from aloe.learner.ports.store import Store
from aloe.values.duplicates import DuplicateRule

from .conftest import new_clips, new_pool

KEEP, REFUSE = ImportRules(DuplicateRule.KEEP), ImportRules(DuplicateRule.REFUSE)
REPLACE = ImportRules(replace=True)


@dataclass
class PoolScene:
    """A pool of clip-0 to clip-3, whose contents are hash-0 to hash-3."""

    store: Store
    pool: Pool

    async def append(self, *clips: Clip, rules: ImportRules | None = None) -> list[Placement]:
        vectors = np.repeat(np.array([[_number(clip)] for clip in clips], np.float32), 4, axis=1)
        appended = await self.store.append_clips(self.pool, clips, vectors, rules or ImportRules())
        return appended.placements

    async def rows(self, *clip_ids: str) -> list[int | None]:
        found = await self.store.find_clips(self.pool.pool_id, clip_ids)
        return [None if each is None else each.row for each in found]

    async def names(self, row: int) -> tuple[str, ...]:
        (clip,) = await self.store.read_clips(self.pool, row, 1)
        return () if clip.is_retired else (clip.clip_id, *clip.other_ids)

    async def counts(self) -> tuple[int, int]:
        """Clips, and changes."""
        pool = await self.store.read_pool(self.pool.pool_id)
        return pool.clip_count, pool.change_count


def _number(clip: Clip) -> float:
    """The content as a number, of which each embedding is made."""
    return float(clip.content_hash.removeprefix("hash-"))


def a_clip(clip_id: str, number: int, *other_ids: str) -> Clip:
    return Clip(clip_id, f"hash-{number}", other_ids=other_ids)


@pytest.fixture
async def scene(store: Store) -> PoolScene:
    pool = await store.create_pool(new_pool())
    await store.append_clips(pool, *new_clips(4))
    return PoolScene(store, pool)


async def test_the_same_content_under_another_id_is_another_name(scene: PoolScene):
    found = await scene.append(a_clip("again", 1), a_clip("new", 7), a_clip("newer", 7))
    assert found == [
        Placement(Placing.ALIASED, "clip-1"),
        NEW,
        Placement(Placing.ALIASED, "new"),
    ]
    assert await scene.rows("again", "clip-1", "new", "newer") == [1, 1, 4, 4]
    assert await scene.names(1) == ("clip-1", "again")
    assert await scene.names(4) == ("new", "newer")
    assert await scene.counts() == (5, 1)
    assert await scene.append(a_clip("again", 1), a_clip("newer", 7)) == [EXISTING, EXISTING]
    assert await scene.counts() == (5, 1)
    vectors = await scene.store.read_vectors(scene.pool, 0)
    assert vectors[:, 0].tolist() == [0, 1, 2, 3, 7]


async def test_a_duplicate_is_kept_or_refused_where_the_import_says_so(scene: PoolScene):
    assert await scene.append(a_clip("kept", 2), a_clip("kept-2", 2), rules=KEEP) == [NEW, NEW]
    assert await scene.rows("clip-2", "kept", "kept-2") == [2, 4, 5]
    found = await scene.append(a_clip("refused", 2), a_clip("new", 9), rules=REFUSE)
    assert found == [Placement(Placing.DUPLICATE, "clip-2"), NEW]
    assert await scene.rows("refused", "new") == [None, 6]


async def test_of_clips_with_one_content_the_next_stands_for_it_when_the_first_goes(
    scene: PoolScene,
):
    await scene.append(a_clip("kept", 2), a_clip("kept-2", 2), rules=KEEP)
    await scene.store.remove_clips(scene.pool, ["clip-2"])
    assert await scene.append(a_clip("a", 2)) == [Placement(Placing.ALIASED, "kept")]
    # In one append: the first goes, and the next one is needed.
    found = await scene.append(a_clip("kept", 50), a_clip("a", 51), a_clip("b", 2), rules=REPLACE)
    assert found == [REPLACED, REPLACED, Placement(Placing.ALIASED, "kept-2")]
    await scene.store.remove_clips(scene.pool, ["kept-2"])
    assert await scene.append(a_clip("c", 2)) == [NEW]


async def test_other_content_under_a_known_id_is_refused_or_replaces_it(scene: PoolScene):
    changed = a_clip("clip-1", 11)
    assert await scene.append(changed) == [Placement(Placing.ID_TAKEN, "clip-1")]
    assert await scene.counts() == (4, 0)
    assert await scene.append(changed, a_clip("new", 12), rules=REPLACE) == [REPLACED, NEW]
    assert await scene.rows("clip-1", "new") == [4, 5]
    assert await scene.counts() == (5, 1)
    old, new = await scene.store.read_clips(scene.pool, 1, 1), changed
    assert (old[0].clip_id, old[0].content_hash, old[0].is_retired) == ("clip-1", "hash-1", True)
    assert (await scene.store.read_clips(scene.pool, 4, 1))[0] == new
    assert await scene.append(changed, rules=REPLACE) == [EXISTING]
    # The old content is nobody's any more.
    assert await scene.append(a_clip("old-content", 1)) == [NEW]


async def test_a_clip_of_several_names_whose_name_gets_other_content_keeps_the_others(
    scene: PoolScene,
):
    await scene.append(a_clip("twin", 1))
    assert await scene.append(a_clip("clip-1", 11), rules=REPLACE) == [REPLACED]
    assert await scene.names(1) == ("twin",)
    assert await scene.append(a_clip("clip-1", 3), rules=REPLACE) == [
        Placement(Placing.ALIASED, "clip-3")
    ]
    assert await scene.rows("clip-1", "twin", "clip-3") == [3, 1, 3]
    assert await scene.counts() == (4, 4)


async def test_a_clip_comes_with_its_other_ids_or_not_at_all(scene: PoolScene):
    assert await scene.append(a_clip("a", 20, "b", "c")) == [NEW]
    assert await scene.rows("a", "b", "c") == [4, 4, 4]
    assert await scene.append(a_clip("a", 20, "c", "d")) == [EXISTING]
    assert await scene.names(4) == ("a", "b", "c", "d")
    assert await scene.append(a_clip("e", 21, "f", "clip-0")) == [
        Placement(Placing.ID_TAKEN, "clip-0")
    ]
    assert await scene.append(a_clip("a", 20, "clip-0")) == [Placement(Placing.ID_TAKEN, "clip-0")]
    assert await scene.rows("e", "f") == [None, None]


async def test_a_deleted_clip_is_gone_with_all_its_names(scene: PoolScene):
    await scene.append(a_clip("twin", 1), a_clip("other", 2))
    assert await scene.store.remove_clips(scene.pool, ["clip-1", "other"]) == Removal(1, 1, 0)
    assert await scene.rows("clip-1", "twin", "other", "clip-2") == [None, None, None, 2]
    assert await scene.counts() == (3, 4)
    assert await scene.store.remove_clips(scene.pool, ["clip-1", "other"]) == Removal(0, 0, 2)
    assert await scene.counts() == (3, 4)
    vectors = await scene.store.read_vectors(scene.pool, 0)
    assert vectors[:, 0].tolist() == [0, 1, 2, 3]


async def test_clips_are_deleted_all_or_none(scene: PoolScene):
    with pytest.raises(ClipNotFound, match=r"'typo'.*nothing was deleted"):
        await scene.store.remove_clips(scene.pool, ["clip-1", "typo"])
    assert await scene.counts() == (4, 0)
    assert await scene.rows("clip-1") == [1]


async def test_the_id_of_a_deleted_clip_is_free(scene: PoolScene):
    await scene.store.remove_clips(scene.pool, ["clip-0", "clip-1"])
    assert await scene.append(a_clip("clip-0", 0), a_clip("clip-1", 30)) == [NEW, NEW]
    assert await scene.rows("clip-0", "clip-1") == [4, 5]
    assert await scene.store.remove_clips(scene.pool, ["clip-0"]) == Removal(1, 0, 0)


async def test_a_clip_gets_another_id_and_repeating_that_changes_nothing(scene: PoolScene):
    for _ in range(2):
        await scene.store.rename_clip(scene.pool, "clip-1", "better")
        assert await scene.rows("clip-1", "better") == [None, 1]
        assert await scene.names(1) == ("better",)
        assert await scene.counts() == (4, 1)
    await scene.append(a_clip("twin", 1))
    await scene.store.rename_clip(scene.pool, "twin", "other")
    assert await scene.names(1) == ("better", "other")


async def test_a_taken_id_and_an_unknown_one_are_refused(scene: PoolScene):
    with pytest.raises(AlreadyExists, match="clips/clip-2 is there"):
        await scene.store.rename_clip(scene.pool, "clip-1", "clip-2")
    with pytest.raises(ClipNotFound, match="typo"):
        await scene.store.rename_clip(scene.pool, "typo", "clip-2")
    with pytest.raises(ClipNotFound, match="typo"):
        await scene.store.rename_clip(scene.pool, "typo", "new")
    assert await scene.counts() == (4, 0)


async def test_changes_are_told_in_order(scene: PoolScene):
    await scene.append(a_clip("twin", 1))
    await scene.store.rename_clip(scene.pool, "clip-1", "better")
    await scene.append(a_clip("better", 40), rules=REPLACE)
    await scene.store.remove_clips(scene.pool, ["twin", "clip-3"])
    clip = Clip("clip-1", "hash-1", "file:///1.wav")
    last = Clip("clip-3", "hash-3", "file:///3.wav", is_retired=True)
    expected = [
        ChangedClip(1, replace(clip, other_ids=("twin",))),
        ChangedClip(1, replace(clip, clip_id="better", other_ids=("twin",))),
        ChangedClip(1, replace(clip, clip_id="twin")),
        ChangedClip(1, replace(clip, clip_id="twin", is_retired=True)),
        ChangedClip(3, last),
    ]
    assert list(await scene.store.read_changes(scene.pool, 0, 100)) == expected
    assert list(await scene.store.read_changes(scene.pool, 2, 2)) == expected[2:4]
    assert list(await scene.store.read_changes(scene.pool, 5, 2)) == []


async def test_changes_at_once_all_happen(scene: PoolScene):
    append = scene.store.append_clips
    await asyncio.gather(
        *(scene.append(a_clip(f"twin-{n}", n % 4), a_clip(f"n-{n}", 100 + n)) for n in range(12)),
        *(scene.store.rename_clip(scene.pool, f"clip-{n}", f"renamed-{n}") for n in range(4)),
        append(scene.pool, *new_clips(30, first=200)),
    )
    names = [set(await scene.names(row)) for row in range(4)]
    assert names == [{f"renamed-{n}", *(f"twin-{m}" for m in range(n, 12, 4))} for n in range(4)]
    assert (await scene.counts())[0] == 4 + 12 + 30
    vectors = await scene.store.read_vectors(scene.pool, 0)
    clips = await scene.store.read_clips(scene.pool, 0, 100)
    assert [_number(clip) for clip in clips] == vectors[:, 0].tolist()


async def test_many_clips_of_one_content_are_one_clip_with_many_names(scene: PoolScene):
    count = 3_000
    found = await scene.append(*(a_clip(f"silence-{n}", 0) for n in range(count)))
    assert found == [Placement(Placing.ALIASED, "clip-0")] * count
    assert len(await scene.names(0)) == count + 1
    assert await scene.counts() == (4, 1)


async def test_the_contents_of_a_pool_of_an_older_server_are_known(redis_url: str):
    """Its rows were never noted by content; several learners may find that out at once."""
    client = redis.asyncio.Redis.from_url(redis_url)
    stores = [RedisStore.of_url(redis_url) for _ in range(3)]
    pool = await stores[0].create_pool(new_pool(f"old-{uuid.uuid4().hex}"))
    keys = PoolKeys(pool.pool_id)
    clips, vectors = new_clips(2_500)
    clips[7] = replace(clips[7], content_hash="hash-6")
    await stores[0].append_clips(pool, clips, vectors, KEEP)
    await client.delete(keys.contents)
    await client.hdel(keys.meta, "indexed", "last_change", "change_count", "retired_count")
    found = await asyncio.gather(
        *(
            store.append_clips(pool, [a_clip(f"twin-{n}", 6 + 2_000 * n)], vectors[:1])
            for n, store in enumerate(stores[:2])
        ),
        stores[2].append_clips(pool, [a_clip("new", 9_999)], vectors[:1]),
    )
    assert [each.placements for each in found] == [
        [Placement(Placing.ALIASED, "clip-6")],
        [Placement(Placing.ALIASED, "clip-2006")],
        [NEW],
    ]
    assert await client.hget(keys.contents, "hash-6") == b"6 7"
    assert await client.hlen(keys.contents) == 2_500
    for store in stores:
        await store.close()
    await client.aclose()


async def test_a_clip_has_no_more_names_than_can_be_read_at_once(scene: PoolScene):
    names = [f"silence-{n}" for n in range(MAX_OTHER_IDS)]
    await scene.append(a_clip("silence", 50, *names[:-2]))
    found = await scene.append(a_clip(names[-2], 50), a_clip(names[-1], 50), a_clip("more", 50))
    aliased = Placement(Placing.ALIASED, "silence")
    full = Placement(Placing.TOO_MANY_NAMES, "silence")
    assert found == [aliased, aliased, full]
    assert await scene.append(a_clip("silence", 50, "more")) == [full]
    assert await scene.append(a_clip("silence", 50), a_clip(names[3], 50)) == [EXISTING] * 2
    assert await scene.append(a_clip("more", 50), rules=KEEP) == [NEW]
