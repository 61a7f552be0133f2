"""The pieces in which a pool's vectors lie in Redis. Each is written once and never changed."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from redis.exceptions import RedisError

from aloe.learner.adapters.redis.client import RedisClient
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.pool import Pool
from aloe.learner.ports import CHUNK_ROWS

_FLOAT32 = np.dtype("<f4")
_WRITES_AT_ONCE = 4
"""Redis takes one while the next comes. More would share a slow link until each takes longer than
a socket waits, and take connections from others."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where some rows of a pool lie."""

    first_row: int
    row_count: int
    chunk_id: str

    @classmethod
    def parse(cls, text: bytes) -> "Chunk":
        """Read what str() wrote."""
        first_row, row_count, chunk_id = text.decode().split()
        return cls(int(first_row), int(row_count), chunk_id)

    @property
    def end_row(self) -> int:
        """The row behind the last."""
        return self.first_row + self.row_count

    def __str__(self) -> str:
        return f"{self.first_row} {self.row_count} {self.chunk_id}"

    def key(self, pool: Pool) -> str:
        """Return the key of its value."""
        return f"aloe:chunk:{pool.pool_id}:{pool.epoch}:{self.chunk_id}"


class ChunkWriter:
    """Writes chunks, which nothing names until a script registers them."""

    def __init__(self, client: RedisClient) -> None:
        self._redis = client
        self._writing = asyncio.Semaphore(_WRITES_AT_ONCE)

    async def write(self, pool: Pool, vectors: Float32Array, first_row: int) -> list[Chunk]:
        """Write vectors, (n, embedding_dim) float32, all or none."""
        vectors = np.ascontiguousarray(vectors, _FLOAT32)
        chunks = [
            Chunk(first_row + begin, min(CHUNK_ROWS, len(vectors) - begin), uuid.uuid4().hex)
            for begin in range(0, len(vectors), CHUNK_ROWS)
        ]
        written = await asyncio.gather(
            *(
                self._write(chunk.key(pool), vectors[chunk.first_row - first_row :][:CHUNK_ROWS])
                for chunk in chunks
            ),
            return_exceptions=True,
        )
        failed = [each for each in written if isinstance(each, BaseException)]
        if failed:
            # Redis may be away altogether.
            with contextlib.suppress(RedisError):
                await self.unlink(pool, chunks)
            raise failed[0]
        return chunks

    async def unlink(self, pool: Pool, chunks: Sequence[Chunk]) -> None:
        """Delete chunks, those that are there."""
        for chunk in chunks:
            await self._redis.unlink(chunk.key(pool))

    async def _write(self, key: str, rows: Float32Array) -> None:
        async with self._writing:
            await self._redis.set(key, rows.data.cast("B"))
