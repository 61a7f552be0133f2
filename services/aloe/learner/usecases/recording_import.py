"""ImportRecording: a recording into a pool, as windows that are clips."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from aloe.learner.domain.errors import AlreadyExists, AudioNotFound
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.windows import Recording
from aloe.learner.ports.encoder import EncoderPort
from aloe.learner.ports.pools import PoolStore
from aloe.learner.ports.recordings import RecordingDecoder, RecordingFile, RecordingFiles
from aloe.learner.usecases.appending import BadClip
from aloe.learner.usecases.importing import Importer
from aloe.learner.usecases.window_run import Progress, WindowRun
from aloe.values.attributes import Attributes
from aloe.values.audio import Decoding
from aloe.values.cuts import Cut

_TELL_S = 1.0


@dataclass(frozen=True, slots=True)
class NewRecording:
    """A recording to import, and what is to be cut out of it."""

    recording_id: str
    content_hash: str
    byte_count: int
    uri: str
    decoding: Decoding
    attributes: Attributes
    cut: Cut


@dataclass(frozen=True, slots=True)
class AudioWanted:
    """The file is to be sent."""

    reason: str
    """Why it is not read where it lies; empty where nobody said where that is."""


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """What came of an import."""

    recording: Recording
    imported_count: int
    existing_count: int
    failures: tuple[BadClip, ...]


Answer = AudioWanted | Progress | RecordingReport


class RecordingImporter:
    """Serves ImportRecording."""

    def __init__(
        self,
        store: PoolStore,
        encoder: EncoderPort,
        files: RecordingFiles,
        decoder: RecordingDecoder,
        *,
        importer: Importer,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._encoder, self._files = store, encoder, files
        self._decoder, self._importer, self._now = decoder, importer, now

    async def import_recording(
        self, pool_id: str, new: NewRecording, chunks: AsyncIterator[bytes], caller: str
    ) -> AsyncGenerator[Answer, None]:
        """Yield whether the file is needed, how far it is, and at last what came of it.

        Windows are stored as they are ready, and those that are there are skipped: the same call
        goes on where another one ended.

        Args:
            pool_id: the pool.
            new: the recording.
            chunks: its file, read only where that is needed.
            caller: whose import it is.

        Raises:
            PoolNotFound: there is no such pool.
            AlreadyExists: a recording of other content has the id.
            InvalidInput: what is sent is not the file, or what is to be cut out is not there.
            RecordingNotFound: it was deleted meanwhile.
            AudioNotKept: there is no room for the file.
        """
        pool = await self._store.read_pool(pool_id)
        recording = await self._recording(pool, new)
        file, reason = await self._located(pool, new)
        if file is None:
            yield AudioWanted(reason)
            file = await self._files.take(chunks, new.byte_count, new.content_hash)
        try:
            if pool.keep_audio:
                await self._files.keep(file, new.content_hash)
            async for answer in self._cut(pool, recording, new.cut, file, caller):
                yield answer
        finally:
            await file.close()

    async def _recording(self, pool: Pool, new: NewRecording) -> Recording:
        """Return what is to be known of a recording, with what is known already."""
        (known,) = await self._store.read_recordings(pool, [new.recording_id])
        if known is None:
            known = Recording(new.recording_id, new.content_hash, self._now())
        elif known.content_hash != new.content_hash:
            raise AlreadyExists(
                f"pools/{pool.pool_id}/recordings/{new.recording_id} exists with other content;"
                " choose another id, or delete it with its windows"
            )
        return replace(
            known,
            byte_count=new.byte_count,
            uri=new.uri or known.uri,
            decoding=new.decoding,
            attributes={**known.attributes, **new.attributes},
        )

    async def _located(self, pool: Pool, new: NewRecording) -> tuple[RecordingFile | None, str]:
        """Return the file of a recording, or None and why it has to be sent."""
        if pool.keep_audio:
            with suppress(AudioNotFound):
                return await self._files.find_kept(new.content_hash), ""
        if not new.uri:
            return None, ""
        try:
            return await self._files.find_at(new.uri, new.content_hash), ""
        except AudioNotFound as error:
            return None, str(error)

    async def _cut(
        self, pool: Pool, recording: Recording, cut: Cut, file: RecordingFile, caller: str
    ) -> AsyncIterator[Progress | RecordingReport]:
        with self._importer.appending(pool, caller) as (appender, report):
            run = WindowRun(
                self._store,
                self._encoder,
                self._decoder,
                appender=appender,
                report=report,
                pool=pool,
                recording=recording,
            )
            running = asyncio.create_task(run.run(file, cut))
            try:
                while not running.done():
                    await asyncio.wait({running}, timeout=_TELL_S)
                    yield run.progress
                done = running.result()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        yield RecordingReport(
            done,
            report.imported_count,
            report.existing_count + len(report.duplicates),
            tuple(report.failures),
        )
