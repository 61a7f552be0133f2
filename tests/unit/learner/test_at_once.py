"""Several pieces of work at once: bounded, and no failure is lost."""

import asyncio

import pytest

from aloe.learner.usecases.at_once import AtOnce


async def test_no_more_than_so_many_run():
    at_once, running, most, done = AtOnce(3), 0, 0, []

    async def work(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001 * (number % 3))
        running -= 1
        done.append(number)

    for number in range(20):
        await at_once.begin(work(number))
    await at_once.finish()
    assert (running, most, sorted(done)) == (0, 3, list(range(20)))


async def test_a_failure_is_raised_by_what_is_awaited_next():
    at_once = AtOnce(2)

    async def fail() -> None:
        raise ValueError("lost")

    async def wait() -> None:
        await asyncio.sleep(60)

    await at_once.begin(fail())
    with pytest.raises(ValueError, match="lost"):
        await at_once.begin(wait())
    at_once.cancel()
    with pytest.raises(asyncio.CancelledError):
        await at_once.finish()
