import asyncio
import math
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest
from tests.unit.embedding.gated_encoder import GatedEncoder, clip

from aloe.admission.errors import ShuttingDown
from aloe.embedding.batching.batch_queue import Embedded
from aloe.embedding.batching.batcher import Batcher
from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import DeadlineExpired, InvalidAudio
from aloe.embedding.ports.recorder import BatchReport

LIMITS = BatchLimits(sizes=(1, 2, 4), max_sample_count=10_000)


class Bench:
    """A batcher on a gated encoder and a clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0
        self.reports: list[BatchReport] = []
        self.encoder = GatedEncoder()
        self.batcher = Batcher(LIMITS, on_batch=self.reports.append, clock=lambda: self.now)

    def submit(
        self, *values: float, length: int = 10, deadline: float = math.inf
    ) -> list[asyncio.Future[Embedded]]:
        return self.batcher.submit(
            self.encoder, [clip(value, length) for value in values], deadline
        )

    async def hold(self) -> asyncio.Future[Embedded]:
        """Fill the encoder with a batch of its own, so that what follows has to wait."""
        (future,) = self.submit(0.0, length=7)
        await asyncio.to_thread(self.encoder.wait_until_running)
        return future


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.encoder.open(1_000)
    await bench.batcher.close()


async def test_what_comes_while_a_batch_runs_forms_the_next_one(bench: Bench) -> None:
    await bench.hold()
    futures = [future for value in (1, 2, 3, 4) for future in bench.submit(value)]
    bench.encoder.open(2)
    rows = [(await future).embedding.tolist() for future in futures]
    assert rows == [[1, 10], [2, 10], [3, 10], [4, 10]]
    assert bench.encoder.batches == [(1, 7), (4, 10)]


async def test_a_request_larger_than_a_batch_is_split_and_keeps_its_order(bench: Bench) -> None:
    bench.encoder.open(10)
    futures = bench.submit(*range(1, 11))
    rows = [(await future).embedding[0] for future in futures]
    assert rows == list(range(1, 11))
    assert max(size for size, _ in bench.encoder.batches) == 4


async def test_cancelled_clips_are_dropped_before_they_run(bench: Bench) -> None:
    await bench.hold()
    one, two, three = bench.submit(1, 2, 3)
    one.cancel()
    three.cancel()
    bench.encoder.open(2)
    assert (await two).embedding[0] == 2
    assert bench.encoder.first_samples == [[0.0], [2.0]]


async def test_clips_whose_deadline_passed_in_the_queue_never_run(bench: Bench) -> None:
    await bench.hold()
    (late,) = bench.submit(1, deadline=100.5)
    (patient,) = bench.submit(2)
    bench.now = 101.0
    bench.encoder.open(2)
    with pytest.raises(DeadlineExpired):
        await late
    assert (await patient).embedding[0] == 2
    assert [0.0] in bench.encoder.first_samples
    assert [1.0] not in bench.encoder.first_samples


async def test_a_failing_batch_fails_alone(bench: Bench) -> None:
    await bench.hold()
    (bad,) = bench.submit(-1, length=5)
    (good,) = bench.submit(3)
    bench.encoder.open(3)
    with pytest.raises(InvalidAudio, match="negative"):
        await bad
    assert (await good).embedding[0] == 3


async def test_each_batch_is_reported_with_its_size_and_time(bench: Bench) -> None:
    held = await bench.hold()
    futures = bench.submit(1, 2, 3, 4)
    bench.encoder.open(2)
    await asyncio.gather(held, *futures)
    report = bench.reports[-1]
    assert (report.encoder_id, report.clip_count, report.row_count) == ("gated", 4, 4)
    assert (report.sample_count, report.heard_sample_count) == (10, 40)
    assert list(report.queue_s) == [0.0] * 4


async def test_the_clips_that_wait_are_counted_by_encoder(bench: Bench) -> None:
    held = await bench.hold()
    futures = bench.submit(1, 2) + bench.submit(3, length=11)
    assert bench.batcher.queue_depths() == {"gated": 3}
    bench.encoder.open(4)
    await asyncio.gather(held, *futures)
    assert bench.batcher.queue_depths() == {}


async def test_closing_drops_what_waits_and_ends_the_running_batch(bench: Bench) -> None:
    running = await bench.hold()
    (waiting,) = bench.submit(1)
    closing = asyncio.create_task(bench.batcher.close())
    with pytest.raises(ShuttingDown):
        await waiting
    bench.encoder.open()
    await closing
    assert (await running).embedding[0] == 0
    (refused,) = bench.submit(2)
    with pytest.raises(ShuttingDown):
        await refused


class MeetingEncoder(GatedEncoder):
    """Gets no batch done until two run at once."""

    def __init__(self) -> None:
        super().__init__()
        self._meeting = threading.Barrier(2)

    def embed(self, batch: Float32Array) -> Float32Array:
        self._meeting.wait(timeout=30)
        return np.zeros((len(batch), 2), np.float32)


async def test_two_threads_run_two_batches_at_once() -> None:
    reports: list[BatchReport] = []
    batcher = Batcher(LIMITS, on_batch=reports.append, thread_count=2)
    futures = batcher.submit(MeetingEncoder(), [clip(value, 10) for value in (1, 2)], math.inf)
    await asyncio.gather(*futures)
    await batcher.close()
    assert [report.clip_count for report in reports] == [1, 1]


class ForgetfulEncoder(GatedEncoder):
    """Leaves one embedding out."""

    def embed(self, batch: Float32Array) -> Float32Array:
        return np.zeros((len(batch) - 1, 2), np.float32)


async def test_an_encoder_that_leaves_embeddings_out_fails_the_batch() -> None:
    batcher = Batcher(LIMITS, on_batch=lambda _: None)
    futures = batcher.submit(ForgetfulEncoder(), [clip(value, 10) for value in (1, 2)], math.inf)
    found = await asyncio.gather(*futures, return_exceptions=True)
    await batcher.close()
    assert [str(error) for error in found] == ["the encoder gave 1 embeddings for 2 clips"] * 2
