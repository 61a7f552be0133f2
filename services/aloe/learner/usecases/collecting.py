"""Kept recordings that no pool needs any more are deleted, in the background."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from functools import partial

from aloe.learner.bulkheads import COLLECTED_AUDIO, Threads
from aloe.learner.domain.errors import LearnerError, PoolNotFound
from aloe.learner.domain.pool import Clip, Pool
from aloe.learner.ports.audio import AudioStore
from aloe.learner.ports.pools import PoolStore

DEFAULT_GRACE_S = 24 * 3600.0
"""Longer than any import takes: what it has kept counts as needed before its clips are stored."""
_PAUSE_S = 3600.0
_CLIPS_PER_READ = 5_000

_log = logging.getLogger(__name__)


class AudioCollector:
    """Deletes what was kept of clips that are in no pool: of deleted pools, of imports that broke.

    Any number of learners may collect at once, and while others import. What is kept is listed
    before the clips are read, and only what nobody kept again for the grace period is deleted.
    """

    def __init__(self, store: PoolStore, audio: AudioStore, grace_s: float) -> None:
        self._store, self._audio, self._grace_s = store, audio, grace_s
        self._threads = Threads(COLLECTED_AUDIO)
        self._running: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    def start(self) -> None:
        """Begin to collect, now and every hour."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; whatever is left is collected later."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self._threads.close()

    def wake(self) -> None:
        """Collect soon: a pool or clips were deleted."""
        self._woken.set()

    async def collect(self) -> int:
        """Delete what no pool needs; return how many recordings.

        Raises:
            StoreDamaged: a pool may be there and cannot be found or read; nothing was deleted.
        """
        unneeded = await self._audio.keys()
        for pool_id in await self._store.list_all_pool_ids():
            with contextlib.suppress(PoolNotFound):  # Deleted meanwhile: it needs none.
                pool = await self._store.read_pool(pool_id)
                if pool.keep_audio:
                    await self._spare(pool, unneeded)
        return await self._audio.discard(unneeded, self._grace_s)

    async def _spare(self, pool: Pool, keys: set[str]) -> None:
        """Take the keys of a pool's clips out of some keys."""
        first_row = 0
        while clips := await self._store.read_clips(pool, first_row, _CLIPS_PER_READ):
            # On a thread: it reads the clips from their texts.
            keys -= await self._threads.run(partial(_keys_of, clips))
            first_row += len(clips)
        ids = await self._store.list_recording_ids(pool)
        for begin in range(0, len(ids), _CLIPS_PER_READ):
            some = await self._store.read_recordings(pool, ids[begin : begin + _CLIPS_PER_READ])
            keys -= {each.content_hash for each in some if each}

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                count = await self.collect()
                if count:
                    _log.info("deleted %d kept recordings that no pool needs any more", count)
            except LearnerError as error:
                _log.warning("looking for recordings that no pool needs: %s", error)
            except Exception:  # noqa: BLE001 - later it may do better
                _log.exception("looking for recordings that no pool needs failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _PAUSE_S)


def _keys_of(clips: Iterable[Clip]) -> set[str]:
    return {clip.content_hash for clip in clips if not clip.is_retired}
