"""The cache that servers share, in a real Redis that is killed, stopped and started."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from tests.needing_redis import needing_redis
from tests.rpc.embedding.serving import matrix, request, serve
from tests.unit.embedding.gated_encoder import GatedEncoder, clip
from tests.unit.embedding.recordings import pcm

from aloe.embedding.adapters.redis_cache import RedisCache
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.domain.length_policy import Exact
from aloe.embedding.ports.encoder import EncoderInfo
from aloe.embedding.usecases.service import ServiceLimits
from aloe.local.child import Child
from aloe.local.redis_server import redis_child

TTL_S = 1000
INFO = EncoderInfo("gated", "f" * 32, 2, 16_000, Exact(), 60.0)
# Nothing in memory: what is known comes from Redis.
LIMITS = ServiceLimits(cache_byte_count=0)


class OwnRedis:
    """A Redis that a test may do anything to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder / 'redis.sock'}"
        self._child: Child | None = None

    def start(self) -> None:
        folder = self._folder
        self._child = redis_child(folder / "data", folder / "redis.sock", folder / "redis.log")
        self._child.start(timeout_s=30)

    def send(self, number: int) -> None:
        assert self._child
        assert self._child.pid
        os.kill(self._child.pid, number)

    def stop(self) -> None:
        if self._child:
            self._child.stop()


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(prefix="aloe-test-") as name:
        own = OwnRedis(Path(name))
        with needing_redis():
            own.start()
        yield own
        own.stop()


@asynccontextmanager
async def server(url: str) -> AsyncIterator[tuple[Any, GatedEncoder, RedisCache]]:
    encoder = GatedEncoder(is_open=True)
    cache = RedisCache(url, ttl_s=TTL_S, retry_s=0.01)
    async with serve(encoder, limits=LIMITS, shared_cache=cache) as stub:
        yield stub, encoder, cache


async def first_value(stub: Any, value: float) -> float:
    return float(matrix(await stub.Embed(request(pcm(clip(value)))))[0, 0])


async def remember(url: str, embedding: Float32Array) -> None:
    cache = RedisCache(url, ttl_s=TTL_S)
    cache.put(INFO, b"key", embedding)
    await cache.close()


def names(url: str) -> list[str]:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return sorted(client.scan_iter(f"aloe:embedding:{INFO.fingerprint}:*"))


async def test_what_one_server_embedded_another_finds_in_redis(own_redis: OwnRedis) -> None:
    async with server(own_redis.url) as (stub, encoder, _):
        rows = matrix(await stub.Embed(request(*(pcm(clip(value)) for value in (1, 2, 3)))))
    assert len(names(own_redis.url)) == 3
    async with server(own_redis.url) as (stub, encoder, _):
        again = matrix(await stub.Embed(request(*(pcm(clip(value)) for value in (1, 2, 3, 4)))))
    np.testing.assert_array_equal(rows, again[:3])
    assert encoder.first_samples == [[4.0]]


async def test_embeddings_expire(own_redis: OwnRedis) -> None:
    async with server(own_redis.url) as (stub, _, _):
        await first_value(stub, 1)
    (name,) = names(own_redis.url)
    with redis.Redis.from_url(own_redis.url) as client:
        assert TTL_S - 60 < client.ttl(name) <= TTL_S


async def test_another_fingerprint_is_another_entry(own_redis: OwnRedis) -> None:
    await remember(own_redis.url, np.ones(2, np.float32))
    cache = RedisCache(own_redis.url, ttl_s=TTL_S)
    other = EncoderInfo("gated", "e" * 32, 2, 16_000, Exact(), 60.0)
    (found,), (missed,) = await cache.get(INFO, [b"key"]), await cache.get(other, [b"key"])
    assert found is not None
    assert found.tolist() == [1, 1]
    assert missed is None
    await cache.close()


async def test_a_value_of_the_wrong_size_is_no_embedding(own_redis: OwnRedis) -> None:
    await remember(own_redis.url, np.ones(3, np.float32))
    cache = RedisCache(own_redis.url, ttl_s=TTL_S)
    assert list(await cache.get(INFO, [b"key"])) == [None]
    await cache.close()


async def test_calls_go_on_while_redis_is_killed_and_the_cache_is_back_with_it(
    own_redis: OwnRedis,
) -> None:
    async with server(own_redis.url) as (stub, encoder, _):
        # Written in the background, soon after the answer.
        async with asyncio.timeout(20):
            while not names(own_redis.url):
                await first_value(stub, 1)
        own_redis.send(signal.SIGKILL)
        for value in range(2, 30):
            assert await first_value(stub, value) == value
        own_redis.start()
        assert len(names(own_redis.url)) == 1
        # The server finds out by itself, and then knows what Redis has kept.
        async with asyncio.timeout(20):
            while len(names(own_redis.url)) == 1:
                await first_value(stub, 50)
        count = len(encoder.batches)
        assert await first_value(stub, 1) == 1
        assert len(encoder.batches) == count


async def test_a_redis_that_hangs_costs_a_call_a_moment_and_the_next_ones_nothing(
    own_redis: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    async with server(own_redis.url) as (stub, _, _):
        await first_value(stub, 1)
        own_redis.send(signal.SIGSTOP)
        try:
            started = time.monotonic()
            for value in range(2, 52):
                assert await first_value(stub, value) == value
            # Not 50 times what one read may take.
            assert time.monotonic() - started < 2.5
        finally:
            own_redis.send(signal.SIGCONT)
    assert caplog.text.count("the cache in Redis fails") == 1


async def test_a_server_starts_and_works_without_its_redis(tmp_path: Path) -> None:
    async with server(f"unix://{tmp_path}/nobody.sock") as (stub, _, _):
        assert await first_value(stub, 1) == 1


@pytest.mark.parametrize(
    "url", ["http://user:secret@host", "redis://:secret/@host:1", "redis://host:1?secret=1"]
)
def test_a_wrong_url_is_named_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--cache-redis-url: .*redis://HOST") as caught:
        RedisCache(url, ttl_s=TTL_S)
    assert "secret" not in str(caught.value)
