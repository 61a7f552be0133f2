"""What is asked of the clips of a pool."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from aloe.client import types
from aloe.client.blocking.runner import SyncRunner
from aloe.client.operations import (
    imports,
    pools,
    searches,
)


class ClipCalls:
    """What is asked of the clips of a pool."""

    _runner: SyncRunner

    def import_clips(
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
        """Add clips to a pool, any number of them.

        A clip that cannot be read or taken is among the summary's failures and stops nothing. An
        import that broke off can be run again: clips that are there already are skipped.

        While one stream is sent, the clips of the next are read. So an error of the call is raised
        only when those are read; where reading them fails too, the error of the call is raised.

        Args:
            pool_id: the pool.
            clips: read as they are sent, files too.
            encoder_fingerprint: of the encoder that made the embeddings; empty vouches for them.
            duplicates: what becomes of a new id for content that the pool holds already.
            replace: give an id that has other content the new content, where it fails otherwise.
                Labels of what it was before stay in the event logs of the tasks alone.
            recordings: what clips with embeddings are windows of, as list_recordings gave them.
            on_progress: told, now and then, how many clips are done so far.
            timeout: of each stream of some hundred recordings, or some ten thousand embeddings; 10
                minutes by default.
        """
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
        for stored in self._runner.run_in_turn(running.operations(), timeout):
            running.add(stored)
        return running.finish()

    def list_clips(
        self, pool_id: str, filter: str = "", *, timeout: timedelta | None = None
    ) -> Iterator[types.Clip]:
        """Yield the clips that a filter takes, in the order of their import.

        Args:
            pool_id: the pool.
            filter: such as 'site = "north" AND NOT snr < 3'; empty takes all. The protos tell of
                the language, at ListClipsRequest.
            timeout: of a page.
        """
        return self._runner.pages(pools.list_clips(pool_id, filter), timeout)

    def export_clips(
        self,
        pool_id: str,
        skip_count: int = 0,
        filter: str = "",
        *,
        timeout: timedelta | None = None,
    ) -> Iterator[types.EmbeddedPoolClip]:
        """Yield the clips with their embeddings, in order, all but the first `skip_count`.

        With a filter, as in list_clips, those that it takes; what is skipped is of these.
        """
        return self._runner.stream(pools.export_clips(pool_id, skip_count, filter), timeout)

    def search_clips(
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
        """Find the clips of a pool that are most like an example, the most alike first.

        All clips are compared. An example that is a clip of the pool is not found.

        Args:
            pool_id: the pool.
            like: a clip's id, or its name where it is of another pool; a sound; or an embedding.
            similarity: how they are compared.
            count: at most so many, up to 10,000.
            filter: only clips that this takes, as in list_clips; with a task as in query.
            task_id: a task on the pool, for the filter and for unlabeled_only.
            unlabeled_only: only clips that are open to queries of the task.
            encoder_fingerprint: of the encoder that made an embedding; empty vouches for it.
            timeout: of the whole call.

        Raises:
            EncoderMismatch: the example is of another encoder than the pool.
        """
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
        return self._runner.run(operation, timeout)

    def get_clip(
        self, pool_id: str, clip_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        """Return a clip by any of its ids."""
        return self._runner.run(pools.get_clip(pool_id, clip_id), timeout)

    def delete_clips(
        self, pool_id: str, clip_ids: Sequence[str], *, timeout: timedelta | None = None
    ) -> types.DeletedClips:
        """Delete clips, up to 1,000 at a time, all or none, with their labels.

        By its first id a clip goes with all its names, by one of its other_ids only that name
        goes. Tasks' event logs still tell of them. NotFound where the pool never held one.
        """
        return self._runner.run(pools.delete_clips(pool_id, clip_ids), timeout)

    def update_clips(
        self,
        pool_id: str,
        updates: Iterable[types.ClipUpdate],
        *,
        timeout: timedelta | None = None,
    ) -> int:
        """Change attributes of clips, up to 1,000 at a time, all or none.

        Returns of how many clips they are others now; NotFound where the pool does not hold one.
        """
        return self._runner.run(pools.update_clips(pool_id, updates), timeout)

    def rename_clip(
        self, pool_id: str, clip_id: str, new_id: str, *, timeout: timedelta | None = None
    ) -> types.Clip:
        """Give a clip another id instead of one that it has; AlreadyExists where that is taken."""
        return self._runner.run(pools.rename_clip(pool_id, clip_id, new_id), timeout)

    def get_clip_audio(
        self,
        pool_id: str,
        clip_id: str,
        *,
        before: timedelta | None = None,
        after: timedelta | None = None,
        timeout: timedelta | None = None,
    ) -> types.ClipAudio:
        """Return the recording that a clip was imported from; of a window, what it is of it.

        Args:
            pool_id: the pool.
            clip_id: any of the clip's ids.
            before: of a window, how much of its recording is given before it; at most a minute.
            after: the same behind it.
            timeout: of the call.

        Raises:
            NotFound: it was not kept and does not lie at its URI any more, or not where the server
                may read; the message says which. No other recording is ever returned.
        """
        return self._runner.run(pools.get_clip_audio(pool_id, clip_id, before, after), timeout)
