"""What imports into one pool append, a write at a time: those of few clips that wait go together.

Each write costs several trips to the store, and the pool's last chunk anew. Where many callers
import a clip each, all that came during one write are the next.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import ImportRules
from aloe.learner.domain.errors import LearnerError, RecordingNotFound, StoreWentBack
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports.pools import Appended, PoolStore

_FEW_CLIPS, _MOST_CLIPS = 64, 512
"""Of an append that may go with others, and of all that go together."""


@dataclass(frozen=True, slots=True, eq=False)
class _Append:
    """What an import waits to have stored."""

    pool: Pool
    clips: Sequence[Clip]
    vectors: Float32Array
    rules: ImportRules
    outcome: asyncio.Future[Appended] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def goes_with(self, first: "_Append", ids: set[str]) -> bool:
        """Whether it may be stored by the same write as others, with some ids."""
        return (
            len(self.clips) <= _FEW_CLIPS
            and (self.rules, self.pool.epoch) == (first.rules, first.pool.epoch)
            and ids.isdisjoint(self.ids)
        )

    @property
    def ids(self) -> set[str]:
        return {name for clip in self.clips for name in (clip.clip_id, *clip.other_ids)}


class AppendTurns:
    """The appends of one process to one pool; those of others make a write begin anew."""

    def __init__(self, store: PoolStore) -> None:
        self._store = store
        self._waiting: deque[_Append] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._written: list[_Append] = []
        """What is being written."""

    async def append(
        self, pool: Pool, clips: Sequence[Clip], vectors: Float32Array, rules: ImportRules
    ) -> Appended:
        """Do what PoolStore.append_clips does, at its turn, perhaps with others."""
        own = _Append(pool, clips, vectors, rules)
        self._waiting.append(own)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        try:
            return await own.outcome
        finally:
            self._let_go(own)

    def _let_go(self, own: _Append) -> None:
        """End what nobody waits for any more."""
        own.outcome.cancel()
        if own in self._waiting:
            self._waiting.remove(own)
        if self._writing and self._written and not any(map(_is_awaited, self._written)):
            self._writing.cancel()
            self._written = []
            self._writing = asyncio.create_task(self._write_all()) if self._waiting else None

    async def _write_all(self) -> None:
        while self._waiting:
            self._written = self._take()
            try:
                await self._write(self._written)
            except Exception as error:  # noqa: BLE001 - it is of those who wait
                for each in self._written:
                    _tell(each, error)
            self._written = []
        self._writing = None

    def _take(self) -> list[_Append]:
        """Take what is written next, in the order it came."""
        first = self._waiting.popleft()
        together, ids, count = [first], first.ids, len(first.clips)
        while self._waiting and len(first.clips) <= _FEW_CLIPS:
            following = self._waiting[0]
            count += len(following.clips)
            if count > _MOST_CLIPS or not following.goes_with(first, ids):
                break
            ids |= following.ids
            together.append(self._waiting.popleft())
        return together

    async def _write(self, together: Sequence[_Append]) -> None:
        first = together[0]
        try:
            appended = await self._store.append_clips(
                first.pool,
                [clip for each in together for clip in each.clips],
                np.concatenate([each.vectors for each in together]),
                first.rules,
                marks=[each.pool.mark for each in together[1:]],
            )
        except (StoreWentBack, RecordingNotFound):
            if len(together) == 1:
                raise
            # It may have gone back before some began, and a recording be of others.
            for each in together:
                await self._write_alone(each)
            return
        begin = 0
        for each in together:
            end = begin + len(each.clips)
            pool = replace(each.pool, mark=appended.pool.mark)
            if not each.outcome.done():
                each.outcome.set_result(Appended(appended.placements[begin:end], pool))
            begin = end

    async def _write_alone(self, one: _Append) -> None:
        try:
            await self._write([one])
        except LearnerError as error:
            _tell(one, error)


def _is_awaited(one: _Append) -> bool:
    return not one.outcome.cancelled()


def _tell(one: _Append, error: Exception) -> None:
    if not one.outcome.done():
        one.outcome.set_exception(error)
