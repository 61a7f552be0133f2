"""Reads vectors from Redis, in threads, straight into the array in which they will be used."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from redis.exceptions import ResponseError

from aloe.learner.adapters.redis.populating import populate
from aloe.learner.bulkheads import READING_VECTORS, Threads
from aloe.learner.domain.arrays import Float32Array
from aloe.redis.codes import Trouble, trouble_of
from aloe.redis.connecting import BlockingRedisClient

T = TypeVar("T")
_FLOAT32 = np.dtype("<f4")
_MANY_BYTES = 16 * 1024**2
"""From this size on a second thread prepares the memory that is about to be filled."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """A value of Redis that holds vectors."""

    key: str
    begin: int
    """Its first row, counted from the first row that is wanted; negative if it begins before."""


class VectorReader:
    """Reads vectors on connections of its own, in threads.

    Reading a socket in a thread copies each byte twice; through the event loop it is five times.
    """

    def __init__(self, connect: Callable[[], BlockingRedisClient]) -> None:
        """Connect with `connect`, in a thread, when the first vectors are read."""
        self._connect = connect
        self._client: BlockingRedisClient | None = None
        self._connecting = threading.Lock()
        self._threads = Threads(READING_VECTORS)

    async def read(
        self,
        values: Sequence[StoredRows],
        out: Float32Array,
        filled_count: int,
    ) -> int:
        """Fill the rows of an array that are not filled yet, in order.

        Args:
            values: hold these rows without a gap.
            out: (n, embedding_dim) float32.
            filled_count: how many of its first rows are filled already.

        Returns:
            How many rows are filled now. Reading ends early at a value that is gone.
        """
        return await self._run(partial(self._read, values, out, filled_count), out[filled_count:])

    async def read_those_there(
        self, values: Sequence[StoredRows], row_count: int, out: Float32Array
    ) -> list[range]:
        """Fill the rows of an array that some values have; others are left as they are.

        Args:
            values: of which some may be gone, or hold something else.
            row_count: how many rows each holds.
            out: (n, dim) float32.

        Returns:
            The places of `out` that are filled, ascending.
        """
        if not values:
            return []
        return await self._run(partial(self._read_those_there, values, row_count, out), out)

    async def _run(self, work: Callable[[threading.Event], T], filled: Float32Array) -> T:
        """Read in a thread, into an array that the caller may use again when this ends."""
        if filled.nbytes >= _MANY_BYTES:
            self._threads.submit(partial(populate, filled))
        is_stopped = threading.Event()
        reading = asyncio.wrap_future(self._threads.submit(partial(work, is_stopped)))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            # The caller may use the array again at once, so wait until nothing writes to it.
            is_stopped.set()
            while not reading.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({reading})
            reading.exception()  # looked at
            raise

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.close()
        if self._client is not None:
            self._client.close()

    def _read(
        self,
        values: Sequence[StoredRows],
        out: Float32Array,
        filled_count: int,
        is_stopped: threading.Event,
    ) -> int:
        client = self._connected()
        for value in values:
            if is_stopped.is_set():
                break
            blob = client.get(value.key)
            if blob is None:
                break
            filled_count = _fill(out, filled_count, blob, value.begin)
        return filled_count

    def _read_those_there(
        self,
        values: Sequence[StoredRows],
        row_count: int,
        out: Float32Array,
        is_stopped: threading.Event,
    ) -> list[range]:
        client, filled = self._connected(), []
        for value in values:
            if is_stopped.is_set():
                break
            blob = _get(client, value.key)
            if blob is None or len(blob) != row_count * out.shape[1] * _FLOAT32.itemsize:
                continue
            begin = max(0, value.begin)
            end = _fill(out, begin, blob, value.begin)
            filled.append(range(begin, end))
        return filled

    def _connected(self) -> BlockingRedisClient:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client


def _get(client: BlockingRedisClient, key: str) -> bytes | None:
    """Return a value; None as well where it is of another kind."""
    try:
        found: bytes | None = client.get(key)
    except ResponseError as error:
        if trouble_of(error) is not Trouble.DAMAGED:
            raise
        return None
    return found


def _fill(out: Float32Array, filled_count: int, blob: bytes, begin: int) -> int:
    """Copy vectors of a value, whose first row is `begin`, to the rows after the filled ones."""
    vectors = np.frombuffer(blob, _FLOAT32).reshape(-1, out.shape[1])
    vectors = vectors[filled_count - begin : len(out) - begin]
    out[filled_count : filled_count + len(vectors)] = vectors
    return filled_count + len(vectors)
