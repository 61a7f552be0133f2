"""The part of the blocking client that is about pools and their clips."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from aloe.client import types
from aloe.client._operations import imports, pools
from aloe.client._sync import SyncRunner


class PoolMethods:
    """What LearnerClient can do with pools."""

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
            keep_audio: let get_clip_audio serve the imported audio.
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

    def list_pools(self, *, timeout: timedelta | None = None) -> tuple[types.Pool, ...]:
        return self._runner.collect(pools.list_pools(), timeout)

    def delete_pool(self, pool_id: str, *, timeout: timedelta | None = None) -> None:
        """Delete a pool and its clips; FailedPrecondition while a task uses it."""
        self._runner.run(pools.delete_pool(pool_id), timeout)

    def import_clips(
        self,
        pool_id: str,
        clips: Iterable[types.NewClip],
        *,
        encoder_fingerprint: str = "",
        on_progress: Callable[[int], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.ImportSummary:
        """Add clips to a pool, any number of them.

        A clip that cannot be read or taken is among the summary's failures and stops nothing. An
        import that broke off can be run again: clips that are there already are skipped.

        While one stream is under way, `clips` is read on for the next: an error that ends the
        import is raised once those are read, and in preference to one that `clips` raises.

        Args:
            pool_id: the pool.
            clips: read as they are sent, files too.
            encoder_fingerprint: of the encoder that made the embeddings; empty vouches for them.
            on_progress: told, now and then, how many clips are done so far.
            timeout: of each stream of some hundred recordings, or some ten thousand embeddings; 10
                minutes by default.
        """
        running = imports.ClipImport(
            pool_id,
            clips,
            encoder_fingerprint=encoder_fingerprint,
            max_clip_bytes=self._runner.endpoint.max_clip_bytes,
            on_progress=on_progress,
        )
        timeout = imports.stream_timeout(timeout)
        for stored in self._runner.run_in_turn(running.operations(), timeout):
            running.add(stored)
        return running.finish()

    def list_clips(self, pool_id: str, *, timeout: timedelta | None = None) -> Iterator[types.Clip]:
        """Yield the clips in the order of their import; the timeout is that of a page."""
        return self._runner.pages(pools.list_clips(pool_id), timeout)

    def export_clips(
        self, pool_id: str, skip_count: int = 0, *, timeout: timedelta | None = None
    ) -> Iterator[types.EmbeddedPoolClip]:
        """Yield the clips with their embeddings, in order, all but the first `skip_count`."""
        return self._runner.stream(pools.export_clips(pool_id, skip_count), timeout)

    def get_clip_audio(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.ClipAudio:
        """Return the recording of a clip; NotFound where it was not kept."""
        return self._runner.run(pools.get_clip_audio(pool_id, clip_id), timeout)
