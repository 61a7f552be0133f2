"""What a change must know of a pool in Redis, read for it alone, and what the change comes to."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.chunks import Chunk
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_reads import PoolKeys, PoolReads, mark_of, parse_row
from aloe.learner.adapters.redis.scripts import Script, reading
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.clip_changes import FoundClip
from aloe.learner.domain.clip_index import ClipIndex
from aloe.learner.domain.errors import StoreDamaged, StoreUnavailable
from aloe.learner.domain.pool import Clip, Pool
from aloe.redis.connecting import RedisClient

T = TypeVar("T")
RowsOf = Callable[[ClipIndex], Iterable[int]]
"""The rows whose clips a change is likely to need, by the ids and contents that it asked for."""
NO_CHUNK = Chunk(0, 0, "")
_ROWS_PER_CALL = 1_000
_MOST_LOOKS = 200
"""At a pool that others changed meanwhile, or of which a change needs more each time."""


class _Unread(Exception):
    """A change needs something that was not read."""

    def __init__(self, key: int | str) -> None:
        super().__init__(key)
        self.key = key


class _Moved(Exception):
    """The pool was changed between two reads."""


class _ReadClips(dict[int, Clip]):
    def __missing__(self, row: int) -> Clip:
        raise _Unread(row)


class _ReadContents(dict[str, list[int]]):
    def __missing__(self, content_hash: str) -> list[int]:
        raise _Unread(content_hash)


@dataclass(slots=True)
class Look:
    """What was read of a pool, as of one moment or a later one."""

    index: ClipIndex
    mark: str
    """Of the pool's last change."""
    tail: Chunk
    """The last chunk."""
    _before: tuple[dict[str, FoundClip | int], dict[str, tuple[int, ...]]]

    @classmethod
    def of(cls, index: ClipIndex, mark: str, tail: Chunk) -> "Look":
        """Note how things were before a change."""
        contents = {each: tuple(rows) for each, rows in index.contents.items()}
        return cls(index, mark, tail, ({**index.ids, **index.freed}, contents))

    def new_clips(self) -> list[Clip]:
        """Return the clips that the change added."""
        return [self.index.clips[row] for row in range(self.tail.end_row, self.index.row_count)]

    def edits(self) -> str:
        """Return all that the change comes to but vectors and new clips, as the script takes it.

        Empty if that is nothing.
        """
        known, contents = self._before
        index = self.index
        rows: list[str] = []
        names: dict[str, FoundClip | int] = {**index.ids, **index.freed}
        for clip_id, now in names.items():
            if known.get(clip_id) != now:
                rows += clip_id, _row_text(now)
        changed = [(each, index.contents.get(each, ())) for each in {**contents, **index.contents}]
        changed = [(each, rows) for each, rows in changed if contents.get(each) != tuple(rows)]
        records = index.take_changes(self.tail.end_row)
        if not (rows or changed or records):
            return ""
        texts = [codec.dump_clip(each.clip) for each in records]
        return json.dumps(
            {
                "rows": rows,
                "records": [(each.row, text) for each, text in zip(records, texts, strict=True)],
                "contents": [
                    text
                    for each, rows in changed
                    if rows
                    for text in (each, " ".join(map(str, rows)))
                ],
                "gone": [each for each, rows in changed if not rows],
                "retired": index.retired_count,
            }
        )


def _row_text(found: FoundClip | int) -> str:
    """Write what parse_row reads."""
    return f"{found.row} {found.content_hash}" if isinstance(found, FoundClip) else str(found)


