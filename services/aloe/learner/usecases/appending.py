"""The last step of an import: clips go to the store in the order they came, many at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import NEW, TOOK_A_ROW, ImportRules, Placement, Placing
from aloe.learner.domain.clip_index import MAX_OTHER_IDS
from aloe.learner.domain.errors import AlreadyExists, InvalidInput, LearnerError
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports.pools import CHUNK_ROWS
from aloe.learner.usecases.append_turns import AppendTurns
from aloe.learner.usecases.import_memory import Share

_APPENDED_CHUNKS, _APPENDED_BYTES = 8, 16 * 1024**2
"""Written at once: so many chunks, or fewer of long vectors, but never less than one."""


@dataclass(frozen=True, slots=True)
class BadClip:
    """A clip that was not taken."""

    clip_id: str
    error: LearnerError


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An id that became another name of a clip with the same content."""

    clip_id: str
    same_as: str
    """The clip's first name."""


@dataclass(slots=True)
class ImportReport:
    """What became of an import."""

    imported_count: int = 0
    existing_count: int = 0
    replaced_count: int = 0
    updated_count: int = 0
    """Clips that were there and have other attributes now."""
    duplicates: list[Duplicate] = field(default_factory=list)
    failures: list[BadClip] = field(default_factory=list)
    warned: list[Clip] = field(default_factory=list)
    """Clips whose recordings were taken although something was found in them."""

    def note(self, pool: Pool, clip_id: str, placement: Placement) -> None:
        """Take down what became of a clip that is not simply new."""
        self.updated_count += placement.is_updated
        match placement.placing:
            case Placing.EXISTING:
                self.existing_count += 1
            case Placing.REPLACED:
                self.replaced_count += 1
            case Placing.ALIASED:
                self.duplicates.append(Duplicate(clip_id, placement.clip_id))
            case Placing.ID_TAKEN:
                error = already_exists(pool, placement.clip_id)
                self.failures.append(BadClip(clip_id, error))
            case Placing.DUPLICATE:
                error = AlreadyExists(
                    f"it has the same content as pools/{pool.pool_id}/clips/{placement.clip_id}"
                )
                self.failures.append(BadClip(clip_id, error))
            case Placing.TOO_MANY_NAMES:
                error = AlreadyExists(
                    f"it has the same content as pools/{pool.pool_id}/clips/{placement.clip_id},"
                    f" which has {MAX_OTHER_IDS:,} other names already; import it as a clip of its"
                    " own, by the duplicate rule KEEP (--duplicates keep)"
                )
                self.failures.append(BadClip(clip_id, error))
            case Placing.TOO_MANY_ATTRIBUTES:
                where = f"pools/{pool.pool_id}/clips/{placement.clip_id}"
                problem = f"too many or too long beside those of {where}"
                self.failures.append(BadClip(clip_id, InvalidInput.of("attributes", problem)))


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

    def __init__(
        self,
        turns: AppendTurns,
        pool: Pool,
        *,
        rules: ImportRules,
        report: ImportReport,
        share: Share,
    ) -> None:
        """Begin.

        Args:
            turns: store what is appended to the pool.
            pool: the pool.
            rules: what to do with ids and contents that it holds already.
            report: is told what became of each clip.
            share: is told what blocks hold that are ready to be stored.
        """
        self._turns, self._pool, self._rules, self._report = turns, pool, rules, report
        self._share = share
        chunk_bytes = 4 * pool.encoder.embedding_dim * CHUNK_ROWS
        self._append_rows = CHUNK_ROWS * min(
            _APPENDED_CHUNKS, max(1, _APPENDED_BYTES // chunk_bytes)
        )
        self._waiting: deque[Block] = deque()
        self._ready: deque[tuple[Sequence[Clip], Float32Array]] = deque()
        self._ready_count = 0
        """Clips in `_ready`."""
        self._until_whole_chunk = -pool.row_count % CHUNK_ROWS
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
            while self._ready_count >= (count := self._until_whole_chunk + self._append_rows):
                await self._begin_append(count)
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
                self._share.grow(block.vectors.nbytes)
                self._ready.append((block.clips, block.vectors))
                self._ready_count += len(block.clips)
            else:
                return
            self._waiting.popleft()

    async def _begin_append(self, count: int) -> None:
        # One at a time keeps the order.
        await self._written()
        self._writing = asyncio.create_task(self._append(*self._take(count)))
        self._until_whole_chunk = (self._until_whole_chunk - count) % CHUNK_ROWS

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
        appended = await self._turns.append(self._pool, clips, vectors, self._rules)
        self._share.shrink(vectors.nbytes)
        # With its mark: a later append fails if the store has gone back before this one.
        self._pool, placements = appended.pool, appended.placements
        new_count = placements.count(NEW)
        self._report.imported_count += new_count
        if new_count < len(clips):
            for clip, placement in zip(clips, placements, strict=True):
                self._report.note(self._pool, clip.clip_id, placement)
        self._report.warned += [
            clip
            for clip, placement in zip(clips, placements, strict=True)
            if clip.report.warnings and placement.placing in TOOK_A_ROW
        ]


def already_exists(pool: Pool, clip_id: str) -> AlreadyExists:
    """Say that a clip is not what the pool has under its id."""
    return AlreadyExists(
        f"pools/{pool.pool_id}/clips/{clip_id} exists with other content, or another channel of"
        " this recording; give the new one another id, or import with replace (--replace), which"
        " drops the labels of the old one"
    )
