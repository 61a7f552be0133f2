"""What is known of clips: given at import, added to by a later one, changed and taken away."""

from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.domain.clip_changes import EXISTING, ClipUpdate, Placement, Placing
from aloe.learner.domain.errors import ClipNotFound, InvalidInput
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports.store import Store

from .conftest import DIM, new_clips, new_pool

MADE = datetime(2026, 5, 4, 13, 30, 0, 250, tzinfo=UTC)
LONG = "x" * 1_024


async def append(store: Store, pool: Pool, *clips: Clip) -> list[Placement]:
    return (
        await store.append_clips(pool, clips, np.ones((len(clips), DIM), np.float32))
    ).placements


async def attributes(store: Store, pool: Pool) -> list[dict[str, object]]:
    return [dict(clip.attributes) for clip in await store.read_clips(pool, 0, 10)]


@pytest.fixture
async def pool(store: Store) -> Pool:
    """Clips a (content 1) and b (content 2)."""
    pool = await store.create_pool(new_pool())
    first = Clip("a", "1", attributes={"site": "north", "snr": 3.5, "made": MADE})
    await append(store, pool, first, Clip("b", "2"))
    return pool


async def test_they_are_kept_and_follow_a_clip_to_its_new_name(store: Store, pool: Pool):
    known = {"site": "north", "snr": 3.5, "made": MADE}
    assert await attributes(store, pool) == [known, {}]
    await store.rename_clip(pool, "a", "c")
    assert await attributes(store, pool) == [known, {}]


async def test_a_later_import_adds_to_them(store: Store, pool: Pool):
    again = Clip("a", "1", attributes={"site": "south", "note": "wind"})
    assert await append(store, pool, again, Clip("b", "2")) == [
        Placement(Placing.EXISTING, "", is_updated=True),
        EXISTING,
    ]
    known = {"site": "south", "snr": 3.5, "made": MADE, "note": "wind"}
    assert await attributes(store, pool) == [known, {}]
    before = await store.read_pool(pool.pool_id)
    assert await append(store, pool, again) == [EXISTING], "nothing is left to add"
    assert await store.read_pool(pool.pool_id) == before


async def test_another_name_adds_only_what_the_clip_has_not(store: Store, pool: Pool):
    copy = Clip("copy", "1", attributes={"site": "south", "note": "wind"})
    assert await append(store, pool, copy) == [Placement(Placing.ALIASED, "a", is_updated=True)]
    known = {"site": "north", "snr": 3.5, "made": MADE, "note": "wind"}
    assert await attributes(store, pool) == [known, {}]
    assert await append(store, pool, copy) == [EXISTING]


async def test_a_clip_that_would_have_too_many_stays_as_it_is(store: Store, pool: Pool):
    many = {f"a{n}": LONG for n in range(3)}
    assert await append(store, pool, Clip("b", "2", attributes=many)) == [
        Placement(Placing.EXISTING, "", is_updated=True)
    ]
    for clip_id in ("b", "copy"):
        found = await append(store, pool, Clip(clip_id, "2", attributes={"more": LONG}))
        assert found == [Placement(Placing.TOO_MANY_ATTRIBUTES, "b")]
    assert (await attributes(store, pool))[1] == many
    assert await store.find_clips(pool.pool_id, ["copy"]) == [None]


async def test_they_are_set_and_taken_away(store: Store, pool: Pool):
    updates = [
        ClipUpdate("a", {"snr": -1.0}, ["made", "unknown"]),
        ClipUpdate("b", {"site": "south"}),
        ClipUpdate("b", {"snr": 2.0}, ["site"]),
    ]
    assert await store.update_clips(pool, updates) == 2
    assert await attributes(store, pool) == [{"site": "north", "snr": -1.0}, {"snr": 2.0}]
    assert await store.update_clips(pool, updates[:1]) == 0, "a repetition changes nothing"
    (change, _) = await store.read_changes(await store.read_pool(pool.pool_id), 0, 10)
    assert (change.row, dict(change.clip.attributes)) == (0, {"site": "north", "snr": -1.0})


@pytest.mark.parametrize(
    ("bad", "kind", "problem"),
    [
        (ClipUpdate("gone", {"site": "x"}), ClipNotFound, "'gone'; nothing was changed"),
        (
            ClipUpdate("a", {f"a{n}": LONG for n in range(4)}),
            InvalidInput,
            r"updates\[1\].attributes: names and values of",
        ),
    ],
)
async def test_all_are_changed_or_none(store: Store, pool: Pool, bad, kind, problem):
    before = await attributes(store, pool)
    with pytest.raises(kind, match=problem):
        await store.update_clips(pool, [ClipUpdate("b", {"site": "x"}), bad])
    assert await attributes(store, pool) == before


async def test_many_clips_at_once_keep_theirs(store: Store):
    pool = await store.create_pool(new_pool())
    clips, vectors = new_clips(600)
    given = [
        Clip(each.clip_id, each.content_hash, attributes={"n": float(row)} if row % 3 else {})
        for row, each in enumerate(clips)
    ]
    await store.append_clips(pool, given, vectors)
    assert list(await store.read_clips(pool, 0, 600)) == given