class PoolLooks(PoolReads):
    """Reads what changes need."""

    def __init__(self, client: RedisClient, pipelines: Pipelines, vectors: VectorReader) -> None:
        super().__init__(client, pipelines, vectors)
        self._index = Script(pipelines.write, "index_pool")

    async def _look_for(
        self,
        pool: Pool,
        ids: Sequence[str],
        hashes: Sequence[str],
        rows_of: RowsOf,
        change: Callable[[ClipIndex], T],
    ) -> tuple[Look, T]:
        """Read what a change of some ids and contents needs, and make it on that.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            StoreDamaged: the pool does not know a content of one of its clips.
            LearnerError: whatever the change raises.
        """
        more_rows: set[int] = set()
        more_hashes: set[str] = set()
        for _ in range(_MOST_LOOKS):
            try:
                look = await self._look(pool, ids, [*hashes, *more_hashes], rows_of, more_rows)
                return look, change(look.index)
            except _Moved:
                continue
            except _Unread as unread:
                # Each time it is another: what was asked for is there, or there is none.
                if unread.key in more_rows or unread.key in more_hashes:
                    raise refusals.pool_went_back(pool.pool_id) from unread
                if isinstance(unread.key, int):
                    more_rows.add(unread.key)
                else:
                    more_hashes.add(unread.key)
        raise kept_changing(pool)

    async def _look(
        self,
        pool: Pool,
        ids: Sequence[str],
        hashes: Sequence[str],
        rows_of: RowsOf,
        more_rows: Iterable[int],
    ) -> Look:
        keys = PoolKeys(pool.pool_id)
        # First of all: whatever comes after it makes the script refuse.
        with reading(keys.meta):
            epoch, mark, indexed = await self._read(
                "HMGET", keys.meta, "epoch", "last_change", "indexed"
            )
        if epoch != pool.epoch.encode():
            raise refusals.pool_deleted(pool.pool_id)
        if indexed != b"all":
            await self._index_contents(pool)
        tail, texts = await asyncio.gather(self._read_tail(pool), self._values(keys.rows, ids))
        contents = await self._read_contents(pool, hashes)
        index = ClipIndex(pool.pool_id, tail.end_row, contents=contents)
        with reading(keys.rows):
            rows_named = [parse_row(text) for text in texts]
        for clip_id, found in zip(ids, rows_named, strict=True):
            if isinstance(found, FoundClip):
                index.ids[clip_id] = found
            elif found is not None:
                index.freed[clip_id] = found
        rows = list(dict.fromkeys([*rows_of(index), *more_rows]))
        clips = await asyncio.gather(*(self._read_clip(pool, row) for row in rows))
        index.clips = _ReadClips(zip(rows, clips, strict=True))
        others = {clip.content_hash for clip in clips} - contents.keys()
        contents.update(await self._read_contents(pool, sorted(others)))
        odd = _what_contents_lack(index)
        if odd:
            with reading(keys.meta):
                (now,) = await self._read("HMGET", keys.meta, "last_change")
            if now != mark:
                raise _Moved
            raise StoreDamaged(keys.contents, odd)
        return Look.of(index, mark_of(pool, mark), tail)

    async def _index_contents(self, pool: Pool) -> None:
        """Note the contents of a pool that an older server filled."""
        keys = PoolKeys(pool.pool_id)
        outcome = b"MORE"
        while outcome == b"MORE":
            outcome = await self._index(
                [keys.meta, keys.clips, keys.contents], pool.epoch, _ROWS_PER_CALL
            )

    async def _read_tail(self, pool: Pool) -> Chunk:
        key = PoolKeys(pool.pool_id).chunks
        with reading(key):
            text = await self._redis.lindex(key, -1)
            return Chunk.parse(text) if text else NO_CHUNK

    async def _read_contents(self, pool: Pool, hashes: Sequence[str]) -> _ReadContents:
        key = PoolKeys(pool.pool_id).contents
        texts = await self._values(key, hashes)
        with reading(key):
            return _ReadContents(
                (each, list(map(codec.load_count, text.split())))
                for each, text in zip(hashes, texts, strict=True)
                if text is not None
            )

    async def _read_clip(self, pool: Pool, row: int) -> Clip:
        key = PoolKeys(pool.pool_id).clips
        with reading(key):
            text = await self._read("LINDEX", key, row)
        if text is None:
            await self.check_pool(pool)
            raise StoreDamaged(key, f"row {row} is missing")
        with reading(key):
            return codec.load_clip(text)


def _what_contents_lack(index: ClipIndex) -> str:
    """Say what is wrong with the contents that were read; nothing if they fit the clips."""
    for content_hash, rows in index.contents.items():
        if not rows or max(rows) >= index.row_count:
            return f"{content_hash} names rows {rows[:3]} of {index.row_count}"
    for row, clip in index.clips.items():
        if not clip.is_retired and row not in index.contents.get(clip.content_hash, ()):
            return f"{clip.content_hash} does not name row {row}"
    return ""


def kept_changing(pool: Pool) -> StoreUnavailable:
    """Say that a change was given up."""
    return StoreUnavailable(f"others kept changing pools/{pool.pool_id} meanwhile; try again")
