import asyncio

import pytest

from aloe.embedding.batching.admission import Admission
from aloe.embedding.domain.errors import InvalidRequest, Overloaded, ShuttingDown


@pytest.fixture
def admission() -> Admission:
    return Admission(max_clip_count=10, max_byte_count=1_000)


def test_room_is_taken_while_the_request_lasts(admission: Admission) -> None:
    with admission.enter(4, 100):
        assert admission.clip_count == 4
    assert admission.clip_count == 0


def test_a_full_service_refuses_clips(admission: Admission) -> None:
    with admission.enter(8, 0), pytest.raises(Overloaded, match="8 clips are in work"):
        admission.enter(3, 0).__enter__()
    assert admission.clip_count == 0


def test_a_full_service_refuses_bytes_as_clips_grow(admission: Admission) -> None:
    with admission.enter(1, 600), admission.enter(1, 300) as second:
        with pytest.raises(Overloaded, match="900 bytes are in work"):
            admission.grow(second, 200)
        admission.grow(second, 100)


@pytest.mark.parametrize(("clip_count", "byte_count"), [(11, 0), (1, 1_001)])
def test_a_request_that_could_never_fit_is_told_to_split(
    admission: Admission, clip_count: int, byte_count: int
) -> None:
    with pytest.raises(InvalidRequest, match="send several calls"):
        admission.enter(clip_count, byte_count).__enter__()
    assert admission.clip_count == 0


def test_retry_delay_follows_the_measured_time_per_clip(admission: Admission) -> None:
    for _ in range(200):
        admission.record(clip_count=4, duration_s=2.0)
    with admission.enter(10, 0), pytest.raises(Overloaded) as caught:
        admission.enter(1, 0).__enter__()
    assert caught.value.retry_after_s == pytest.approx(5.0, rel=0.01)


async def test_bulk_waits_until_half_of_the_room_is_free(admission: Admission) -> None:
    with admission.enter(8, 0):
        bulk = asyncio.create_task(admission.enter_bulk(3, 50))
        await asyncio.wait([bulk], timeout=0.01)
        assert not bulk.done()
    hold = await bulk
    assert admission.clip_count == 3
    admission.release(hold)
    assert admission.clip_count == 0


async def test_a_closed_service_takes_no_more_of_a_stream(admission: Admission) -> None:
    with admission.enter(8, 0):
        waiting = asyncio.create_task(admission.enter_bulk(1, 0))
        await asyncio.wait([waiting], timeout=0.01)
        admission.close()
        with pytest.raises(ShuttingDown):
            await waiting
