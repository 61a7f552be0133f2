"""Pools in Redis. The keys are listed in store.py."""

import asyncio
import json
from collections.abc import Sequence

import numpy as np
from redis.exceptions import ResponseError

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.chunks import Chunk, ChunkWriter
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.scripts import Script, guarded
from aloe.learner.adapters.redis.vectors import StoredRows, VectorReader
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import StoreUnavailable
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports import CHUNK_ROWS, FoundClip
from aloe.redis.connecting import RedisClient

_ID_INDEX = "aloe:pools"
_FLOAT32 = np.dtype("<f4")
_IDS_PER_READ = 1_000
"""Many more would keep Redis, and the event loop, from others."""


class PoolKeys:
    """The keys of one pool."""

    def __init__(self, pool_id: str) -> None:
        prefix = f"aloe:{{pool:{pool_id}}}:"
        self.pool_id = pool_id
        self.meta, self.clips, self.rows = prefix + "meta", prefix + "clips", prefix + "rows"
        self.chunks, self.tasks = prefix + "chunks", prefix + "tasks"


_NO_CHUNK = Chunk(0, 0, "")


class RedisPools:
    """The PoolStore of a Redis server."""

    def __init__(self, client: RedisClient, pipelines: Pipelines, vectors: VectorReader) -> None:
        self._redis, self._read, self._vectors = client, pipelines.read, vectors
        self._ends: dict[str, Chunk] = {}
        """Last chunks by the pool's epoch, after appends of new clips only. The next append is
        likely to bring only new ones, too, and need not look; the script notices if it does not."""
        self._chunks = ChunkWriter(client)
        self._create = Script(pipelines.write, "create_pool")
        self._append = Script(pipelines.write, "append_clips")
        self._delete = Script(pipelines.write, "delete_pool")

    @guarded
    async def create_pool(self, pool: Pool) -> Pool:
        keys = PoolKeys(pool.pool_id)
        await self._redis.sadd(_ID_INDEX, pool.pool_id)
        spec = await self._create([keys.meta], codec.dump_pool(pool), pool.epoch)
        stored = codec.load_pool(pool.pool_id, spec, 0)
        if not stored.same_content(pool):
            raise refusals.pool_id_taken(stored)
        return await self.read_pool(pool.pool_id)

    @guarded
    async def read_pool(self, pool_id: str) -> Pool:
        spec, clip_count = await self._read("HMGET", PoolKeys(pool_id).meta, "spec", "clip_count")
        if spec is None:
            raise refusals.pool_not_found(pool_id)
        return codec.load_pool(pool_id, spec, int(clip_count or 0))

    @guarded
    async def list_pool_ids(self) -> list[str]:
        return sorted(member.decode() for member in await self._redis.smembers(_ID_INDEX))

    @guarded
    async def delete_pool(self, pool_id: str) -> None:
        keys = PoolKeys(pool_id)
        pool = await self.read_pool(pool_id)
        await self._forget_strangers(keys)
        chunks = await self._delete([keys.meta, keys.clips, keys.rows, keys.chunks, keys.tasks])
        if chunks == 0:
            users = sorted(member.decode() for member in await self._redis.smembers(keys.tasks))
            raise refusals.pool_in_use(pool_id, users)
        self._ends.pop(pool.epoch, None)
        await self._chunks.unlink(pool, [Chunk.parse(text) for text in chunks or []])
        await self._redis.srem(_ID_INDEX, pool_id)

    @guarded
    async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
        found: list[FoundClip | None] = []
        for begin in range(0, len(clip_ids), _IDS_PER_READ):
            ids = list(clip_ids[begin : begin + _IDS_PER_READ])
            texts = await self._redis.hmget(PoolKeys(pool_id).rows, ids)
            found += [None if text is None else _parse_row(text) for text in texts]
        return found

    @guarded
    async def append_clips(
        self, pool: Pool, clips: Sequence[Clip], vectors: Float32Array
    ) -> list[FoundClip | None]:
        end = self._ends.pop(pool.epoch, None)
        found: list[FoundClip | None] = [None] * len(clips)
        while True:
            if end is None:
                ids = [clip.clip_id for clip in clips]
                found, end = await asyncio.gather(
                    self.find_clips(pool.pool_id, ids), self._read_end(pool)
                )
            new = [index for index, clip in enumerate(found) if clip is None]
            if not new:
                await self._check_there(pool)
                return found
            added = (clips, vectors)
            if len(new) < len(clips):
                added = ([clips[index] for index in new], vectors[new])
            end = await self._append_new(pool, end, *added)
            if end is not None:
                if len(new) == len(clips):
                    self._ends[pool.epoch] = end
                return found

    async def _read_end(self, pool: Pool) -> Chunk:
        text = await self._redis.lindex(PoolKeys(pool.pool_id).chunks, -1)
        return Chunk.parse(text) if text else _NO_CHUNK

    async def _append_new(
        self, pool: Pool, tail: Chunk, clips: Sequence[Clip], vectors: Float32Array
    ) -> Chunk | None:
        """Try to add clips after a pool's last chunk, and return the new last chunk.

        None if the pool has grown meanwhile, or holds some of the clips.
        """
        keys = PoolKeys(pool.pool_id)
        first_row, replaces = tail.end_row, 0 < tail.row_count < CHUNK_ROWS
        if replaces:
            rest = await self._redis.get(tail.key(pool))
            if rest is None:
                await self._check_there(pool)
                if await self._read_end(pool) == tail:
                    raise _lost(pool, tail.key(pool))
                return None
            first_row = tail.first_row
            vectors = np.concatenate([_rows_of(rest, vectors.shape[1]), vectors])
        chunks = await self._chunks.write(pool, vectors, first_row)
        try:
            outcome = await self._append(
                [keys.meta, keys.clips, keys.rows, keys.chunks],
                pool.epoch,
                tail.end_row,
                _lines_of(clips, tail.end_row),
                json.dumps([str(chunk) for chunk in chunks]),
                str(tail) if replaces else "",
            )
        except ResponseError:
            # Redis refused it, as when it has no room: nothing was registered.
            await self._chunks.unlink(pool, chunks)
            raise
        if outcome == b"OK":
            if replaces:
                await self._chunks.unlink(pool, [tail])
            return chunks[-1]
        await self._chunks.unlink(pool, chunks)
        if outcome == b"POOL_NOT_FOUND":
            raise refusals.pool_deleted(pool.pool_id)
        return None

    async def _check_there(self, pool: Pool) -> None:
        """Raise PoolNotFound if a pool has gone.

        Asked after something was read: epochs do not come again, so it was there at that time.
        """
        epoch = await self._read("HGET", PoolKeys(pool.pool_id).meta, "epoch")
        if epoch != pool.epoch.encode():
            raise refusals.pool_deleted(pool.pool_id)

    @guarded
    async def read_clips(self, pool: Pool, first_row: int, count: int) -> Sequence[Clip]:
        texts = await self._redis.lrange(
            PoolKeys(pool.pool_id).clips, first_row, first_row + count - 1
        )
        await self._check_there(pool)
        return codec.StoredClips(texts)

    @guarded
    async def read_vectors(
        self,
        pool: Pool,
        first_row: int,
        at_most: int | None = None,
        out: Float32Array | None = None,
    ) -> Float32Array:
        keys = PoolKeys(pool.pool_id)
        filled_count, missing = 0, ""
        while True:
            texts = await self._redis.lrange(keys.chunks, 0, -1)
            chunks = [Chunk.parse(text) for text in texts]
            if not chunks:
                await self._check_there(pool)
            there = max(0, chunks[-1].end_row - first_row) if chunks else 0
            count = there if at_most is None else min(there, at_most)
            if out is None:
                out = np.empty((count, pool.encoder.embedding_dim), np.float32)
            begin, end = first_row + filled_count, first_row + min(count, len(out))
            values = [
                StoredRows(chunk.key(pool), chunk.first_row - first_row)
                for chunk in chunks
                if chunk.end_row > begin and chunk.first_row < end
            ]
            filled_count = await self._vectors.read(values, out, filled_count)
            if filled_count >= end - first_row:
                return out[:filled_count]
            # A chunk was replaced by a longer one since the list was read, or the pool is gone.
            await self._check_there(pool)
            before, missing = missing, [v.key for v in values if v.begin <= filled_count][-1]
            if missing == before:
                raise _lost(pool, missing)

    async def _forget_strangers(self, keys: PoolKeys) -> None:
        """Take tasks that were deleted, or are on another pool, off the pool's list."""
        for member in await self._redis.smembers(keys.tasks):
            task_id = member.decode()
            spec = await self._redis.hget(f"aloe:{{task:{task_id}}}:meta", "spec")
            if spec is None or codec.load_task(task_id, spec).pool_id != keys.pool_id:
                await self._redis.srem(keys.tasks, member)


def _lost(pool: Pool, chunk: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"Redis lost vectors of pools/{pool.pool_id}: {chunk} is gone; bring it back from a backup,"
        " or delete the pool and import it again"
    )


def _lines_of(clips: Sequence[Clip], first_row: int) -> str:
    rows = zip(clips, codec.dump_clips(clips), strict=True)
    return "".join(
        f"{clip.clip_id}\n{row} {clip.content_hash}\n{record}\n"
        for row, (clip, record) in enumerate(rows, first_row)
    )


def _rows_of(blob: bytes, embedding_dim: int) -> Float32Array:
    return np.frombuffer(blob, dtype=_FLOAT32).reshape(-1, embedding_dim)


def _parse_row(text: bytes) -> FoundClip:
    row, _, content_hash = text.decode().partition(" ")
    return FoundClip(int(row), content_hash)
