"""Chunks: the values in which Redis holds a pool's vectors, each written once, never changed."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from redis.exceptions import RedisError

from aloe.learner.adapters.redis.codec import load_count
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.pool import Pool
from aloe.learner.ports.pools import CHUNK_ROWS
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import CHUNKS

_FLOAT32 = np.dtype("<f4")
_WRITES_AT_ONCE = 4
"""Enough to send one while Redis stores another. Over a slow link more of them would each take
longer than the socket's timeout, and they would use up connections that other calls need."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows of a pool, and the id of the value that holds their vectors."""

    first_row: int
    row_count: int
    chunk_id: str

    @classmethod
    def parse(cls, text: bytes) -> "Chunk":
        """Read a chunk from what its str() wrote."""
        first_row, row_count, chunk_id = text.decode().split()
        return cls(load_count(first_row), load_count(row_count), chunk_id)

    @property
    def end_row(self) -> int:
        """The row after its last one."""
        return self.first_row + self.row_count

    def __str__(self) -> str:
        return f"{self.first_row} {self.row_count} {self.chunk_id}"

    def key(self, pool: Pool) -> str:
        """Return the key of the value that holds its vectors."""
        return f"{chunk_prefix(pool.pool_id)}{pool.epoch}:{self.chunk_id}"


def chunk_prefix(pool_id: str) -> str:
    """Return how the keys of a pool's chunks begin, before its epoch."""
    return f"{CHUNKS}{pool_id}:"


class ChunkWriter:
    """Writes chunks. They belong to the pool once change_pool.lua has registered them."""

    def __init__(self, client: RedisClient) -> None:
        self._redis = client
        self._writing = asyncio.Semaphore(_WRITES_AT_ONCE)

    async def write(self, pool: Pool, vectors: Float32Array, first_row: int) -> list[Chunk]:
        """Write vectors, (n, embedding_dim) float32, all or none; return their chunks in order."""
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
        """Delete the vectors of chunks; some may be gone already."""
        for chunk in chunks:
            await self._redis.unlink(chunk.key(pool))

    async def _write(self, key: str, rows: Float32Array) -> None:
        async with self._writing:
            await self._redis.set(key, rows.data.cast("B"))
