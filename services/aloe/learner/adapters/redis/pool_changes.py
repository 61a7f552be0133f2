"""Changing pools in Redis: clips come, go, and get other names. The keys are listed in store.py.

A change is worked out here, on what was read of the pool, and written by one script, which refuses
where the pool has changed since it was read; then it is worked out anew.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from redis.exceptions import ResponseError

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.chunks import Chunk, ChunkWriter, chunk_prefix
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_looks import Look, PoolLooks, kept_changing
from aloe.learner.adapters.redis.pool_reads import PoolKeys, lost_chunk
from aloe.learner.adapters.redis.scripts import Script, guarded, reading
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import (
    NEW,
    TOOK_A_ROW,
    ClipUpdate,
    ImportRules,
    Placing,
    Removal,
)
from aloe.learner.domain.clip_index import ClipIndex
from aloe.learner.domain.pool import Clip, Pool, recordings_of
from aloe.learner.ports.pools import CHUNK_ROWS, NO_RULES, Appended
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import POOL_KINDS

T = TypeVar("T")
_KEPT_MARKS = 10_000
"""So many changes later a learner reads a pool anew, since it cannot tell whether it knew it."""
_MOST_TRIES = 200
"""Of a change that others came before each time."""


class PoolChanges(PoolLooks):
    """What a PoolStore changes of a pool that is there."""

    def __init__(self, client: RedisClient, pipelines: Pipelines, vectors: VectorReader) -> None:
        super().__init__(client, pipelines, vectors)
        self._ends: dict[str, Chunk] = {}
        """Last chunks by the pool's epoch, after appends of new clips only. The next append is
        likely to bring only new ones, too, and need not look; the script notices if it does not."""
        self._chunks = ChunkWriter(client)
        self._change_pool = Script(pipelines.write, "change_pool")

    @guarded
    async def append_clips(
        self,
        pool: Pool,
        clips: Sequence[Clip],
        vectors: Float32Array,
        rules: ImportRules = NO_RULES,
        *,
        marks: Sequence[str] = (),
    ) -> Appended:
        known = tuple(dict.fromkeys((pool.mark, *marks)))
        end = self._ends.pop(pool.epoch, None)
        if end is not None and _differ(clips):
            written = await self._write(pool, _Change(end, clips, vectors, known))
            if written is not None:
                self._ends[pool.epoch] = written.tail
                return Appended([NEW] * len(clips), replace(pool, mark=written.mark))
        ids = [name for clip in clips for name in (clip.clip_id, *clip.other_ids)]
        for _ in range(_MOST_TRIES):
            look, placements = await self._look_for(
                pool,
                ids,
                list(dict.fromkeys(clip.content_hash for clip in clips)),
                partial(_rows_to_read, clips, rules),
                lambda index: [index.place(clip, rules) for clip in clips],
            )
            new = [place for place, each in enumerate(placements) if each.placing in TOOK_A_ROW]
            added = vectors if len(new) == len(clips) else vectors[new]
            written = await self._write(pool, _Change.of(look, added, known))
            if written is not None:
                if all(each.placing is Placing.ADDED for each in placements):
                    self._ends[pool.epoch] = written.tail
                return Appended(placements, replace(pool, mark=written.mark))
        raise kept_changing(pool)

    @guarded
    async def remove_clips(self, pool: Pool, clip_ids: Sequence[str]) -> Removal:
        return await self._edit(pool, clip_ids, lambda index: index.remove(clip_ids))

    @guarded
    async def rename_clip(self, pool: Pool, clip_id: str, new_id: str) -> None:
        await self._edit(pool, [clip_id, new_id], lambda index: index.rename(clip_id, new_id))

    @guarded
    async def update_clips(self, pool: Pool, updates: Sequence[ClipUpdate]) -> int:
        ids = list(dict.fromkeys(each.clip_id for each in updates))
        return await self._edit(pool, ids, lambda index: index.update(updates))

    async def _edit(self, pool: Pool, ids: Sequence[str], change: Callable[[ClipIndex], T]) -> T:
        """Make a change that adds no clips."""
        no_vectors = np.empty((0, pool.encoder.embedding_dim), np.float32)
        for _ in range(_MOST_TRIES):
            look, outcome = await self._look_for(pool, ids, [], _rows_found, change)
            if await self._write(pool, _Change.of(look, no_vectors, (pool.mark,))) is not None:
                return outcome
        raise kept_changing(pool)

    async def _write(self, pool: Pool, change: "_Change") -> "_Written | None":
        """Write a change. None if the pool is another by now than the change was made for.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            StoreWentBack: it is not what it was at its mark.
            RecordingNotFound: a new clip is a window of a recording that is not there.
        """
        if not change.clips and not change.edits:
            for mark in {*change.known_marks, change.mark or pool.mark}:
                await self.check_pool(replace(pool, mark=mark))
            return _Written(change.tail, change.mark or pool.mark)
        tail, replaced = change.tail, None
        chunks: list[Chunk] = []
        if change.clips:
            begun = await self._begin_chunk(pool, tail, change.vectors)
            if begun is None:
                return None
            replaced, vectors = begun
            first_row = tail.end_row if replaced is None else tail.first_row
            chunks = await self._chunks.write(pool, vectors, first_row)
        mark = uuid.uuid4().hex
        outcome = await self._register(pool, change, chunks, replaced, mark)
        if outcome == b"OK":
            if replaced is not None and not self._on_one_node:
                await self._chunks.unlink(pool, [replaced])
            return _Written(chunks[-1] if chunks else tail, mark)
        await self._chunks.unlink(pool, chunks)
        if outcome == b"POOL_NOT_FOUND":
            raise refusals.pool_deleted(pool.pool_id)
        if outcome == b"WENT_BACK":
            raise refusals.pool_went_back(pool.pool_id)
        if outcome.startswith(b"NO_RECORDING "):
            raise refusals.recording_deleted(pool.pool_id, outcome.split()[1].decode())
        return None  # The next look notes the contents, if it was for that.

    async def _register(
        self,
        pool: Pool,
        change: "_Change",
        chunks: Sequence[Chunk],
        replaced: Chunk | None,
        mark: str,
    ) -> bytes:
        """Run the script, and return what it says; chunks that Redis refuses are freed."""
        keys = PoolKeys(pool.pool_id)
        try:
            outcome: bytes = await self._change_pool(
                [
                    *(keys.meta, keys.clips, keys.rows, keys.chunks, keys.contents, keys.changes),
                    *(keys.marks, keys.recordings),
                ],
                pool.epoch,
                change.tail.end_row,
                change.mark,
                _lines_of(change.clips),
                json.dumps([str(chunk) for chunk in chunks]),
                "" if replaced is None else str(replaced),
                mark,
                change.edits,
                " ".join(change.known_marks),
                _KEPT_MARKS,
                f"{chunk_prefix(pool.pool_id)}{pool.epoch}:" if self._on_one_node else "",
                " ".join(recordings_of(change.clips)),
            )
        except ResponseError:
            # Redis refused it, as when it has no room. Only a repeat of what was done may find its
            # chunks registered all the same.
            if chunks and not await self._is_registered(keys, chunks[0]):
                await self._chunks.unlink(pool, chunks)
            await self._kinds(keys.all, *POOL_KINDS.values())  # Names a key of another kind.
            raise
        return outcome

    async def _is_registered(self, keys: PoolKeys, chunk: Chunk) -> bool:
        try:
            return await self._redis.lpos(keys.chunks, str(chunk)) is not None
        except ResponseError:  # Where the key is no list, nothing is.
            return False

    async def _begin_chunk(
        self, pool: Pool, tail: Chunk, vectors: Float32Array
    ) -> tuple[Chunk | None, Float32Array] | None:
        """Return the chunk that new vectors are to replace, if it has room, and all they hold.

        None if the pool's last chunk is another by now.
        """
        if not 0 < tail.row_count < CHUNK_ROWS:
            return None, vectors
        with reading(tail.key(pool)):
            rest = await self._redis.get(tail.key(pool))
        if rest is not None:
            with reading(tail.key(pool)):
                before = codec.load_vectors(rest, vectors.shape[1])
            return tail, np.concatenate([before, vectors])
        await self.check_pool(pool)
        if await self._read_tail(pool) == tail:
            raise lost_chunk(tail.key(pool))
        return None


@dataclass(frozen=True, slots=True)
class _Change:
    """A change to a pool."""

    tail: Chunk
    """The pool's last chunk before."""
    clips: Sequence[Clip]
    """New ones, each of which takes a row."""
    vectors: Float32Array
    """(n_clips, embedding_dim) float32"""
    known_marks: Sequence[str]
    """That the pool must have had."""
    mark: str = ""
    """Of the pool it was made for; empty if all that matters is that ids and contents are new."""
    edits: str = ""

    @classmethod
    def of(cls, look: Look, vectors: Float32Array, known_marks: Sequence[str]) -> "_Change":
        new_clips = look.new_clips()
        return cls(look.tail, new_clips, vectors, known_marks, look.mark, look.edits())


