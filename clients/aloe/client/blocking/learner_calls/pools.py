"""What is asked of pools."""

from datetime import timedelta

from aloe.client import types
from aloe.client.blocking.runner import SyncRunner
from aloe.client.operations import (
    pools,
)
from aloe.client.operations.operation import Listing


class PoolCalls:
    """What is asked of pools."""

    _runner: SyncRunner

    def create_pool(
        self,
        pool_id: str,
        *,
        encoder_id: str = "",
        encoder_fingerprint: str = "",
        embedding_dim: int = 0,
        keep_audio: bool = False,
        timeout: timedelta | None = None,
    ) -> types.Pool:
        """Create a pool; an equal one that exists is no error.

        Args:
            pool_id: 1 to 128 letters, digits, '_', '-', '.' or '~'.
            encoder_id: empty for the embedding service's default.
            encoder_fingerprint: only for embeddings made elsewhere, with embedding_dim.
            embedding_dim: see encoder_fingerprint.
            keep_audio: keep the imported audio, so that get_clip_audio has it for good.
            timeout: of the whole call.
        """
        operation = pools.create_pool(
            pool_id,
            encoder_id=encoder_id,
            encoder_fingerprint=encoder_fingerprint,
            embedding_dim=embedding_dim,
            keep_audio=keep_audio,
        )
        return self._runner.run(operation, timeout)

    def get_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> types.Pool:
        return self._runner.run(pools.get_pool(pool_id), timeout)

    def list_pools(self, *, timeout: timedelta | None = None) -> Listing[types.Pool]:
        return self._runner.collect(pools.list_pools(), timeout)

    def delete_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> None:
        """Delete a pool and its clips; FailedPrecondition while a task uses it."""
        self._runner.run(pools.delete_pool(pool_id), timeout)

    def refit_pool(
        self, pool_id: str, *, timeout: timedelta | None = None
    ) -> tuple[types.PoolMap, ...]:
        """Fit the maps that tasks on a pool read anew, on the clips that it has now.

        Heads read them from the next one of each task on. Returns the newest map of each kind.
        FailedPrecondition where the pool has no clips, or no task reads a map.
        """
        return self._runner.run(pools.refit_pool(pool_id), timeout)
