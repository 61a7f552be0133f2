"""Work on threads: what hangs holds up its own kind alone, and not for ever."""

import asyncio
import contextlib
import gc
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aloe.learner.bulkheads import Bulkhead, Threads
from aloe.learner.domain.errors import Overloaded

LEARNER = Path(__file__).parents[3] / "services" / "aloe" / "learner"
HURRIED = Bulkhead("test", 2, waiting_count=3, time_limit_s=0.05)
PATIENT = Bulkhead("test", 1, waiting_count=3, time_limit_s=30)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hangs until the test, or its end, opens it."""
    opened = threading.Event()
    yield opened
    opened.set()


async def test_work_gives_its_outcome_and_its_errors():
    threads = Threads(PATIENT)
    assert await threads.run(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    threads.close()


async def test_once_all_threads_hang_more_is_refused_at_once_until_one_is_free(gate):
    threads = Threads(HURRIED)
    for _ in range(2):
        with pytest.raises(TimeoutError, match=r"over 0\.05 s"):
            await threads.run(gate.wait)
    with pytest.raises(Overloaded, match="hang") as raised:
        await threads.run(lambda: 3)
    assert raised.value.retry_after_s > 0
    gate.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert await threads.run(lambda: 3) == 3
                break
            except Overloaded:
                await asyncio.sleep(0)
    threads.close()


async def test_what_is_behind_too_much_work_is_refused_at_once(gate):
    threads = Threads(PATIENT)
    begun = [asyncio.create_task(threads.run(gate.wait)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="busy"):
        await threads.run(lambda: 3)
    gate.set()
    assert await asyncio.gather(*begun) == [True] * 4
    threads.close()


async def test_work_that_has_not_begun_is_dropped_with_its_caller(gate):
    threads, done = Threads(PATIENT), threading.Event()
    holder = asyncio.create_task(threads.run(gate.wait))
    dropped = asyncio.create_task(threads.run(done.set))
    await asyncio.sleep(0)
    dropped.cancel()
    await asyncio.wait({dropped})
    gate.set()
    await holder
    await threads.run(lambda: None)
    assert not done.is_set()
    threads.close()


async def test_a_caller_that_goes_leaves_its_thread_to_the_work_that_hangs(gate):
    threads, begun = Threads(PATIENT), threading.Event()

    def hang() -> None:
        begun.set()
        gate.wait()

    caller = asyncio.create_task(threads.run(hang))
    await asyncio.sleep(0)
    begun.wait()
    caller.cancel()
    await asyncio.wait({caller})
    with pytest.raises(Overloaded, match="hang"):
        await threads.run(lambda: 3)
    threads.close()


async def test_what_goes_wrong_after_the_caller_has_gone_is_not_logged(gate):
    threads, begun, told = Threads(PATIENT), threading.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def fail() -> None:
        begun.set()
        gate.wait()
        raise ValueError("nobody waits for this")

    caller = asyncio.create_task(threads.run(fail))
    await asyncio.sleep(0)
    begun.wait()
    caller.cancel()
    await asyncio.wait({caller})
    gate.set()
    while True:  # Until the thread is free.
        with contextlib.suppress(Overloaded):
            assert await threads.run(lambda: 3) == 3
            break
        await asyncio.sleep(0.01)
    del caller
    gc.collect()
    assert told == []
    threads.close()


def test_nothing_uses_the_threads_that_everything_shares():
    found = [
        str(file)
        for file in LEARNER.rglob("*.py")
        if re.search(r"to_thread\(|run_in_executor\(None", file.read_text())
    ]
    assert found == []
