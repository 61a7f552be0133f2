"""A pool's clips in memory, and where they stand in it."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from aloe.learner.domain.arrays import IntArray
from aloe.learner.domain.clip_changes import FoundClip
from aloe.learner.domain.errors import ClipNotFound
from aloe.learner.domain.pool import Clip
from aloe.learner.domain.windows import Window
from aloe.learner.ports.pools import PoolStore, ReadClips

_KEPT_HASHES = 65_536


class PoolClips:
    """A pool's clips by row, kept in the pieces that the store gave."""

    def __init__(self) -> None:
        self._pieces: list[ReadClips] = []
        self._begins: list[int] = []
        """For each piece, its first row."""
        self._count = 0
        self._changed: dict[int, Clip] = {}
        """Those that changed since they were read."""
        self._hashes: dict[int, str] = {}
        """Content hashes by row, of those asked for lately: mostly the same ones again."""
        self._windows: dict[int, Window | None] = {}
        """Likewise."""

    def change(self, row: int, clip: Clip) -> None:
        """Put a clip in the place of what it was before."""
        self._changed[row] = clip

    def append(self, clips: ReadClips) -> None:
        """Add clips behind the others."""
        self._pieces.append(clips)
        self._begins.append(self._count)
        self._count += len(clips)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> Clip:
        if row in self._changed:
            return self._changed[row]
        piece = bisect_right(self._begins, row) - 1
        return self._pieces[piece][row - self._begins[piece]]

    def content_hash(self, row: int) -> str:
        """Return the content hash of a row's clip, which never changes."""
        known = self._hashes.get(row)
        if known is None:
            if len(self._hashes) >= _KEPT_HASHES:
                self._hashes.clear()
            piece = bisect_right(self._begins, row) - 1
            known = self._pieces[piece].content_hash(row - self._begins[piece])
            self._hashes[row] = known
        return known

    def window(self, row: int) -> Window | None:
        """Return which part of a recording a row's clip is, which never changes."""
        if row not in self._windows:
            if len(self._windows) >= _KEPT_HASHES:
                self._windows.clear()
            self._windows[row] = self[row].window
        return self._windows[row]

    def content_hashes(self, rows: Iterable[int]) -> list[str]:
        """Return those of several rows."""
        known = self._hashes
        return [known.get(row) or self.content_hash(row) for row in rows]

    def clip_ids(self, rows: IntArray) -> list[str]:
        """Return the ids of several rows' clips, (n,) int64."""
        ids: list[str] = []
        pieces = np.searchsorted(self._begins, rows, side="right") - 1
        turns = [0, *(np.flatnonzero(np.diff(pieces)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(turns):
            if begin < end:
                piece = pieces[begin]
                places = rows[begin:end] - self._begins[piece]
                ids += self._pieces[piece].clip_ids(places.tolist())
        if self._changed:
            changed = self._changed
            ids = [
                changed[row].clip_id if row in changed else clip_id
                for row, clip_id in zip(rows.tolist(), ids, strict=True)
            ]
        return ids

    def __iter__(self) -> Iterator[Clip]:
        return (self[row] for row in range(len(self)))


def no_clip(pool_id: str, clip_id: str) -> ClipNotFound:
    """Say that a pool does not hold a clip."""
    return ClipNotFound(f"pools/{pool_id} holds no clip {clip_id!r}")


async def found_clips(store: PoolStore, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip]:
    """Return where clips stand. A pool that is read after this has their rows.

    Raises:
        ClipNotFound: the pool does not hold one.
    """
    clips = []
    for clip_id, found in zip(clip_ids, await store.find_clips(pool_id, clip_ids), strict=True):
        if found is None:
            raise no_clip(pool_id, clip_id)
        clips.append(found)
    return clips
