"""What is asked of the clips of a pool."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import timedelta

from aloe.client import types
from aloe.client.asyncio.runner import AsyncRunner
from aloe.client.operations import (
    imports,
    pools,
    searches,
)


class ClipCalls:
    """What is asked of the clips of a pool."""

    _runner: AsyncRunner

    async def import_clips(
        self,
        pool_id: str,
        clips: Iterable[types.NewClip],
        *,
        encoder_fingerprint: str = "",
        duplicates: types.DuplicateRule = types.DuplicateRule.ALIAS,
        replace: bool = False,
        recordings: Sequence[types.PoolRecording] = (),
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.ImportSummary:
        running = imports.ClipImport(
            pool_id,
            clips,
            encoder_fingerprint=encoder_fingerprint,
            duplicates=duplicates,
            replace=replace,
            recordings=recordings,
            max_clip_bytes=self._runner.endpoint.max_clip_bytes,
            on_progress=on_progress,
        )
        timeout = imports.stream_timeout(timeout)
        async for stored in self._runner.run_in_turn(running.operations(), timeout):
            running.add(stored)
        return running.finish()

    def list_clips(
        self, pool_id: str, filter: str = "", *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.Clip]:
        return self._runner.pages(pools.list_clips(pool_id, filter), timeout)

    def export_clips(
        self,
        pool_id: str,
        skip_count: int = 0,
        filter: str = "",
        *,
        timeout: timedelta | None = None,
    ) -> AsyncIterator[types.EmbeddedPoolClip]:
        return self._runner.stream(pools.export_clips(pool_id, skip_count, filter), timeout)

    async def search_clips(
        self,
        pool_id: str,
        like: types.Like,
        *,
        similarity: types.Similarity = types.Similarity.COSINE,
        count: int = 50,
        filter: str = "",
        task_id: str | None = None,
        unlabeled_only: bool = False,
        encoder_fingerprint: str = "",
        timeout: timedelta | None = None,
    ) -> types.SearchResults:
        operation = searches.search_clips(
            pool_id,
            like,
            similarity=similarity,
            count=count,
            filter=filter,
            task_id=task_id,
            unlabeled_only=unlabeled_only,
            encoder_fingerprint=encoder_fingerprint,
            max_bytes=self._runner.endpoint.max_clip_bytes,
        )
        return await self._runner.run(operation, timeout)

    async def get_clip(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        return await self._runner.run(pools.get_clip(pool_id, clip_id), timeout)

    async def delete_clips(
        self, pool_id: str, clip_ids: Sequence[str], *, timeout: timedelta | None = None
    ) -> types.DeletedClips:
        return await self._runner.run(pools.delete_clips(pool_id, clip_ids), timeout)

    async def update_clips(
        self,
        pool_id: str,
        updates: Iterable[types.ClipUpdate],
        *,
        timeout: timedelta | None = None,
    ) -> int:
        return await self._runner.run(pools.update_clips(pool_id, updates), timeout)

    async def rename_clip(
        self, pool_id: str, clip_id: str, new_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        return await self._runner.run(pools.rename_clip(pool_id, clip_id, new_id), timeout)

    async def get_clip_audio(
        self,
        pool_id: str,
        clip_id: str,
        *,
        before: timedelta | None = None,
        after: timedelta | None = None,
        timeout: timedelta | None = None,
    ) -> types.ClipAudio:
        return await self._runner.run(
            pools.get_clip_audio(pool_id, clip_id, before, after), timeout
        )
