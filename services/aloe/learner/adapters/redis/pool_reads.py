"""Reading pools in Redis. The keys are listed in store.py."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ResponseError

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.chunks import Chunk
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.scripts import Script, guarded, reading
from aloe.learner.adapters.redis.stored_clips import StoredClips
from aloe.learner.adapters.redis.vectors import StoredRows, VectorReader
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import FoundClip
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.pool import ChangedClip, Pool
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import POOL_KINDS
from aloe.values.representations import Representation

_FIELDS_PER_READ = 1_000
"""Many more would keep Redis, and the event loop, from others."""
_MOST_READS = 1_000
"""Of vectors whose last chunk was replaced each time."""


class PoolKeys:
    """The keys of one pool."""

    def __init__(self, pool_id: str) -> None:
        self.pool_id = pool_id
        self.all = [f"aloe:{{pool:{pool_id}}}:{name}" for name in POOL_KINDS]
        self.meta, self.clips, self.rows, self.chunks, self.tasks, *rest = self.all
        self.contents, self.changes, self.marks, self.maps, self.recordings = rest

    def fitting(self, pool: Pool, kind: Representation) -> str:
        """Return the key of the right to fit a map of a kind."""
        return f"aloe:{{pool:{self.pool_id}}}:fitting:{pool.epoch}:{kind.value}"


class PoolReads:
    """What a PoolStore tells."""

    def __init__(self, client: RedisClient, pipelines: Pipelines, vectors: VectorReader) -> None:
        self._redis, self._read, self._vectors = client, pipelines.read, vectors
        self._on_one_node = not isinstance(client, RedisCluster)
        self._read_last = pipelines.read.last
        self._check = Script(self._read_last, "check_pool")
        self._kinds = Script(pipelines.read, "check_kinds")

    @guarded
    async def read_pool(self, pool_id: str) -> Pool:
        fields = "spec", "clip_count", "retired_count", "change_count", "last_change"
        keys = PoolKeys(pool_id)
        with reading(keys.meta):
            spec, *counts, mark = await self._read("HMGET", keys.meta, *fields)
            if spec is None:
                stored = await self._read("HKEYS", keys.meta)
                if b"spec" in stored:  # It was created between the two.
                    return await self.read_pool(pool_id)
                if stored:
                    raise StoreDamaged(keys.meta, "spec is missing")
                raise refusals.pool_not_found(pool_id)
            pool = codec.load_pool(pool_id, spec, *map(codec.load_count, counts))
            return replace(pool, mark=mark_of(pool, mark))

    @guarded
    async def check_pool(self, pool: Pool) -> None:
        # Asked after something was read: marks do not come again, so it was so at that time.
        keys = PoolKeys(pool.pool_id)
        try:
            # Mostly nothing has changed, and a look costs less than a script.
            asked = "HMGET", keys.meta, "epoch", "last_change"
            epoch, last_change = await self._read_last(*asked)
            if epoch == pool.epoch.encode() and pool.mark in ("", mark_of(pool, last_change)):
                return
            said = await self._check([keys.meta, keys.marks], pool.epoch, pool.mark)
        except ResponseError:
            await self._kinds([keys.meta, keys.marks], "hash", "list")  # Names it.
            raise
        if said == b"POOL_NOT_FOUND":
            raise refusals.pool_deleted(pool.pool_id)
        if said == b"WENT_BACK":
            raise refusals.pool_went_back(pool.pool_id)

    @guarded
    async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
        key = PoolKeys(pool_id).rows
        texts = await self._values(key, clip_ids)
        with reading(key):
            found = [parse_row(text) for text in texts]
        return [each if isinstance(each, FoundClip) else None for each in found]

    @guarded
    async def read_clips(self, pool: Pool, first_row: int, count: int) -> StoredClips:
        key = PoolKeys(pool.pool_id).clips
        with reading(key):
            texts = await self._redis.lrange(key, first_row, first_row + count - 1)
        if texts and len(texts) > pool.row_count - first_row:
            await self._check_more(pool, first_row + len(texts))
        await self.check_pool(pool)
        _check_count(key, len(texts), min(count, pool.row_count - first_row))
        return StoredClips(texts, key)

    @guarded
    async def read_changes(self, pool: Pool, first: int, count: int) -> Sequence[ChangedClip]:
        key = PoolKeys(pool.pool_id).changes
        with reading(key):
            texts = await self._redis.lrange(key, first, first + count - 1)
        await self.check_pool(pool)
        _check_count(key, len(texts), min(count, pool.change_count - first))
        with reading(key):
            return [codec.load_change(text) for text in texts]

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
        for _ in range(_MOST_READS):
            with reading(keys.chunks):
                texts = await self._redis.lrange(keys.chunks, 0, -1)
                chunks = [Chunk.parse(text) for text in texts]
            if not chunks or chunks[-1].end_row < pool.row_count:
                await self.check_pool(pool)
                end_row = chunks[-1].end_row if chunks else 0
                _check_count(keys.chunks, end_row, pool.row_count)
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
            with reading(keys.chunks):
                filled_count = await self._vectors.read(values, out, filled_count)
            if filled_count >= end - first_row:
                await self.check_pool(pool)
                return out[:filled_count]
            # A chunk was replaced by a longer one since the list was read, or the pool is gone.
            await self.check_pool(pool)
            before, missing = missing, [v.key for v in values if v.begin <= filled_count][-1]
            if missing == before:
                break
        raise lost_chunk(missing)

    async def _check_more(self, pool: Pool, end_row: int) -> None:
        """Check that the pool counts clips by now that came after it was read."""
        keys = PoolKeys(pool.pool_id)
        with reading(keys.meta):
            (text,) = await self._read("HMGET", keys.meta, "clip_count")
            counted = codec.load_count(text)
        if end_row > counted:
            await self.check_pool(pool)
            raise StoreDamaged(keys.clips, f"it has {end_row} rows, and the pool counts {counted}")

    async def _values(self, key: str, names: Sequence[str]) -> list[bytes | None]:
        """Return the values of some fields of a hash."""
        values: list[bytes | None] = []
        for begin in range(0, len(names), _FIELDS_PER_READ):
            with reading(key):
                values += await self._redis.hmget(
                    key, list(names[begin : begin + _FIELDS_PER_READ])
                )
        return values


def mark_of(pool: Pool, last_change: bytes | None) -> str:
    """Return the mark of a pool's last change; that of a pool without any is its epoch."""
    return pool.epoch if last_change is None else last_change.decode()


def _check_count(key: str, count: int, wanted: int) -> None:
    """Check that a pool has what its counters say, of which it was asked since."""
    if count < wanted:
        raise StoreDamaged(key, f"it has {count} of {wanted} rows that the pool counts")


def lost_chunk(chunk: str) -> StoreDamaged:
    """Say that vectors are gone."""
    return StoreDamaged(
        chunk,
        "its vectors are gone; bring them back from a backup, or delete the pool and import it"
        " again",
    )


def parse_row(text: bytes | None) -> FoundClip | int | None:
    """Read the clip that an id names, or the row that it named last."""
    if text is None:
        return None
    row, _, content_hash = text.decode().partition(" ")
    found = codec.load_count(row)
    return FoundClip(found, content_hash) if content_hash else found
