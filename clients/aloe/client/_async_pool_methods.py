"""The part of the asyncio client that is about pools and their clips."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta

from aloe.client import types
from aloe.client._asyncio import AsyncRunner
from aloe.client._operations import imports, pools


class AsyncPoolMethods:
    """What AsyncLearnerClient can do with pools."""

    _runner: AsyncRunner

    async def create_pool(
        self,
        pool_id: str,
        *,
        encoder_id: str = "",
        encoder_fingerprint: str = "",
        embedding_dim: int = 0,
        keep_audio: bool = False,
        timeout: timedelta | None = None,
    ) -> types.Pool:
        operation = pools.create_pool(
            pool_id,
            encoder_id=encoder_id,
            encoder_fingerprint=encoder_fingerprint,
            embedding_dim=embedding_dim,
            keep_audio=keep_audio,
        )
        return await self._runner.run(operation, timeout)

    async def get_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> types.Pool:
        return await self._runner.run(pools.get_pool(pool_id), timeout)

    async def list_pools(self, *, timeout: timedelta | None = None) -> tuple[types.Pool, ...]:
        return await self._runner.collect(pools.list_pools(), timeout)

    async def delete_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> None:
        await self._runner.run(pools.delete_pool(pool_id), timeout)

    async def import_clips(
        self,
        pool_id: str,
        clips: Iterable[types.NewClip],
        *,
        encoder_fingerprint: str = "",
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.ImportSummary:
        running = imports.ClipImport(
            pool_id,
            clips,
            encoder_fingerprint=encoder_fingerprint,
            max_clip_bytes=self._runner.endpoint.max_clip_bytes,
            on_progress=on_progress,
        )
        timeout = imports.stream_timeout(timeout)
        async for stored in self._runner.run_in_turn(running.operations(), timeout):
            running.add(stored)
        return running.finish()

    def list_clips(
        self, pool_id: str, *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.Clip]:
        return self._runner.pages(pools.list_clips(pool_id), timeout)

    def export_clips(
        self, pool_id: str, skip_count: int = 0, *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.EmbeddedPoolClip]:
        return self._runner.stream(pools.export_clips(pool_id, skip_count), timeout)

    async def get_clip_audio(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.ClipAudio:
        return await self._runner.run(pools.get_clip_audio(pool_id, clip_id), timeout)
