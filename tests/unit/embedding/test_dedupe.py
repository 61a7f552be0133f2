import asyncio
import math
from collections.abc import AsyncIterator, Sequence

import pytest
from tests.unit.embedding.gated_encoder import GatedEncoder, clip

from aloe.embedding.batching.batch_queue import Embedded
from aloe.embedding.batching.batcher import Batcher
from aloe.embedding.batching.dedupe import DedupingBatcher
from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.batching.shared_runs import SharedRuns
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import InvalidAudio
from aloe.embedding.ports.encoder import EncoderInfo
from aloe.embedding.ports.recorder import Lookup, NoRecorder
from aloe.embedding.ports.shared_cache import SharedCache

ENTRY_BYTES = 2 * 4 + 400


class Lookups(NoRecorder):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def looked_up(self, encoder_id: str, lookup: Lookup) -> None:
        self.heard.append(f"{encoder_id} {lookup.value}")


class MemorySharedCache(SharedCache):
    def __init__(self) -> None:
        self.known: dict[bytes, Float32Array] = {}

    async def get(
        self, encoder: EncoderInfo, keys: Sequence[bytes]
    ) -> Sequence[Float32Array | None]:
        await asyncio.sleep(0)
        return [self.known.get(key) for key in keys]

    def put(self, encoder: EncoderInfo, key: bytes, embedding: Float32Array) -> None:
        self.known[key] = embedding

    async def close(self) -> None:
        self.known.clear()


class Bench:
    def __init__(self, max_entry_count: int = 10, *, is_shared: bool = False) -> None:
        self.encoder = GatedEncoder()
        self.inner = Batcher(BatchLimits(sizes=(1, 2, 4)), on_batch=lambda _: None)
        self.lookups = Lookups()
        self.cache = MemorySharedCache()
        shared = SharedRuns(self.inner, self.cache, self.lookups) if is_shared else None
        self.batcher = DedupingBatcher(
            self.inner,
            max_byte_count=max_entry_count * ENTRY_BYTES,
            recorder=self.lookups,
            shared=shared,
        )

    def submit(
        self, *values: float, length: int = 10, deadline: float = math.inf
    ) -> list[asyncio.Future[Embedded]]:
        return self.batcher.submit(
            self.encoder, [clip(value, length) for value in values], deadline
        )

    async def embed(self, value: float) -> list[float]:
        self.encoder.open()
        (future,) = self.submit(value)
        row: list[float] = (await future).embedding.tolist()
        return row

    @property
    def run_count(self) -> int:
        return len(self.encoder.batches)


@pytest.fixture(params=[False, True], ids=["alone", "with a shared cache"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    bench = Bench(max_entry_count=3, is_shared=request.param)
    yield bench
    bench.encoder.open(1_000)
    await bench.inner.close()


async def test_a_known_clip_does_not_run_again(bench: Bench) -> None:
    assert await bench.embed(1) == await bench.embed(1) == [1, 10]
    assert bench.run_count == 1
    assert bench.lookups.heard == ["gated miss", "gated memory"]


async def test_a_clip_that_another_server_embedded_does_not_run() -> None:
    first = Bench(is_shared=True)
    second = Bench(is_shared=True)
    second.cache.known = first.cache.known
    assert await first.embed(1) == await second.embed(1) == [1, 10]
    assert (first.run_count, second.run_count) == (1, 0)
    assert second.lookups.heard == ["gated shared"]
    await first.inner.close()
    await second.inner.close()


async def test_clips_of_other_samples_or_lengths_do_run(bench: Bench) -> None:
    bench.encoder.open(3)
    futures = [*bench.submit(1), *bench.submit(2), *bench.submit(1, length=11)]
    rows = [(await future).embedding.tolist() for future in futures]
    assert rows == [[1, 10], [2, 10], [1, 11]]


async def test_the_least_recently_asked_for_leaves_a_full_cache(bench: Bench) -> None:
    for value in (1, 2, 3, 1, 4):
        await bench.embed(value)
    await bench.embed(1)
    assert bench.lookups.heard[-1] == "gated memory"
    await bench.embed(2)
    assert bench.lookups.heard[-1] != "gated memory"


async def test_a_clip_asked_for_twice_at_once_runs_once(bench: Bench) -> None:
    (first,) = bench.submit(1)
    second, third = bench.submit(1, 1)
    bench.encoder.open()
    rows = [(await future).embedding.tolist() for future in (first, second, third)]
    assert rows == [[1, 10]] * 3
    assert bench.encoder.batches == [(1, 10)]


async def test_one_who_leaves_does_not_take_the_others_clip_along(bench: Bench) -> None:
    (blocker,) = bench.submit(9)
    await asyncio.to_thread(bench.encoder.wait_until_running)
    (first,) = bench.submit(1)
    (second,) = bench.submit(1)
    first.cancel()
    bench.encoder.open(2)
    await blocker
    assert (await second).embedding[0] == 1


async def test_a_clip_that_everybody_left_never_runs(bench: Bench) -> None:
    (blocker,) = bench.submit(9)
    await asyncio.to_thread(bench.encoder.wait_until_running)
    left = [*bench.submit(1), *bench.submit(1)]
    for future in left:
        future.cancel()
    await asyncio.wait(left)
    (other,) = bench.submit(2)
    bench.encoder.open(2)
    await asyncio.gather(blocker, other)
    assert bench.encoder.first_samples == [[9.0], [2.0]]


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered(bench: Bench) -> None:
    futures = [*bench.submit(-1), *bench.submit(-1)]
    bench.encoder.open()
    for future in futures:
        with pytest.raises(InvalidAudio):
            await future
    (again,) = bench.submit(-1)
    bench.encoder.open()
    with pytest.raises(InvalidAudio):
        await again
    assert bench.run_count == 2


async def test_nobody_joins_a_run_that_may_be_given_up_before_its_own_deadline(
    bench: Bench,
) -> None:
    now = asyncio.get_running_loop().time()
    (short,) = bench.submit(1, deadline=now + 50)
    (patient,) = bench.submit(1)
    bench.encoder.open(2)
    await asyncio.gather(short, patient)
    assert sum(size for size, _ in bench.encoder.batches) == 2
