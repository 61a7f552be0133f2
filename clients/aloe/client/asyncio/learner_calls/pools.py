"""What is asked of pools."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

from datetime import timedelta

from aloe.client import types
from aloe.client.asyncio.runner import AsyncRunner
from aloe.client.operations import (
    pools,
)
from aloe.client.operations.operation import Listing


class PoolCalls:
    """What is asked of pools."""

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

    async def list_pools(self, *, timeout: timedelta | None = None) -> Listing[types.Pool]:
        return await self._runner.collect(pools.list_pools(), timeout)

    async def delete_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> None:
        await self._runner.run(pools.delete_pool(pool_id), timeout)

    async def refit_pool(
        self, pool_id: str, *, timeout: timedelta | None = None
    ) -> tuple[types.PoolMap, ...]:
        return await self._runner.run(pools.refit_pool(pool_id), timeout)
