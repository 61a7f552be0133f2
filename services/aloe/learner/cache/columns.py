"""What filters look at of a pool's clips: a column for each field, made when one first asks."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

import numpy as np

from aloe.learner.bulkheads import Threads
from aloe.learner.cache.clips import PoolClips
from aloe.learner.domain.arrays import BoolArray
from aloe.learner.domain.filters.columns import Column
from aloe.learner.domain.filters.matching import matches
from aloe.learner.domain.filters.syntax import ATTRIBUTES, Filter
from aloe.learner.domain.pool import Clip
from aloe.values.attributes import AttributeValue

_FIELDS: Mapping[str, Callable[[Clip], AttributeValue | None]] = {
    "clip_id": lambda clip: clip.clip_id,
    "uri": lambda clip: clip.uri or None,
    "duration_s": lambda clip: clip.duration_s,
    "recording": lambda clip: clip.window.recording_id if clip.window else None,
    "start_s": lambda clip: clip.window.start_s if clip.window else None,
    "end_s": lambda clip: clip.window.end_s if clip.window else None,
}
_RECORDING = "recording"
_ROWS_AT_ONCE = 20_000
"""Read in one piece of work, so that others come between."""


class PoolColumns:
    """The columns of a pool, by row; they grow with it."""

    def __init__(self, clips: PoolClips, threads: Threads) -> None:
        self._clips, self._threads = clips, threads
        self._fields: dict[str, Column] = {}
        """Those that a filter named so far."""
        self._attributes: dict[str, Column] | None = None
        """None until a filter names one."""
        self._attribute_rows = 0
        """So many rows were looked through for attributes."""
        self._changed: set[int] = set()
        """Rows whose clips are others than when they were read."""
        self._lock = asyncio.Lock()

    def change(self, row: int) -> None:
        """Note that a row's clip is another now."""
        self._changed.add(row)

    async def taken_by(
        self, filter_: Filter, row_count: int, in_task: Mapping[str, Column]
    ) -> BoolArray:
        """Say which of the first clips a filter takes.

        Args:
            filter_: the filter.
            row_count: how many clips.
            in_task: what clips have in a task, by field; nothing where no task is given.

        Returns:
            (row_count,) bool

        Raises:
            InvalidInput: the filter names a field that no clip has, or one of another kind.
        """
        async with self._lock:
            if self._attributes is None and not filter_.names() <= {*_FIELDS, *in_task}:
                self._attributes = {}
            await self._read_fields(filter_.names() & _FIELDS.keys(), row_count)
            columns = {**self._named(row_count), **in_task}
            return await self._threads.run(partial(matches, filter_, columns, row_count))

    async def window_counts(self, row_count: int, retired_rows: Sequence[int]) -> Counter[str]:
        """Return how many of the first clips, less those of some rows, each recording has."""
        column = await self.recordings(row_count)
        codes = column.codes[:row_count].copy()
        codes[[row for row in retired_rows if row < row_count]] = -1
        counts = np.bincount(codes[codes >= 0], minlength=len(column.texts)).tolist()
        return Counter(dict(zip(column.texts, counts, strict=True)))

    async def windows_of(self, recording_ids: AbstractSet[str], row_count: int) -> list[int]:
        """Return the rows of the first clips that are, or were, windows of some recordings."""
        column = await self.recordings(row_count)
        wanted = [code for code, each in enumerate(column.texts) if each in recording_ids]
        rows: list[int] = np.flatnonzero(np.isin(column.codes[:row_count], wanted)).tolist()
        return rows

    async def recordings(self, row_count: int) -> Column:
        """Return of which recording each clip is a window, of the first clips at least."""
        async with self._lock:
            await self._read_fields({_RECORDING}, row_count)
            return self._fields[_RECORDING]

    async def _read_fields(self, names: Iterable[str], row_count: int) -> None:
        """Have some fields, and what is in use besides, of the first rows as they are now."""
        for name in names:
            self._fields.setdefault(name, Column())
        if self._changed:
            await self._read_changed()
        while (begin := self._read_count()) < row_count:
            rows = range(begin, min(begin + _ROWS_AT_ONCE, row_count))
            await self._threads.run(partial(self._read, rows))

    async def _read_changed(self) -> None:
        changed, self._changed = self._changed, set()
        try:
            await self._threads.run(partial(self._reread, changed))
        except BaseException:  # Then they are still to be read.
            self._changed |= changed
            raise

    def _reread(self, rows: Iterable[int]) -> None:
        """Read rows again; those that were never read come in their turn."""
        for row in rows:
            clip = self._clips[row]
            for name, column in self._fields.items():
                if row < len(column):
                    column.put(row, _FIELDS[name](clip))
            if self._attributes is not None and row < self._attribute_rows:
                self._put_attributes(self._attributes, row, clip)

    def _read_count(self) -> int:
        """Return how many rows all columns have that are in use."""
        counts = [len(column) for column in self._fields.values()]
        if self._attributes is not None:
            counts.append(self._attribute_rows)
        return min(counts, default=len(self._clips))

    def _read(self, rows: range) -> None:
        for row in rows:
            clip = self._clips[row]
            for name, column in self._fields.items():
                column.put(row, _FIELDS[name](clip))
            if self._attributes is not None:
                self._put_attributes(self._attributes, row, clip)
        if self._attributes is not None:
            self._attribute_rows = max(self._attribute_rows, rows.stop)

    def _put_attributes(self, columns: dict[str, Column], row: int, clip: Clip) -> None:
        for name, value in clip.attributes.items():
            if name not in columns:
                columns[name] = Column()
            columns[name].put(row, value)
        if row < self._attribute_rows:  # It was read before, and may have had others.
            for name in columns.keys() - clip.attributes.keys():
                columns[name].put(row, None)

    def _named(self, row_count: int) -> dict[str, Column]:
        """Return all columns by the names that filters call them."""
        attributes = self._attributes or {}
        for column in attributes.values():
            column.reach(row_count)
        by_path = {f"{ATTRIBUTES}{name}": column for name, column in attributes.items()}
        fields = {name: self._fields.get(name, Column()) for name in _FIELDS}
        return {**attributes, **by_path, **fields}
