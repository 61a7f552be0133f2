"""Pools in memory."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from aloe.learner.adapters import refusals
from aloe.learner.adapters.memory.pool_maps import MemoryPoolMaps
from aloe.learner.adapters.memory.state import StoredPool
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import TOOK_A_ROW, ClipUpdate, FoundClip, ImportRules, Removal
from aloe.learner.domain.clip_index import ClipIndex
from aloe.learner.domain.pool import ChangedClip, Clip, Pool, recordings_of
from aloe.learner.domain.windows import Recording
from aloe.learner.ports.pools import NO_RULES, Appended


class _Clips(list[Clip]):
    def clip_ids(self, places: Sequence[int]) -> list[str]:
        return [self[place].clip_id for place in places]

    def content_hash(self, place: int) -> str:
        return self[place].content_hash


class MemoryPools(MemoryPoolMaps):
    """The PoolStore of a process."""

    async def create_pool(self, pool: Pool) -> Pool:
        stored = self._tables.pools.setdefault(pool.pool_id, StoredPool(pool))
        if not stored.pool.same_content(pool):
            raise refusals.pool_id_taken(stored.pool)
        return await self.read_pool(pool.pool_id)

    async def list_all_pool_ids(self) -> list[str]:
        return await self.list_pool_ids()

    async def list_pool_ids(self) -> list[str]:
        return sorted(self._tables.pools)

    async def delete_pool(self, pool_id: str) -> None:
        await self.read_pool(pool_id)
        tasks = self._tables.tasks.items()
        users = sorted(task_id for task_id, stored in tasks if stored.task.pool_id == pool_id)
        if users:
            raise refusals.pool_in_use(pool_id, users)
        del self._tables.pools[pool_id]

    async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
        stored = self._tables.pools.get(pool_id)
        return [None if stored is None else stored.index.ids.get(each) for each in clip_ids]

    async def append_clips(
        self,
        pool: Pool,
        clips: Sequence[Clip],
        vectors: Float32Array,
        rules: ImportRules = NO_RULES,
        *,
        marks: Sequence[str] = (),
    ) -> Appended:
        stored = self._fenced_pool(pool)
        for mark in marks:
            self._fenced_pool(replace(pool, mark=mark))
        for recording_id in recordings_of(stored.index.unknown(clips)):
            if recording_id not in stored.recordings:
                raise refusals.recording_deleted(pool.pool_id, recording_id)
        with _changing(stored) as index:
            placements = [index.place(clip, rules) for clip in clips]
        new = [place for place, each in enumerate(placements) if each.placing in TOOK_A_ROW]
        stored.vectors = np.vstack([stored.vectors, vectors[new]])
        return Appended(placements, replace(pool, mark=stored.marks[-1]))

    async def remove_clips(self, pool: Pool, clip_ids: Sequence[str]) -> Removal:
        with _changing(self._fenced_pool(pool)) as index:
            return index.remove(clip_ids)

    async def rename_clip(self, pool: Pool, clip_id: str, new_id: str) -> None:
        with _changing(self._fenced_pool(pool)) as index:
            index.rename(clip_id, new_id)

    async def update_clips(self, pool: Pool, updates: Sequence[ClipUpdate]) -> int:
        with _changing(self._fenced_pool(pool)) as index:
            return index.update(updates)

    async def read_clips(self, pool: Pool, first_row: int, count: int) -> "_Clips":
        index = self._fenced_pool(pool).index
        end_row = min(first_row + count, index.row_count)
        return _Clips(index.clips[row] for row in range(first_row, end_row))

    async def read_changes(self, pool: Pool, first: int, count: int) -> Sequence[ChangedClip]:
        return self._fenced_pool(pool).changes[first : first + count]

    async def put_recording(
        self, pool: Pool, recording: Recording, *, is_known: bool = False
    ) -> None:
        recordings = self._fenced_pool(pool).recordings
        if is_known and recording.recording_id not in recordings:
            raise refusals.recording_deleted(pool.pool_id, recording.recording_id)
        known = recordings.setdefault(recording.recording_id, recording)
        if known.content_hash != recording.content_hash:
            raise refusals.recording_id_taken(pool.pool_id, recording)
        recordings[recording.recording_id] = recording

    async def list_recording_ids(self, pool: Pool) -> list[str]:
        return sorted(self._fenced_pool(pool).recordings)

    async def read_recordings(
        self, pool: Pool, recording_ids: Sequence[str]
    ) -> list[Recording | None]:
        recordings = self._fenced_pool(pool).recordings
        return [recordings.get(each) for each in recording_ids]

    async def remove_recordings(self, pool: Pool, recording_ids: Sequence[str]) -> int:
        recordings = self._fenced_pool(pool).recordings
        gone = [recordings.pop(each, None) for each in recording_ids]
        return sum(each is not None for each in gone)

    async def read_vectors(
        self,
        pool: Pool,
        first_row: int,
        at_most: int | None = None,
        out: Float32Array | None = None,
    ) -> Float32Array:
        vectors = self._fenced_pool(pool).vectors[first_row:][:at_most]
        filled = np.empty_like(vectors) if out is None else out[: len(vectors)]
        filled[:] = vectors
        return filled


@contextlib.contextmanager
def _changing(stored: StoredPool) -> Iterator[ClipIndex]:
    row_count = stored.index.row_count
    yield stored.index
    changes = stored.index.take_changes(row_count)
    stored.changes += changes
    if changes or stored.index.row_count > row_count:
        stored.marks.append(uuid.uuid4().hex)
