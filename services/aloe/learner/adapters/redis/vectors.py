"""Vectors out of Redis: read by threads, into the place where they are to stay."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from aloe.learner.adapters.redis.client import BlockingRedisClient
from aloe.learner.adapters.redis.populating import populate
from aloe.learner.domain.arrays import Float32Array

_FLOAT32 = np.dtype("<f4")
_THREAD_COUNT = 8
"""Two for each pool that is read at the same time."""
_MANY_BYTES = 16 * 1024**2
"""So much memory is worth a thread of its own."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """A value of Redis that holds vectors."""

    key: str
    begin: int
    """Row of the first one, counted as the rows that are wanted; below 0 if it lies before them."""


class VectorReader:
    """Reads vectors on connections of its own.

    A thread that waits for its socket copies each byte twice, an event loop five times.
    """

    def __init__(self, connect: Callable[[], BlockingRedisClient]) -> None:
        """Read with what `connect` makes, in a thread and once it is needed."""
        self._connect = connect
        self._client: BlockingRedisClient | None = None
        self._connecting = threading.Lock()
        # Threads start when they are first needed.
        self._threads = ThreadPoolExecutor(_THREAD_COUNT, thread_name_prefix="read-vectors")

    async def read(
        self,
        values: Sequence[StoredRows],
        out: Float32Array,
        filled_count: int,
    ) -> int:
        """Fill rows from one on, in order.

        Args:
            values: that hold these rows without a gap.
            out: (n, embedding_dim) float32.
            filled_count: rows that are filled already.

        Returns:
            How many rows are filled now: fewer than `values` hold where one of them is gone.
        """
        if out[filled_count:].nbytes >= _MANY_BYTES:
            self._threads.submit(populate, out[filled_count:])
        is_stopped = threading.Event()
        reading = asyncio.get_running_loop().run_in_executor(
            self._threads, self._read, values, out, filled_count, is_stopped
        )
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            # The rows belong to whoever comes next, once nobody writes to them any more.
            is_stopped.set()
            while not reading.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({reading})
            reading.exception()  # looked at
            raise

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
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

    def _connected(self) -> BlockingRedisClient:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client


def _fill(out: Float32Array, filled_count: int, blob: bytes, begin: int) -> int:
    """Copy the vectors of a value whose first row is `begin` behind those that are filled."""
    vectors = np.frombuffer(blob, _FLOAT32).reshape(-1, out.shape[1])
    vectors = vectors[filled_count - begin : len(out) - begin]
    out[filled_count : filled_count + len(vectors)] = vectors
    return filled_count + len(vectors)
