"""ImportClips: audio, embeddings or URIs into a pool."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from aloe.learner.bulkheads import HASHING, Threads
from aloe.learner.domain.clip_changes import ImportRules
from aloe.learner.domain.errors import EncoderMismatch
from aloe.learner.domain.pool import Pool
from aloe.learner.ports.audio import AudioStore
from aloe.learner.ports.encoder import EncoderPort
from aloe.learner.ports.pools import NO_RULES, PoolStore
from aloe.learner.usecases.append_turns import AppendTurns
from aloe.learner.usecases.appending import Appender, ImportReport
from aloe.learner.usecases.import_memory import DEFAULT_LIMITS, ImportLimits, ImportMemory
from aloe.learner.usecases.import_run import Batch, ImportRun
from aloe.learner.usecases.keeping import Keeper
from aloe.learner.usecases.retiring import Retiring

M = TypeVar("M")


class Importer:
    """Serves ImportClips."""

    def __init__(
        self,
        store: PoolStore,
        encoder: EncoderPort,
        audio: AudioStore,
        retiring: Retiring,
        limits: ImportLimits = DEFAULT_LIMITS,
    ) -> None:
        """Take the ports; `retiring` is told of each pool that clips were added to."""
        self._store, self._encoder, self._audio = store, encoder, audio
        self._retiring, self._memory = retiring, ImportMemory(limits)
        self._hashing = Threads(HASHING)
        self._turns: WeakValueDictionary[str, AppendTurns] = WeakValueDictionary()
        """By pool."""

    def messages(self, stream: AsyncIterator[M], caller: str = "") -> AsyncIterator[M]:
        """Read the stream of a caller's import, as fast as there is room for what comes.

        Raises:
            StreamIdle: nothing came for too long.
            Overloaded: nothing came for a while, and other imports need the room.
        """
        return self._memory.messages(stream, caller)

    @contextmanager
    def appending(self, pool: Pool, caller: str) -> Iterator[tuple[Appender, ImportReport]]:
        """Begin to add clips of a recording; the report tells what becomes of them."""
        report = ImportReport()
        with self._memory.share(caller) as share:
            appender = Appender(
                self._turns_of(pool.pool_id),
                pool,
                # A window that has another id by now gets this one as well.
                rules=NO_RULES,
                report=report,
                share=share,
            )
            try:
                yield appender, report
            finally:
                appender.cancel()
                self._retiring.changed(pool.pool_id)

    def _turns_of(self, pool_id: str) -> AppendTurns:
        return self._turns.setdefault(pool_id, AppendTurns(self._store))

    async def import_clips(
        self,
        pool_id: str,
        fingerprint: str,
        batches: AsyncIterator[Batch],
        rules: ImportRules = NO_RULES,
        caller: str = "",
    ) -> ImportReport:
        """Add clips to a pool. A clip that cannot be taken fails alone.

        While nothing comes, and where the stream ends for that, all that has come is stored.

        Args:
            pool_id: the pool.
            fingerprint: of the encoder that made the embeddings; empty means the pool's.
            batches: the clips, some at a time.
            rules: what to do with ids and contents that the pool holds already.
            caller: whose import it is.

        Raises:
            PoolNotFound: there is no such pool.
            EncoderMismatch: the fingerprint, or that of the embedding service, is not the pool's.
        """
        pool = await self._store.read_pool(pool_id)
        if fingerprint and fingerprint != pool.encoder.fingerprint:
            raise EncoderMismatch(
                f"the embeddings were made by encoder {fingerprint}, those of pools/{pool_id} by"
                f" {pool.encoder.fingerprint}; they cannot be compared"
            )
        keeper = Keeper(self._audio, pool, self._hashing)
        with self._memory.share(caller) as share:
            run = ImportRun(
                self._store,
                self._encoder,
                self._audio,
                keeper,
                pool,
                rules=rules,
                share=share,
                turns=self._turns_of(pool_id),
            )
            try:
                report = await run.take_all(batches)
            finally:
                run.cancel()
                self._retiring.changed(pool_id)
        if rules.replace:
            await self._retiring.retired(pool_id)
        return report
