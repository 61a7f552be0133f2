import asyncio
from collections.abc import Awaitable, Callable

import pytest

from aloe.admission.errors import Overloaded
from aloe.admission.gate import Gate, Place, not_working


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Calls:
    """Calls through a gate; each works until it is told to end."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.began: list[str] = []
        self.places: dict[str, Place] = {}

    async def call(self, caller: str, number: int, deadline_s: float | None = None) -> None:
        place = self.gate.enter_now() or await self.gate.enter(caller, deadline_s)
        name = f"{caller}{number}"
        self.began.append(name)
        self.places[name] = place

    def start(self, caller: str, number: int) -> asyncio.Task[None]:
        return asyncio.create_task(self.call(caller, number))


async def test_so_many_work_at_a_time_and_the_others_in_turn() -> None:
    calls = Calls(Gate("calls", 2))
    tasks = [calls.start("a", number) for number in range(4)]
    await settled()
    assert calls.began == ["a0", "a1"]
    calls.places["a1"].leave()
    calls.places["a1"].leave()  # A place is given back once.
    await settled()
    assert calls.began == ["a0", "a1", "a2"]
    calls.places["a0"].leave()
    await asyncio.gather(*tasks)
    assert calls.began == ["a0", "a1", "a2", "a3"]


async def test_callers_take_turns_however_many_calls_one_has() -> None:
    calls = Calls(Gate("calls", 1))
    tasks = [calls.start("a", number) for number in range(4)]
    await settled()
    tasks += [calls.start("b", number) for number in range(2)]
    tasks += [calls.start("c", 0)]
    await settled()
    for _ in range(7):
        calls.places[calls.began[-1]].leave()
        await settled()
    assert calls.began == ["a0", "a1", "b0", "c0", "a2", "b1", "a3"]


async def test_what_works_and_what_waits_can_be_read() -> None:
    gate = Gate("calls", 2)
    calls = Calls(gate)
    tasks = [calls.start("a", number) for number in range(5)]
    await settled()
    assert (gate.working_count, gate.waiting_count) == (2, 3)
    calls.places["a0"].leave()
    again = asyncio.create_task(calls.places["a0"].take_again())
    await settled()
    assert (gate.working_count, gate.waiting_count) == (2, 3)
    for name in ("a1", "a0", "a2", "a3", "a4"):
        calls.places[name].leave()
        await settled()
    await asyncio.gather(again, *tasks)
    assert (gate.working_count, gate.waiting_count) == (0, 0)


async def test_what_would_wait_too_long_is_refused_at_once_with_a_time_to_come_again() -> None:
    gate = Gate("calls", 1, max_wait_s=0.5)
    gate._s_per_call = 0.2
    calls = Calls(gate)
    tasks = [calls.start("a", number) for number in range(4)]
    await settled()
    with pytest.raises(Overloaded, match=r"all the calls.*try again in 0\.60 s") as caught:
        await tasks[3]
    assert caught.value.retry_after_s == pytest.approx(0.6)
    assert not any(task.done() for task in tasks[1:3])


async def test_what_its_caller_would_not_wait_for_is_refused_at_once() -> None:
    gate = Gate("calls", 1)
    gate._s_per_call = 0.2
    calls = Calls(gate)
    await calls.call("a", 0)
    with pytest.raises(Overloaded):
        await calls.call("a", 1, deadline_s=0.1)


async def test_of_a_caller_with_many_calls_the_newest_gives_way_to_another_caller() -> None:
    gate = Gate("calls", 1, max_wait_s=0.5)
    gate._s_per_call = 0.2
    calls = Calls(gate)
    greedy = [calls.start("a", number) for number in range(3)]
    await settled()
    modest = calls.start("b", 0)
    with pytest.raises(Overloaded):
        await greedy[2]
    calls.places["a0"].leave()
    await settled()
    calls.places["a1"].leave()
    await modest
    assert calls.began == ["a0", "a1", "b0"]


async def test_a_call_that_is_cancelled_while_it_waits_takes_no_place() -> None:
    calls = Calls(Gate("calls", 1))
    first, second, third = (calls.start("a", number) for number in range(3))
    await settled()
    second.cancel()
    await settled()
    calls.places["a0"].leave()
    await asyncio.gather(first, third)
    assert calls.began == ["a0", "a2"]


async def test_a_call_that_is_cancelled_as_it_gets_its_turn_passes_it_on() -> None:
    calls = Calls(Gate("calls", 1))
    first, second, third = (calls.start("a", number) for number in range(3))
    await settled()
    calls.places["a0"].leave()
    second.cancel()
    await asyncio.gather(first, third)
    assert calls.began == ["a0", "a2"]


async def through(gate: Gate, work: Callable[[], Awaitable[object]]) -> None:
    place = gate.enter_now() or await gate.enter("a")
    try:
        await work()
    finally:
        place.leave()


async def test_a_call_that_only_waits_leaves_its_place_and_comes_back_first() -> None:
    gate, head, order = Gate("calls", 1), asyncio.Event(), []

    async def waits() -> None:
        async with not_working():
            await head.wait()
            order.append("head")
        order.append("back")

    async def works() -> None:
        order.append("works")
        head.set()
        await settled()

    async def comes_later() -> None:
        order.append("later")

    tasks = [asyncio.create_task(through(gate, work)) for work in (waits, works, comes_later)]
    await asyncio.gather(*tasks)
    assert order == ["works", "head", "back", "later"]
    assert gate.enter_now() is not None


async def test_a_call_that_is_cancelled_while_it_only_waits_holds_no_place() -> None:
    gate = Gate("calls", 1)

    async def waits() -> None:
        async with not_working():
            await asyncio.Event().wait()

    task = asyncio.create_task(through(gate, waits))
    await settled()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gate.enter_now() is not None
    assert gate.enter_now() is None


async def test_what_has_waited_too_long_is_refused_though_nothing_moves() -> None:
    calls = Calls(Gate("calls", 1, max_wait_s=0.05))
    tasks = [calls.start("a", number) for number in range(3)]
    done, _ = await asyncio.wait(tasks, timeout=1, return_when=asyncio.ALL_COMPLETED)
    assert done == set(tasks)
    assert [type(task.exception()) for task in tasks] == [type(None), Overloaded, Overloaded]
    calls.places["a0"].leave()
    assert calls.gate.enter_now() is not None
