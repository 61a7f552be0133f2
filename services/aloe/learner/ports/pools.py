"""A store of pools; `store` says what holds for all of its methods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import ClipUpdate, FoundClip, ImportRules, Placement, Removal
from aloe.learner.domain.pool import ChangedClip, Clip, Pool
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.domain.windows import Recording
from aloe.values.representations import Representation

CHUNK_ROWS = 255
"""Vectors that a store keeps in one piece: appending whole pieces saves it work. One short of a
power of two, which saves a quarter of Redis's memory."""
NO_RULES = ImportRules()
"""What an import does that says nothing."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append came to."""

    placements: list[Placement]
    """One for each clip."""
    pool: Pool
    """With the mark of this append; its counts are those of before."""


class ReadClips(Protocol):
    """Clips that were read, by their places."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> Clip: ...
    def __iter__(self) -> Iterator[Clip]: ...
    def clip_ids(self, places: Sequence[int]) -> list[str]:
        """Return the ids of some clips, which takes less time than reading all of them."""

    def content_hash(self, place: int) -> str:
        """Return a clip's content hash, likewise."""


class PoolStore(Protocol):
    """Keeps pools, their clips and their vectors.

    Rows are only ever added, behind the last, and their vectors never change. What names a row may
    change (domain/clip_index says how); each such change is counted by the pool and kept in order.

    But the store may go back to an earlier state, and other rows may follow then. Every change has
    a mark, and a Pool has that of the last one when it was read. What is read by such a Pool raises
    StoreWentBack unless all that led up to its mark is still so; where the mark is very old, it may
    be raised all the same.
    """

    async def create_pool(self, pool: Pool) -> Pool:
        """Create it, or return the one that is there with the same content.

        Raises:
            AlreadyExists: the id is taken by another.
        """

    async def read_pool(self, pool_id: str) -> Pool:
        """Return the pool as it is now. Raises PoolNotFound."""

    async def check_pool(self, pool: Pool) -> None:
        """Say whether a pool is still what it was at its mark, with what followed.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            StoreWentBack: it is not.
        """

    async def list_pool_ids(self) -> list[str]:
        """Return the ids, sorted."""

    async def list_all_pool_ids(self) -> list[str]:
        """Return the ids, sorted, after a look whether a pool is there that is not listed.

        Raises:
            StoreDamaged: one is, or there is some of a pool and not the pool.
        """

    async def delete_pool(self, pool_id: str) -> None:
        """Delete it. Raises PoolNotFound, and PoolInUse while it has tasks."""

    async def find_clips(self, pool_id: str, clip_ids: Sequence[str]) -> list[FoundClip | None]:
        """Look clips up by any of their ids, one result for each; no pool holds none."""

    async def append_clips(
        self,
        pool: Pool,
        clips: Sequence[Clip],
        vectors: Float32Array,
        rules: ImportRules = NO_RULES,
        *,
        marks: Sequence[str] = (),
    ) -> Appended:
        """Add clips in order, where the rules let them; say what became of each.

        Args:
            pool: the pool.
            clips: with ids that differ from each other.
            vectors: (n_clips, embedding_dim) float32.
            rules: what to do with ids and contents that are there.
            marks: others that the pool must have had, besides that of `pool`.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            StoreWentBack: the pool is not what it was at one of the marks, and what followed.
            RecordingNotFound: a clip to add is a window of a recording that is not there.
        """

    async def remove_clips(self, pool: Pool, clip_ids: Sequence[str]) -> Removal:
        """Delete clips, all or none, as ClipIndex.remove says.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            ClipNotFound: the pool never held one of them.
        """

    async def rename_clip(self, pool: Pool, clip_id: str, new_id: str) -> None:
        """Give one of a clip's names another id; repeating it changes nothing.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            ClipNotFound: there is no such clip.
            AlreadyExists: the new id is taken.
        """

    async def update_clips(self, pool: Pool, updates: Sequence[ClipUpdate]) -> int:
        """Change attributes of clips, all or none; return of how many they are others now.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            ClipNotFound: there is no clip of an id.
            InvalidInput: a clip would have too many attributes.
        """

    async def read_clips(self, pool: Pool, first_row: int, count: int) -> ReadClips:
        """Return up to `count` clips from a row on, retired ones too.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def read_changes(self, pool: Pool, first: int, count: int) -> Sequence[ChangedClip]:
        """Return up to `count` changes to clips that were there, from one on, in order.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def put_recording(
        self, pool: Pool, recording: Recording, *, is_known: bool = False
    ) -> None:
        """Keep a recording, in the place of what was kept of it before.

        Args:
            pool: the pool.
            recording: the recording.
            is_known: whether it must be there.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            RecordingNotFound: it is known, and is not there any more.
            AlreadyExists: one of other content has its id.
        """

    async def list_recording_ids(self, pool: Pool) -> list[str]:
        """Return the ids of a pool's recordings, sorted.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def read_recordings(
        self, pool: Pool, recording_ids: Sequence[str]
    ) -> list[Recording | None]:
        """Return recordings, None for each that is not there.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def remove_recordings(self, pool: Pool, recording_ids: Sequence[str]) -> int:
        """Delete recordings, not their windows; return how many were there.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def list_map_names(self, pool: Pool) -> list[str]:
        """Return the names of the maps that were fitted on a pool.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def read_map(self, pool_id: str, name: str) -> PoolMap:
        """Return a map of a pool, whose contents decide its name.

        Raises:
            PoolNotFound: there is no such pool.
            StoreDamaged: it is gone, or cannot be read.
        """

    async def add_map(self, pool: Pool, pool_map: PoolMap) -> None:
        """Keep a map; repeating it changes nothing.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def begin_fit(
        self, pool: Pool, kind: Representation, fitter_id: str, hold: timedelta
    ) -> bool:
        """Take the right to fit a pool's next map of a kind, or have it for longer.

        It is for saving work: who fits all the same does no harm.

        Returns:
            Whether the fitter has it now; not while another does, until its hold runs out.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def end_fit(self, pool: Pool, kind: Representation, fitter_id: str) -> None:
        """Give that right back; nothing happens where the fitter does not have it."""

    async def read_mapped(
        self, pool: Pool, map_name: str, first_row: int, out: Float32Array
    ) -> list[range]:
        """Read what is kept of the vectors that a map made of a pool's rows.

        Args:
            pool: the pool.
            map_name: of the map.
            first_row: of the rows to read.
            out: (n, out_dim) float32, filled where they are kept. When this ends, in an error or a
                cancellation too, nobody writes to it any more.

        Returns:
            The places in `out` that are not filled, ascending.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """

    async def keep_mapped(
        self, pool: Pool, map_name: str, first_row: int, vectors: Float32Array
    ) -> None:
        """Keep what a map made of rows of a pool, until the pool goes, or no head reads the map.

        What is kept already is left alone, and so are rows that may yet get others beside them in
        a piece. It may end half-way: what is kept of that is good.

        Args:
            pool: the pool, as it was when its rows were read.
            map_name: of the map.
            first_row: of `vectors`.
            vectors: (n, out_dim) float32

        Raises:
            PoolNotFound: the pool was deleted or made anew.
            StoreFull: there would be little room left for what follows from nothing else.
        """

    async def read_vectors(
        self,
        pool: Pool,
        first_row: int,
        at_most: int | None = None,
        out: Float32Array | None = None,
    ) -> Float32Array:
        """Return vectors from a row on, all or up to a number.

        When this ends, in an error or a cancellation too, nobody writes to `out` any more.

        Args:
            pool: the pool.
            first_row: of the first one.
            at_most: how many; None for all there are.
            out: (at_most, embedding_dim) float32, filled from its first row on if it is given.

        Returns:
            (n, embedding_dim) float32, the filled rows of `out` if it was given.

        Raises:
            PoolNotFound: the pool was deleted or made anew.
        """
