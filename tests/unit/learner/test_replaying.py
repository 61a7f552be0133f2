"""What comes out otherwise when a log is done again is found, and named with its place."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pytest

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.events import Event
from aloe.learner.domain.head import Head
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.domain.replay import MOST_TOLD, Replay
from aloe.learner.domain.task import Task
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.labeling import OracleAnswer
from aloe.learner.usecases.learner import Learner
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.replaying import Replaying
from aloe.values.named_recipes import RECIPES
from aloe.values.states import EventKind

CLASSES, DIM, CLIP_COUNT, BATCH = ("even", "odd"), 6, 80, 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Done:
    """A task of four batches and its store."""

    store: MemoryStore

    @property
    def stored(self) -> Any:
        return self.store._tables.tasks["t"]

    async def replay(self) -> Replay:
        replaying = Replaying(self.store, PoolCache(self.store), PoolMaps(self.store))
        found = [each async for each in replaying.replay("t")][-1]
        replaying.close()
        return found

    def change(self, kind: EventKind, number: int, **changes: Any) -> Event:
        """Change the number-th event of a kind; return it."""
        events = self.stored.events
        places = [place for place, each in enumerate(events) if each.kind is kind]
        place = places[number]
        events[place] = replace(events[place], **changes)
        return cast("Event", events[place])


@pytest.fixture
async def done() -> AsyncIterator[Done]:
    store = MemoryStore()
    pool = Pool("p", EncoderInfo("e", "f", DIM), keep_audio=False, epoch="e", create_time=NOW)
    await store.create_pool(pool)
    vectors = np.random.default_rng(4).normal(size=(CLIP_COUNT, DIM)).astype(np.float32)
    clips = [Clip(f"c{n}", f"h{n}") for n in range(CLIP_COUNT)]
    await store.append_clips(pool, clips, vectors)
    recipe = RECIPES["best"]
    task = Task(
        *("t", "p", CLASSES),
        epoch="e",
        create_time=NOW,
        query_strategy=recipe.query_strategy,
        head_recipe=recipe.head_recipe,
        representation=recipe.representation,
    )
    await store.create_task(task)
    nothing: Any = None
    learner = Learner(
        store, nothing, nothing, lambda: NOW, recording_files=nothing, recording_decoder=nothing
    )
    learner.trainer.start()
    version = 0
    for _ in range(4):
        asked = await learner.labeling.query("t", Question("ann", BATCH, version))
        answers = [
            OracleAnswer(each.lease.lease_id, CLASSES[each.lease.pick.row % 2])
            for each in asked.leases
        ]
        outcome = await learner.labeling.submit("t", "ann", answers, "")
        version = outcome.head_version or version
    await learner.trainer.wait_for_head(await learner.trainer._tasks.fresh("t"), version)
    yield Done(store)
    await learner.trainer.stop()
    learner.maps.close()


async def test_a_log_that_nobody_changed_is_done_again(done: Done):
    found = await done.replay()
    assert (found.pick_count, found.head_count) == (4 * BATCH, 4)
    assert (found.differences, found.unknown_count) == ([], 0)
    assert found.event_count == len(done.stored.events)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            lambda e: {"rows": (e.rows[0], *e.rows[:0:-1])},
            "pick 2 of 5 by head 2 is c{row} in the log, c{other} done again",
        ),
        (
            lambda e: {"scores": (*e.scores[:-1], e.scores[-1] - 1e-6)},
            "pick 5 of 5 by head 2, c{last}, has the score",
        ),
        (
            lambda e: {"audits": (True, *[False] * 4)},
            "pick 1 of 5 by head 2, c{first}, has the is_audit True in the log, False done again",
        ),
        (
            lambda e: {"reasons": (e.reasons[0]._replace(nearest_row=79), *e.reasons[1:])},
            "pick 1 of 5 by head 2, c{first}, has the reason",
        ),
        (
            lambda e: {"query_strategy": None},
            "None in the log, ",
        ),
    ],
)
async def test_a_pick_that_differs_is_named(
    done: Done, changed: Callable[[Event], dict[str, Any]], text: str
):
    before = done.change(EventKind.CLIPS_LEASED, 2)
    event = done.change(EventKind.CLIPS_LEASED, 2, **changed(before))
    found = await done.replay()
    first = found.differences[0]
    places = {
        "row": event.rows[1],
        "other": before.rows[1],
        "first": before.rows[0],
        "last": before.rows[-1],
    }
    assert first.event_id == event.event_id
    assert first.text.startswith(text.format(**places))
    assert found.difference_count == len(found.differences)


async def test_a_vector_that_changed_changes_what_follows(done: Done):
    vectors = done.store._tables.pools["p"].vectors
    vectors[done.change(EventKind.CLIPS_LEASED, 0).rows[0]] *= 1.5
    found = await done.replay()
    assert found.difference_count
    assert "pick 1 of 5 before any head" in found.differences[0].text


async def test_a_label_that_the_log_lacks_is_told_by_the_heads(done: Done):
    event = done.change(EventKind.CLIPS_ANSWERED, 1)
    done.change(EventKind.CLIPS_ANSWERED, 1, rows=event.rows[1:], states=event.states[1:])
    done.change(EventKind.CLIPS_ANSWERED, 1, class_indices=event.class_indices[1:])
    done.change(EventKind.CLIPS_ANSWERED, 1, content_hashes=event.content_hashes[1:])
    texts = [each.text for each in (await done.replay()).differences]
    assert "head 2: labels 9 done again, 10 stored" in texts


async def test_heads_that_are_stored_otherwise_are_named(done: Done):
    heads, rounds = done.stored.heads, done.stored.rounds
    heads[4] = replace_weights(heads[4])
    rounds[1] = replace(rounds[1], training_loss=0.5)
    found = await done.replay()
    first, second = (each.text for each in found.differences)
    assert first.startswith("head 1: training loss 0.")
    assert first.endswith("done again, 0.5 stored")
    assert second == "head 4: other weights done again than stored"
    assert found.head_count == 4


def replace_weights(head: Head) -> Head:
    weights = head.weights.copy()
    weights[0, 0] = np.nextafter(weights[0, 0], np.float32(9))
    return Head(head.version, weights, head.biases, head.map_name)


async def test_what_older_servers_logged_is_counted_as_unknown(done: Done):
    event = done.change(EventKind.CLIPS_LEASED, 1, basis=None)
    done.change(EventKind.HEAD_TRAINED, 1, cutoff_event_id="")
    found = await done.replay()
    # A batch by head 1, head 2, and the batch that it picked.
    assert found.unknown_count == BATCH + 1 + BATCH
    assert found.unknown_text.startswith(f"{event.event_id}: an older server logged it")
    assert (found.differences, found.pick_count, found.head_count) == ([], 2 * BATCH, 3)


async def test_a_map_that_is_gone_is_told(done: Done):
    done.store._tables.pools["p"].maps.clear()
    found = await done.replay()
    assert found.unknown_count == 4 * BATCH + 4
    assert "kernel" in found.unknown_text


def test_only_the_first_differences_are_kept():
    event, found = Event("1-0", EventKind.CLIPS_LEASED), Replay()
    for number in range(MOST_TOLD + 5):
        found.differs(event, str(number))
    assert found.difference_count == MOST_TOLD + 5
    assert [each.text for each in found.differences] == [str(n) for n in range(MOST_TOLD)]
