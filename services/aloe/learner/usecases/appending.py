"""The last step of an import: clips go to the store in the order they came, many at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import AlreadyExists, LearnerError
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports import CHUNK_ROWS, PoolStore

_APPEND_ROWS = 8 * CHUNK_ROWS
"""Clips written at once."""


@dataclass(frozen=True, slots=True)
class BadClip:
    """A clip that was not taken."""

    clip_id: str
    error: LearnerError


@dataclass(slots=True)
class ImportReport:
    """What became of an import."""

    imported_count: int = 0
    existing_count: int = 0
    failures: list[BadClip] = field(default_factory=list)
    warned: list[Clip] = field(default_factory=list)
    """Clips whose recordings were taken although something was found in them."""


@dataclass(slots=True)
class Block:
    """Clips on their way to the store, which keep their place in the order."""

    clips: Sequence[Clip]
    vectors: Float32Array | None = None
    """(n_clips, embedding_dim) float32; None until they are known."""
    error: LearnerError | None = None
    """Why they cannot be taken."""


class Appender:
    """Stores blocks in the order they were added, whatever the order they become ready in."""

    def __init__(self, store: PoolStore, pool: Pool, report: ImportReport) -> None:
        self._store, self._pool, self._report = store, pool, report
        self._waiting: deque[Block] = deque()
        self._ready: deque[tuple[Sequence[Clip], Float32Array]] = deque()
        self._ready_count = 0
        """Clips in `_ready`."""
        self._until_whole_chunk = -pool.clip_count % CHUNK_ROWS
        """Clips that fill up the pool's last chunk, so that later chunks are written once."""
        self._appending = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        """The last append, while more clips come in."""

    def add(self, block: Block) -> None:
        """Add a block behind the others; it may become ready later."""
        self._waiting.append(block)

    async def append_ready(self, *, all_of_them: bool = False) -> None:
        """Begin to store the ready blocks in front, if there are enough clips in them.

        With `all_of_them`, store them however few they are, and wait until that is done.
        """
        async with self._appending:
            self._sort_ready()
            while self._ready_count >= (count := self._until_whole_chunk + _APPEND_ROWS):
                await self._begin_append(count)
                self._until_whole_chunk = 0
            if all_of_them:
                if self._ready_count:
                    await self._begin_append(self._ready_count)
                await self._written()

    def cancel(self) -> None:
        """Let go of the store, if it still works for this import."""
        if self._writing:
            self._writing.cancel()

    def _sort_ready(self) -> None:
        while self._waiting:
            block = self._waiting[0]
            if block.error is not None:
                error = block.error
                self._report.failures += [BadClip(clip.clip_id, error) for clip in block.clips]
            elif block.vectors is not None:
                self._ready.append((block.clips, block.vectors))
                self._ready_count += len(block.clips)
            else:
                return
            self._waiting.popleft()

    async def _begin_append(self, count: int) -> None:
        # One at a time keeps the order.
        await self._written()
        self._writing = asyncio.create_task(self._append(*self._take(count)))

    async def _written(self) -> None:
        if self._writing:
            await self._writing

    def _take(self, count: int) -> tuple[list[Clip], Float32Array]:
        """Take the first clips that are ready, with their vectors."""
        clips: list[Clip] = []
        vectors: list[Float32Array] = []
        while len(clips) < count:
            some, rows = self._ready.popleft()
            room = count - len(clips)
            if len(some) > room:
                self._ready.appendleft((some[room:], rows[room:]))
                some, rows = some[:room], rows[:room]
            clips += some
            vectors.append(rows)
        self._ready_count -= count
        return clips, np.concatenate(vectors)

    async def _append(self, clips: Sequence[Clip], vectors: Float32Array) -> None:
        first_places: dict[str, int] = {}
        for place, clip in enumerate(clips):
            first_places.setdefault(clip.clip_id, place)
        firsts, first_vectors = clips, vectors
        if len(first_places) < len(clips):
            places = list(first_places.values())
            firsts, first_vectors = [clips[place] for place in places], vectors[places]
        found = await self._store.append_clips(self._pool, firsts, first_vectors)
        imported_count = found.count(None)
        self._report.imported_count += imported_count
        if imported_count == len(clips):
            return
        stored = dict(zip(first_places, found, strict=True))
        for place, clip in enumerate(clips):
            other = stored[clip.clip_id]
            if other is None:
                first_place = first_places[clip.clip_id]
                if first_place == place:
                    continue
                known_hash = clips[first_place].content_hash
            else:
                known_hash = other.content_hash
            self._count_known(clip, known_hash)

    def _count_known(self, clip: Clip, known_hash: str) -> None:
        if clip.content_hash == known_hash:
            self._report.existing_count += 1
        else:
            error = already_exists(self._pool, clip.clip_id)
            self._report.failures.append(BadClip(clip.clip_id, error))


def already_exists(pool: Pool, clip_id: str) -> AlreadyExists:
    """Say that a clip is not what the pool has under its id."""
    return AlreadyExists(
        f"pools/{pool.pool_id}/clips/{clip_id} exists with other content; give the new recording"
        " another id"
    )
