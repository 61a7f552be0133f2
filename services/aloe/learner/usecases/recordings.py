"""Recordings: get, list, delete, and what is heard of their windows."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.errors import AudioNotFound, InvalidInput
from aloe.learner.domain.pool import Clip, Pool, recordings_of
from aloe.learner.domain.windows import Recording, no_recordings
from aloe.learner.ports.pools import PoolStore
from aloe.learner.ports.recordings import (
    Context,
    RecordingDecoder,
    RecordingFile,
    RecordingFiles,
    WindowSound,
)
from aloe.learner.usecases.pools import Pools

MAX_CONTEXT_S = 60.0
_REMOVED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class CountedRecording:
    """A recording, and how many clips are windows of it."""

    recording: Recording
    window_count: int


@dataclass(frozen=True, slots=True)
class DeletedRecordings:
    """What a deletion did."""

    recording_count: int
    window_count: int


class Recordings:
    """Serves calls on recordings but ImportRecording."""

    def __init__(
        self,
        store: PoolStore,
        cache: PoolCache,
        pools: Pools,
        files: RecordingFiles,
        decoder: RecordingDecoder,
    ) -> None:
        self._store, self._cache, self._pools = store, cache, pools
        self._files, self._decoder = files, decoder

    async def get(self, pool_id: str, recording_id: str) -> CountedRecording:
        """Return a recording. Raises PoolNotFound and RecordingNotFound."""
        pool = await self._store.read_pool(pool_id)
        (found,) = await self._counted(pool, [recording_id])
        if found is None:
            raise no_recordings(pool_id, [recording_id])
        return found

    async def list_after(
        self, pool_id: str, recording_id: str, count: int
    ) -> tuple[list[CountedRecording], str]:
        """Return up to `count` recordings whose ids come after one, and the last id of more.

        Raises:
            PoolNotFound: there is no such pool.
        """
        pool = await self._store.read_pool(pool_id)
        ids = await self._store.list_recording_ids(pool)
        later = [each for each in ids if each > recording_id]
        found = await self._counted(pool, later[:count])
        last_id = later[count - 1] if len(later) > count else ""
        return [each for each in found if each is not None], last_id

    async def delete(self, pool_id: str, recording_ids: Sequence[str]) -> DeletedRecordings:
        """Delete recordings with their windows; repeating it is no error.

        It may end half-way: then some windows are left, and the same call goes on. An import that
        runs meanwhile is refused, since windows are added to recordings that are there alone.

        Raises:
            PoolNotFound: there is no such pool.
            RecordingNotFound: one is not there, and no window of it either; nothing was deleted.
        """
        if not recording_ids:
            raise InvalidInput.of("names", "empty; name at least one recording")
        pool = await self._store.read_pool(pool_id)
        await self._check_known(pool, recording_ids)
        deleted = await self._delete(pool, recording_ids)
        window_count = last_count = deleted.window_count
        # Until there are none: an import may have begun anew meanwhile.
        while last_count or await self._are_there(pool, recording_ids):
            last_count = (await self._delete(pool, recording_ids)).window_count
            window_count += last_count
        return DeletedRecordings(deleted.recording_count, window_count)

    async def _check_known(self, pool: Pool, recording_ids: Sequence[str]) -> None:
        """Refuse recordings that neither are there nor were. Raises RecordingNotFound."""
        found = await self._store.read_recordings(pool, recording_ids)
        cached = await self._cache.fresh(pool.pool_id)
        windows = await cached.columns.windows_of(set(recording_ids), cached.row_count)
        there = {*recordings_of(cached.clips[row] for row in windows)}
        there |= {each.recording_id for each in found if each}
        absent = [each for each in recording_ids if each not in there]
        if absent:
            raise no_recordings(pool.pool_id, absent)

    async def _are_there(self, pool: Pool, recording_ids: Sequence[str]) -> bool:
        return any(await self._store.read_recordings(pool, recording_ids))

    async def _delete(self, pool: Pool, recording_ids: Sequence[str]) -> DeletedRecordings:
        """Delete recordings first, so that no window is added to them, and then those there are."""
        recording_count = await self._store.remove_recordings(pool, recording_ids)
        cached = await self._cache.fresh(pool.pool_id)
        windows = await cached.columns.windows_of(set(recording_ids), cached.row_count)
        ids = [cached.clips[row].clip_id for row in windows if not cached.clips[row].is_retired]
        window_count = 0
        for begin in range(0, len(ids), _REMOVED_AT_ONCE):
            some = ids[begin : begin + _REMOVED_AT_ONCE]
            window_count += (await self._pools.delete_clips(pool.pool_id, some)).clip_count
        return DeletedRecordings(recording_count, window_count)

    async def window_audio(self, pool_id: str, clip: Clip, context: Context) -> WindowSound:
        """Cut the sound of a window out of its recording again.

        Raises:
            AudioNotFound: that was not kept, and is not where it was, or cannot be read there.
            InvalidInput: too much around it is asked for.
        """
        pool = await self._store.read_pool(pool_id)
        assert clip.window is not None  # noqa: S101 - see its caller
        file = await self._file(pool, clip)
        try:
            return await self._decoder.excerpt(
                file, clip.decoding, clip.window, clip.report.sample_rate_hz, context
            )
        finally:
            await file.close()

    async def _file(self, pool: Pool, clip: Clip) -> RecordingFile:
        assert clip.window is not None  # noqa: S101
        name = f"pools/{pool.pool_id}/recordings/{clip.window.recording_id}"
        (recording,) = await self._store.read_recordings(pool, [clip.window.recording_id])
        if recording is None or not clip.report.sample_rate_hz:
            raise AudioNotFound(f"{name}, which the clip is a window of, is not known any more")
        problems = [] if pool.keep_audio else ["the pool does not keep audio"]
        if pool.keep_audio:
            try:
                return await self._files.find_kept(recording.content_hash)
            except AudioNotFound as error:
                problems.append(str(error))
        if recording.uri:
            try:
                return await self._files.find_at(recording.uri, recording.content_hash)
            except AudioNotFound as error:
                problems.append(str(error))
        else:
            problems.append("it has no URI")
        raise AudioNotFound(
            f"no audio of {name}: {'; '.join(problems)}. To hear it, import the recording again: in"
            " a pool with keep_audio to have it kept"
        )

    async def _counted(
        self, pool: Pool, recording_ids: Sequence[str]
    ) -> list[CountedRecording | None]:
        found = await self._store.read_recordings(pool, recording_ids)
        if not any(found):
            return [None] * len(found)
        cached = await self._cache.fresh(pool.pool_id)
        counts = await _window_counts(cached)
        return [
            None if each is None else CountedRecording(each, counts.get(each.recording_id, 0))
            for each in found
        ]


async def _window_counts(cached: CachedPool) -> dict[str, int]:
    """Return how many clips, by recording, are windows of it now."""
    counts = await cached.columns.window_counts(cached.row_count, cached.retired_rows)
    return dict(counts)


def check_context(context: Context, clip: Clip) -> None:
    """Refuse more around a clip than is given; any, if it is no window. Raises InvalidInput."""
    for name, value in (("before", context.before_s), ("after", context.after_s)):
        if value and clip.window is None:
            raise InvalidInput.of(f"context_{name}", "given, and the clip is no window")
        if value > MAX_CONTEXT_S:
            raise InvalidInput.of(
                f"context_{name}", f"{value:g} s; at most {MAX_CONTEXT_S:g} s are given"
            )
