import asyncio

import pytest

from aloe.admission.budget import Bound, Budget
from aloe.admission.errors import Overloaded, ShuttingDown, TooMuch


@pytest.fixture
def budget() -> Budget:
    return Budget({"clips": Bound(10), "bytes": Bound(1_000)}, unit_s={"clips": 0.01})


def test_room_is_taken_while_the_work_lasts(budget: Budget) -> None:
    with budget.enter(clips=4, bytes=100):
        assert budget.used("clips") == 4
    assert (budget.used("clips"), budget.used("bytes")) == (0, 0)


def test_a_full_budget_refuses(budget: Budget) -> None:
    with budget.enter(clips=8), pytest.raises(Overloaded, match="8 clips are in work"):
        budget.enter(clips=3).__enter__()
    assert budget.used("clips") == 0


def test_what_is_refused_for_one_resource_takes_nothing_of_the_others(budget: Budget) -> None:
    with budget.enter(bytes=900), pytest.raises(Overloaded, match="900 bytes are in work"):
        budget.enter(clips=1, bytes=200).__enter__()
    assert budget.used("clips") == 0


def test_a_full_budget_refuses_as_work_grows(budget: Budget) -> None:
    with budget.enter(clips=1, bytes=600), budget.enter(clips=1, bytes=300) as second:
        with pytest.raises(Overloaded, match="900 bytes are in work"):
            budget.grow(second, bytes=200)
        budget.grow(second, bytes=100)


@pytest.mark.parametrize(("clip_count", "byte_count"), [(11, 0), (1, 1_001)])
def test_what_could_never_fit_is_told_to_split(
    budget: Budget, clip_count: int, byte_count: int
) -> None:
    with pytest.raises(TooMuch, match="send several calls"):
        budget.enter(clips=clip_count, bytes=byte_count).__enter__()
    assert budget.used("clips") == 0


def test_retry_delay_follows_the_measured_time_per_clip(budget: Budget) -> None:
    for _ in range(200):
        budget.record("clips", unit_count=4, duration_s=2.0)
    with budget.enter(clips=10), pytest.raises(Overloaded) as caught:
        budget.enter(clips=1).__enter__()
    assert caught.value.retry_after_s == pytest.approx(5.0, rel=0.01)


async def test_bulk_waits_until_half_of_the_room_is_free(budget: Budget) -> None:
    with budget.enter(clips=8):
        bulk = asyncio.create_task(budget.enter_bulk(clips=3, bytes=50))
        await asyncio.wait([bulk], timeout=0.01)
        assert not bulk.done()
    hold = await bulk
    assert budget.used("clips") == 3
    budget.release(hold)
    assert budget.used("clips") == 0


async def test_a_closed_budget_takes_no_more_of_a_stream(budget: Budget) -> None:
    with budget.enter(clips=8):
        waiting = asyncio.create_task(budget.enter_bulk(clips=1))
        await asyncio.wait([waiting], timeout=0.01)
        budget.close()
        with pytest.raises(ShuttingDown):
            await waiting


async def test_what_is_given_back_early_is_there_for_others() -> None:
    budget = Budget({"bytes": Bound(1_000)}, unit_s={"bytes": 0.01})
    with budget.enter(bytes=900) as hold:
        bulk = asyncio.create_task(budget.enter_bulk(bytes=50))
        await asyncio.wait([bulk], timeout=0.01)
        budget.give_back(hold, bytes=600)
        budget.release(await bulk)
        assert budget.used("bytes") == 300
    assert budget.used("bytes") == 0


def test_retry_delay_is_that_of_the_slowest_resource() -> None:
    bounds = {"clips": Bound(10), "samples": Bound(1_000)}
    budget = Budget(bounds, unit_s={"clips": 0.01, "samples": 0.01})
    with budget.enter(clips=1, samples=800), pytest.raises(Overloaded) as caught:
        budget.enter(clips=10).__enter__()
    assert caught.value.retry_after_s == pytest.approx(8.0)
