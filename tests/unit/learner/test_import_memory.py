"""What imports hold is bounded: messages wait for room, streams that send nothing give way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.errors import Overloaded, StreamIdle
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.usecases.import_memory import ImportLimits, ImportMemory
from aloe.learner.usecases.import_run import Batch, EmbeddedClips
from aloe.learner.usecases.importing import Importer
from aloe.learner.usecases.retiring import Retiring

LIMITS = ImportLimits(
    memory_bytes=100,
    idle_s=60,
    message_bytes=10,
    slow_s=0.05,
    slow_bytes=60,
    gives_way_s=0.1,
    beside_count=1,
)
DIM = 4
POOL = Pool("p", EncoderInfo("e", "f", DIM), False, "pe", datetime(2026, 1, 1, tzinfo=UTC))


async def silence(*first: Batch) -> AsyncIterator[Batch]:
    """A stream that sends something and then nothing."""
    for each in first:
        yield each
    await asyncio.Event().wait()


async def of(*items: int) -> AsyncIterator[int]:
    for each in items:
        yield each


def batch(first: int, count: int) -> EmbeddedClips:
    clips = [Clip(f"c{number}", f"h{number}") for number in range(first, first + count)]
    return EmbeddedClips(clips, np.ones((count, DIM), np.float32))


class Scene:
    """An importer on a store in memory, with one pool."""

    def __init__(self, limits: ImportLimits) -> None:
        self.store = MemoryStore()
        retiring = Retiring(self.store, PoolCache(self.store), lambda _: None)
        audio = AudioFiles("nowhere", self.store.identity)
        encoder: object = None  # Embeddings need none.
        self.importer = Importer(self.store, encoder, audio, retiring, limits)  # type: ignore[arg-type]

    async def clip_count(self) -> int:
        return (await self.store.read_pool("p")).clip_count


@pytest.fixture
async def scene() -> Scene:
    made = Scene(replace(LIMITS, memory_bytes=10_000, idle_s=0.2))
    await made.store.create_pool(POOL)
    return made


async def test_messages_come_in_order_and_leave_nothing_held():
    memory = ImportMemory(LIMITS)
    assert [each async for each in memory.messages(of(1, 2, 3))] == [1, 2, 3]
    assert memory.used_bytes == 0


async def test_a_message_waits_until_there_is_room():
    memory = ImportMemory(LIMITS)
    memory.hold(100)  # of the same caller
    waiting: asyncio.Future[int] = asyncio.ensure_future(anext(memory.messages(of(1))))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    memory.hold(-100)
    assert await asyncio.wait_for(waiting, 10) == 1


async def test_an_import_that_ends_holds_nothing():
    memory = ImportMemory(LIMITS)
    with memory.share() as share:
        share.grow(80)
        share.shrink(30)
        assert memory.used_bytes == 50
    assert memory.used_bytes == 0


async def test_a_stream_that_sends_nothing_ends():
    memory = ImportMemory(replace(LIMITS, idle_s=0.15))
    with pytest.raises(StreamIdle, match=r"0\.15 s; what had come whole is stored"):
        await anext(memory.messages(silence()))
    assert memory.used_bytes == 0


async def test_room_goes_to_the_caller_who_holds_least_and_then_in_turn():
    memory, order = ImportMemory(LIMITS), []

    async def take(caller: str, number: int) -> None:
        await anext(memory.messages(of(number), caller))
        order.append(f"{caller}{number}")
        memory.hold(10, caller)

    memory.hold(60, "a")
    memory.hold(40, "b")
    names = ("a0", "b0", "b1", "a1")
    tasks = [asyncio.create_task(take(name[0], int(name[1]))) for name in names]
    await asyncio.sleep(0.02)
    assert order == []
    for _ in range(12):
        memory.hold(-10, "a" if memory._held["a"] else "b")
        await asyncio.sleep(0.01)
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert order == ["b0", "b1", "a0", "a1"]


async def test_stalled_streams_of_others_do_not_hold_up_an_import_that_sends():
    memory = ImportMemory(replace(LIMITS, gives_way_s=60))
    stalled = [
        asyncio.ensure_future(anext(memory.messages(silence(), f"greedy {number % 2}")))
        for number in range(200)
    ]
    await asyncio.sleep(0.15)
    async with asyncio.timeout(5):
        for number in range(50):
            assert await anext(memory.messages(of(number), "modest")) == number
            memory.hold(9 if number == 0 else 0, "modest")  # It is not stored yet.
    assert not any(each.done() for each in stalled)
    for each in stalled:
        each.cancel()
    await asyncio.wait(stalled)
    assert (memory.used_bytes, memory._held, memory._beside_count) == (9, {"modest": 9}, 0)


async def test_stalled_streams_give_way_where_others_wait_first_of_the_caller_with_most():
    memory = ImportMemory(LIMITS)
    modest = asyncio.ensure_future(anext(memory.messages(silence(), "modest")))
    await asyncio.sleep(0.01)
    greedy = [asyncio.ensure_future(anext(memory.messages(silence(), "greedy"))) for _ in range(3)]
    await asyncio.sleep(0.2)
    memory.hold(10, "busy")  # It has no room beside.
    waiting: asyncio.Future[int] = asyncio.ensure_future(anext(memory.messages(of(1), "busy")))
    assert await asyncio.wait_for(waiting, 10) == 1
    assert not modest.done()
    assert [type(each.exception()) for each in greedy if each.done()] == [Overloaded] * 3
    modest.cancel()
    await asyncio.wait([modest, *greedy])
    memory.hold(-10, "busy")
    assert memory.used_bytes == 0


async def test_where_room_is_needed_the_oldest_silent_stream_gives_way_and_no_more_than_that():
    memory = ImportMemory(LIMITS)
    silent: list[asyncio.Future[Batch]] = []
    for _ in range(2):  # which take 120 of 100 bytes once they are slow
        silent.append(asyncio.ensure_future(anext(memory.messages(silence()))))
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.08)
    another: asyncio.Future[int] = asyncio.ensure_future(anext(memory.messages(of(1))))
    with pytest.raises(Overloaded, match="other imports need the memory") as raised:
        await asyncio.wait_for(silent[0], 10)
    assert raised.value.retry_after_s > 0
    assert await asyncio.wait_for(another, 10) == 1
    await asyncio.sleep(0.15)
    assert not silent[1].done()
    silent[1].cancel()
    await asyncio.wait(silent)
    assert memory.used_bytes == 0


async def test_what_has_come_is_stored_while_nothing_comes(scene: Scene):
    importing = asyncio.create_task(scene.importer.import_clips("p", "", silence(batch(0, 3))))
    async with asyncio.timeout(10):
        while await scene.clip_count() < 3:  # noqa: ASYNC110 - of the store
            await asyncio.sleep(0.01)
    assert not importing.done()
    assert scene.importer._memory.used_bytes == 0
    importing.cancel()
    await asyncio.wait([importing])


async def test_what_had_come_is_stored_where_the_stream_is_ended(scene: Scene):
    messages = scene.importer.messages(silence(batch(0, 3), batch(3, 2)))
    with pytest.raises(StreamIdle):
        await scene.importer.import_clips("p", "", messages)
    assert await scene.clip_count() == 5
    assert scene.importer._memory.used_bytes == 0
