"""Pools: create, list, delete, and the clips in them."""

import logging
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import numpy as np

from aloe.learner.cache.clips import found_clips, no_clip
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.arrays import BoolArray, Float32Array
from aloe.learner.domain.clip_changes import ClipUpdate, Removal
from aloe.learner.domain.errors import AudioNotFound, InvalidInput, PoolNotFound, StoreDamaged
from aloe.learner.domain.filters.syntax import Filter
from aloe.learner.domain.pool import Clip, EncoderInfo, Pool
from aloe.learner.ports.audio import AudioFile, AudioStore
from aloe.learner.ports.encoder import EncoderPort
from aloe.learner.ports.pools import PoolStore
from aloe.learner.usecases.filtering import taken_rows
from aloe.learner.usecases.listing import Listing, listing_of
from aloe.learner.usecases.retiring import Retiring

MAX_EMBEDDING_DIM = 65_536
_CLIPS_PER_BLOCK = 510
_BLOCK_BYTES = 16 * 1024 * 1024
"""Of the vectors of a block, which is one message."""
_REMEDY = (
    "import its recording again: with `replace` if it has changed, and into a pool with keep_audio"
    " to have it kept"
)

_log = logging.getLogger(__name__)


class Pools:
    """Serves every call on pools but ImportClips."""

    def __init__(
        self,
        store: PoolStore,
        cache: PoolCache,
        encoder: EncoderPort,
        audio: AudioStore,
        *,
        retiring: Retiring,
        now: Callable[[], datetime],
        on_deletion: Callable[[], None],
    ) -> None:
        """Take the ports; `on_deletion` is called when a pool or clips were deleted."""
        self._store, self._cache, self._encoder = store, cache, encoder
        self._audio, self._retiring = audio, retiring
        self._now, self._on_deletion = now, on_deletion

    async def create(
        self,
        pool_id: str,
        *,
        encoder_id: str,
        fingerprint: str,
        embedding_dim: int,
        keep_audio: bool,
    ) -> Pool:
        """Create a pool, or return the one that is there with the same content.

        With a fingerprint and a dimension the embeddings come from elsewhere and the embedding
        service is not asked.

        Raises:
            InvalidInput: only one of the two is given, or the dimension is too large.
        """
        encoder = EncoderInfo(encoder_id, fingerprint, embedding_dim)
        _check_encoder(encoder)
        if not fingerprint:
            encoder = await self._encoder.describe(encoder_id)
        return await self._store.create_pool(
            Pool(pool_id, encoder, keep_audio, uuid.uuid4().hex, self._now())
        )

    async def get(self, pool_id: str) -> Pool:
        """Return a pool. Raises PoolNotFound."""
        return await self._store.read_pool(pool_id)

    async def list_after(self, pool_id: str, count: int) -> Listing[Pool]:
        """Return up to `count` pools whose ids come after one, with those that are damaged."""
        entries: list[tuple[str, Pool | StoreDamaged]] = []
        for each in await self._store.list_pool_ids():
            if each > pool_id and len(entries) <= count:
                try:
                    entries.append((each, await self._store.read_pool(each)))
                except PoolNotFound:
                    continue
                except StoreDamaged as error:  # The others go on.
                    entries.append((each, error))
        return listing_of(entries, count)

    async def delete(self, pool_id: str) -> None:
        """Delete a pool. Raises PoolNotFound and PoolInUse."""
        await self._store.delete_pool(pool_id)
        self._on_deletion()

    async def list_clips(
        self, pool_id: str, first_row: int, count: int, filter_: Filter | None = None
    ) -> tuple[Sequence[Clip], int | None]:
        """Return up to `count` clips from a row on, and the row to go on from, if any is left.

        Raises:
            PoolNotFound: there is no such pool.
            InvalidInput: the filter names a field that no clip has, or one of another kind.
        """
        if filter_ is not None:
            cached = await self._cache.fresh(pool_id)
            taken = await taken_rows(cached, filter_)
            rows = (first_row + np.flatnonzero(taken[first_row:])[: count + 1]).tolist()
            return [cached.clips[row] for row in rows[:count]], next(iter(rows[count:]), None)
        pool = await self._store.read_pool(pool_id)
        found: list[Clip] = []
        while clips := await self._store.read_clips(pool, first_row, count):
            for row, clip in enumerate(clips, first_row):
                if len(found) == count:
                    return found, row
                if not clip.is_retired:
                    found.append(clip)
            first_row += len(clips)
        return found, None

    async def export_clips(
        self, pool_id: str, skip_count: int, filter_: Filter | None = None
    ) -> AsyncIterator[tuple[Sequence[Clip], Float32Array]]:
        """Yield the clips after the first few, some at a time, each with its vector.

        Vectors are (n_clips, embedding_dim) float32.

        Raises:
            PoolNotFound: there is no such pool.
            InvalidInput: the filter names a field that no clip has, or one of another kind.
        """
        pool = await self._store.read_pool(pool_id)
        taken: BoolArray | None = None
        if filter_ is not None:
            taken = await taken_rows(await self._cache.fresh(pool_id), filter_)
        fitting = min(_CLIPS_PER_BLOCK, _BLOCK_BYTES // (4 * pool.encoder.embedding_dim))
        left, first_row = skip_count, 0
        if not pool.retired_count and taken is None:
            left, first_row = 0, skip_count
        while clips := await self._store.read_clips(pool, first_row, fitting):
            live = [place for place, clip in enumerate(clips) if not clip.is_retired]
            if taken is not None:
                here = taken[first_row : first_row + len(clips)]
                live = [place for place in live if place < len(here) and here[place]]
            left, live = max(0, left - len(live)), live[left:]
            if live:
                vectors = await self._store.read_vectors(pool, first_row, len(clips))
                yield [clips[place] for place in live], vectors[live]
            first_row += len(clips)

    async def get_clip(self, pool_id: str, clip_id: str) -> Clip:
        """Return a clip by any of its ids. Raises ClipNotFound."""
        return await self._clip_of(await self._store.read_pool(pool_id), clip_id)

    async def _clip_of(self, pool: Pool, clip_id: str) -> Clip:
        pool_id = pool.pool_id
        (found,) = await found_clips(self._store, pool_id, [clip_id])
        clip = next(iter(await self._store.read_clips(pool, found.row, 1)), None)
        # The pool was made anew meanwhile, or the clip was deleted.
        if clip is None or clip.is_retired or clip_id not in (clip.clip_id, *clip.other_ids):
            raise no_clip(pool_id, clip_id)
        return clip

    async def delete_clips(self, pool_id: str, clip_ids: Sequence[str]) -> Removal:
        """Delete clips with their labels, all or none; repeating it changes nothing.

        Raises:
            PoolNotFound: there is no such pool.
            ClipNotFound: it never held one of them.
        """
        if not clip_ids:
            raise InvalidInput.of("names", "empty; name at least one clip")
        pool = await self._store.read_pool(pool_id)
        removal = await self._store.remove_clips(pool, clip_ids)
        self._retiring.changed(pool_id)
        # Also where nothing was left to delete: whoever did it may have died before this.
        await self._retiring.retired(pool_id)
        self._on_deletion()
        return removal

    async def rename_clip(self, pool_id: str, clip_id: str, new_id: str) -> Clip:
        """Give one of a clip's names another id; return the clip.

        Raises:
            PoolNotFound: there is no such pool.
            ClipNotFound: there is no such clip.
            AlreadyExists: the new id is taken.
        """
        pool = await self._store.read_pool(pool_id)
        await self._store.rename_clip(pool, clip_id, new_id)
        self._retiring.changed(pool_id)
        return await self.get_clip(pool_id, new_id)

    async def update_clips(self, pool_id: str, updates: Sequence[ClipUpdate]) -> int:
        """Change attributes of clips, all or none; return of how many they are others now.

        Raises:
            PoolNotFound: there is no such pool.
            ClipNotFound: there is no clip of an id.
            InvalidInput: a clip would have too many attributes.
        """
        if not updates:
            raise InvalidInput.of("updates", "empty; name at least one clip")
        pool = await self._store.read_pool(pool_id)
        updated_count = await self._store.update_clips(pool, updates)
        self._retiring.changed(pool_id)
        return updated_count

    async def clip_audio(self, pool_id: str, clip: Clip) -> AudioFile:
        """Return the recording of a clip that is no window: what was embedded, or nothing.

        Raises:
            AudioNotFound: it was not kept or is damaged, and does not lie at its URI any more, or
                not where this server may read.
        """
        pool, clip_id = await self._store.read_pool(pool_id), clip.clip_id
        problems = [] if pool.keep_audio else ["the pool does not keep audio"]
        if pool.keep_audio:
            try:
                return await self._audio.read(clip)
            except AudioNotFound as error:
                _log.warning("pools/%s/clips/%s is not heard as kept: %s", pool_id, clip_id, error)
                problems.append(str(error))
        if clip.uri:
            try:
                return await self._audio.read_recording(clip)
            except AudioNotFound as error:
                problems.append(str(error))
        else:
            problems.append("it has no URI")
        raise AudioNotFound(
            f"no audio of pools/{pool_id}/clips/{clip_id}: {'; '.join(problems)}. To hear it,"
            f" {_REMEDY}"
        )


def _check_encoder(given: EncoderInfo) -> None:
    if bool(given.fingerprint) != bool(given.embedding_dim):
        alone = "encoder_fingerprint" if given.fingerprint else "embedding_dim"
        raise InvalidInput.of(
            f"pool.{alone}",
            "given alone; embeddings made elsewhere need encoder_fingerprint and embedding_dim,"
            " those of the embedding service need neither",
        )
    if given.embedding_dim > MAX_EMBEDDING_DIM:
        raise InvalidInput.of(
            "pool.embedding_dim", f"{given.embedding_dim}; at most {MAX_EMBEDDING_DIM}"
        )
