"""The shared cache in Redis: `aloe:embedding:FINGERPRINT:HASH` to float32 values, expiring."""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.ports.encoder import EncoderInfo
from aloe.embedding.ports.shared_cache import SharedCache
from aloe.redis.codes import Trouble, said_by, trouble_of
from aloe.redis.connecting import check_login
from aloe.values.urls import without_logins
from aloe.wire import arrays

# The longest that a call waits for a Redis that hangs; calls after it do not wait at all.
_READ_TIMEOUT_S = 0.1
_WRITE_TIMEOUT_S = 2.0
_RETRY_S = 2.0
_WARNING_INTERVAL_S = 60.0
_READ_COUNT = 256
_WRITE_COUNT = 64
# About 16 MB of TRILLsson's embeddings; more than that are not written.
_MAX_UNWRITTEN_COUNT = 4096

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Read:
    """Keys that a caller waits for."""

    names: Sequence[str]
    values: asyncio.Future[Sequence[bytes | None]]


class RedisCache(SharedCache):
    """A cache in Redis; while Redis is away, calls go on without it. For one event loop.

    At most one read and one write run at a time; each takes along all that came meanwhile. After
    a failure no caller waits for Redis until it has answered a ping.
    """

    def __init__(self, url: str, *, ttl_s: int, retry_s: float = _RETRY_S) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: redis://, rediss:// or unix://.
            ttl_s: seconds after which an embedding leaves.
            retry_s: how often a Redis that is away is asked whether it is back.

        Raises:
            ConfigurationError: the URL is wrong. The message does not repeat it: it may hold a
                password.
        """
        try:
            check_login(url)
            self._redis: Any = redis.asyncio.Redis.from_url(
                url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=_WRITE_TIMEOUT_S
            )
            # Connects to nothing, but refuses a query parameter that no connection has.
            pool = self._redis.connection_pool
            pool.connection_class(**pool.connection_kwargs)
        except (TypeError, ValueError):
            # What went wrong may repeat a part of the password, where that has a "/" or "#".
            raise ConfigurationError(
                "--cache-redis-url: the URL must have one of the forms redis://HOST:PORT,"
                " rediss://HOST:PORT or unix:///PATH, with USER:PASSWORD@ in front of the host"
                " where needed, what is not a letter or digit in it as in %2F"
            ) from None
        self._ttl_s = ttl_s
        self._retry_s = retry_s
        self._unread: deque[_Read] = deque()
        self._unwritten: deque[tuple[str, bytes]] = deque()
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._last_warning = -math.inf

    async def get(
        self, encoder: EncoderInfo, keys: Sequence[bytes]
    ) -> Sequence[Float32Array | None]:
        if self._recovery:
            return [None] * len(keys)
        read = _Read(
            [_name(encoder, key) for key in keys], asyncio.get_running_loop().create_future()
        )
        self._unread.append(read)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        values = await read.values
        byte_count = 4 * encoder.embedding_dim
        return [
            arrays.decode_vector(value) if value and len(value) == byte_count else None
            for value in values
        ]

    def put(self, encoder: EncoderInfo, key: bytes, embedding: Float32Array) -> None:
        if self._recovery or len(self._unwritten) >= _MAX_UNWRITTEN_COUNT:
            return
        self._unwritten.append((_name(encoder, key), arrays.encode_vector(embedding)))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def close(self) -> None:
        if self._recovery:
            self._recovery.cancel()
        elif self._writer:
            await self._writer
        await self._redis.aclose()

    async def _read(self) -> None:
        while self._unread:
            reads = [self._unread.popleft()]
            count = len(reads[0].names)
            while self._unread and count + len(self._unread[0].names) <= _READ_COUNT:
                reads.append(self._unread.popleft())
                count += len(reads[-1].names)
            values = iter(await self._mget([name for read in reads for name in read.names]))
            for read in reads:
                found = [next(values) for _ in read.names]
                if not read.values.done():
                    read.values.set_result(found)

    async def _mget(self, names: Sequence[str]) -> Sequence[bytes | None]:
        nothing = [None] * len(names)
        if self._recovery:
            return nothing
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S):
                values: Sequence[bytes | None] = await self._redis.mget(names)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with a cache must fail no call
            self._bypass(error)
            return nothing
        return values

    async def _write(self) -> None:
        while self._unwritten:
            pipeline = self._redis.pipeline(transaction=False)
            for _ in range(min(_WRITE_COUNT, len(self._unwritten))):
                pipeline.set(*self._unwritten.popleft(), ex=self._ttl_s)
            try:
                async with asyncio.timeout(_WRITE_TIMEOUT_S):
                    await pipeline.execute()
            except Exception as error:  # noqa: BLE001
                if trouble_of(error) is Trouble.FULL:
                    self._unwritten.clear()  # What it holds can be read all the same.
                    self._warn(error, "going on without what it does not hold")
                else:
                    self._bypass(error)

    def _bypass(self, error: Exception) -> None:
        self._unwritten.clear()
        if self._recovery is None:
            self._warn(error, "going on without it until it answers")
            self._recovery = asyncio.create_task(self._recover())

    def _warn(self, error: Exception, what: str) -> None:
        """Log a failure, but at most once a minute, as a Redis may come and go."""
        now = time.monotonic()
        if now - self._last_warning >= _WARNING_INTERVAL_S:
            self._last_warning = now
            _log.warning(
                "the cache in Redis fails (%s): %s",
                " ".join(without_logins(said_by(error)).split()) or "no reply in time",
                what,
            )

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(self._retry_s)
            try:
                async with asyncio.timeout(_WRITE_TIMEOUT_S):
                    await self._redis.ping()
            except Exception:  # noqa: BLE001, S112  # it was said when it began
                continue
            _log.info("the cache in Redis answers again")
            self._recovery = None
            return


def _name(encoder: EncoderInfo, key: bytes) -> str:
    return f"aloe:embedding:{encoder.fingerprint}:{key.hex()}"