@dataclass(frozen=True, slots=True)
class _Written:
    """What a change left."""

    tail: Chunk
    """The pool's last chunk."""
    mark: str
    """Of the pool's last change."""


def _differ(clips: Sequence[Clip]) -> bool:
    """Whether clips can be added without looking, if their ids and contents are new."""
    if any(clip.other_ids for clip in clips):
        return False
    return len({clip.content_hash for clip in clips}) == len(clips)


def _rows_to_read(clips: Sequence[Clip], rules: ImportRules, index: ClipIndex) -> Iterable[int]:
    """Name the rows whose clips get or lose names, or get attributes, when clips are added."""
    for clip in clips:
        known = index.ids.get(clip.clip_id)
        if known is not None and known.content_hash == clip.content_hash:
            if clip.other_ids or clip.attributes:
                yield known.row
            continue
        if known is not None and rules.replace:
            yield known.row
        yield from index.contents.get(clip.content_hash, ())[:1]


def _rows_found(index: ClipIndex) -> Iterable[int]:
    return (found.row for found in index.ids.values())


def _lines_of(clips: Sequence[Clip]) -> str:
    return "".join(
        f"{clip.clip_id}\n{clip.content_hash}\n{record}\n"
        for clip, record in zip(clips, codec.dump_clips(clips), strict=True)
    )
