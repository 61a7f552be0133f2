"""One import: its clips to the encoder and into the pool, in the order they came."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from aloe.admission.errors import TooMuch
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import ClipUpdate, ImportRules
from aloe.learner.domain.errors import (
    AlreadyExists,
    ClipNotFound,
    InvalidInput,
    LearnerError,
    Overloaded,
    StreamIdle,
)
from aloe.learner.domain.pool import (
    RANGE_RULE,
    Audio,
    Clip,
    EncodedAudio,
    Pool,
    content_hash,
    in_range,
    of_any_channel,
)
from aloe.learner.domain.windows import Recording
from aloe.learner.ports.audio import AudioStore
from aloe.learner.ports.encoder import EmbeddedAudio, EncoderPort
from aloe.learner.ports.pools import PoolStore
from aloe.learner.usecases.append_turns import AppendTurns
from aloe.learner.usecases.appending import Appender, BadClip, Block, ImportReport, already_exists
from aloe.learner.usecases.at_once import AtOnce
from aloe.learner.usecases.import_memory import Share, with_pauses
from aloe.learner.usecases.keeping import Keeper
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import DEFAULT_DECODING, Decoding

_PAUSE_S = 1.0
"""After so long without a message, what has come is stored, however few clips it is."""
_MAX_WAITING = 64
"""Recordings that may wait for the encoder's stream to take them."""
_MAX_FAILURES = 50_000
"""Of one stream; an answer names each."""
_UPDATED_AT_ONCE = 1_000
"""Clips whose attributes are changed in one step."""
_MAX_KEEPING = 8
"""Recordings of an import that are being kept at once."""


@dataclass(frozen=True, slots=True)
class NewClip:
    """A clip to add by its recording, which is read from the URI where `audio` is None."""

    clip_id: str
    uri: str = ""
    audio: Audio | None = None
    decoding: Decoding = DEFAULT_DECODING
    """How to read what lies at the URI."""
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class EmbeddedClips:
    """Clips to add by their embeddings."""

    clips: Sequence[Clip | BadClip]
    """A BadClip stands for one whose message is malformed."""
    embeddings: Float32Array
    """(n_clips, columns) float32, whatever number of columns the caller sent."""
    recordings: Mapping[int, Audio] = field(default_factory=dict)
    """Those that came with them, by place in `clips`."""
    windows_of: Sequence[Recording] = ()
    """What these or later clips may be windows of."""


Batch = Sequence[NewClip | BadClip] | EmbeddedClips
"""Some clips of an import."""


class ImportRun:
    """One import. Clips leave it in the order they came, whatever the encoder's order."""

    def __init__(
        self,
        store: PoolStore,
        encoder: EncoderPort,
        audio: AudioStore,
        keeper: Keeper,
        pool: Pool,
        *,
        rules: ImportRules,
        share: Share,
        turns: AppendTurns,
    ) -> None:
        self._store, self._encoder, self._audio_store, self._pool = store, encoder, audio, pool
        self._keeper, self._share = keeper, share
        self._rules, self._report = rules, ImportReport()
        self._appender = Appender(turns, pool, rules=rules, report=self._report, share=share)
        self._hashes: dict[str, str] = {}
        self._known_recordings: set[str] = set()
        self._updates: list[ClipUpdate] = []
        """Of clips that are there, to be stored with the next ones."""
        self._to_encode: asyncio.Queue[tuple[int, Audio] | None] = asyncio.Queue(_MAX_WAITING)
        self._at_encoder: dict[int, tuple[Block, Audio]] = {}
        self._sent_count = 0
        self._encoding: asyncio.Task[None] | None = None

    async def take_all(self, batches: AsyncIterator[Batch]) -> ImportReport:
        """Take all clips and store them; what came of them also where no more come."""
        async with aclosing(with_pauses(batches, _PAUSE_S)) as coming:
            try:
                async for batch in coming:
                    if batch is None:
                        await self._appender.append_ready(all_of_them=True)
                    else:
                        await self.take(batch)
                        self._check_failures()
                        del batch  # Not held while the next one comes.
            except (StreamIdle, Overloaded, TooMuch):
                await self.finish()
                raise
        return await self.finish()

    async def take(self, batch: Batch) -> None:
        """Take the next clips; waits while the encoder or the store is behind."""
        if isinstance(batch, EmbeddedClips):
            for recording in batch.windows_of:
                await self._store.put_recording(self._pool, recording)
            self._take_embedded(await self._with_recordings(await self._with_kept(batch)))
        else:
            await self._take_recordings(batch)
        await self._appender.append_ready()

    def _check_failures(self) -> None:
        """End a stream of which too many clips fail for one answer to name them."""
        if len(self._report.failures) > _MAX_FAILURES:
            raise TooMuch(
                "clips",
                f"over {_MAX_FAILURES:,} clips of this stream cannot be taken, the last one since"
                f" {self._report.failures[-1].error}; the others so far are stored: mend that, and"
                " send fewer at a time to be told of each",
            )

    async def finish(self) -> ImportReport:
        """Wait for what is at the encoder and store the rest."""
        if self._encoding:
            await self._send(None)
            await self._encoding
        await self._appender.append_ready(all_of_them=True)
        return self._report

    def cancel(self) -> None:
        """Let go of the encoder and the store, if they still work for this import."""
        if self._encoding:
            self._encoding.cancel()
        self._appender.cancel()

    def _take_embedded(self, batch: EmbeddedClips) -> None:
        """Take clips with their vectors; the store finds those that exist already."""
        columns, embedding_dim = batch.embeddings.shape[1], self._pool.encoder.embedding_dim
        unfit: NDArray[np.bool_] = np.ones(len(batch.clips), np.bool_)
        problem = f"{columns} values; the pool's encoder makes {embedding_dim}"
        if columns == embedding_dim:
            unfit = np.logical_not(in_range(batch.embeddings).all(axis=1))
            problem = RANGE_RULE
        clips: list[Clip] = []
        rows: list[int] = []
        for row, (clip, is_unfit) in enumerate(zip(batch.clips, unfit.tolist(), strict=True)):
            if isinstance(clip, BadClip):
                self._report.failures.append(clip)
            elif is_unfit:
                error = InvalidInput.of("embeddings", problem)
                self._report.failures.append(BadClip(clip.clip_id, error))
            elif self._is_first(clip.clip_id, clip.content_hash):
                clips.append(clip)
                rows.append(row)
        if clips:
            all_fit = len(clips) == len(batch.clips)
            vectors = batch.embeddings if all_fit else batch.embeddings[rows]
            self._appender.add(Block(clips, vectors))

    def _is_first(self, clip_id: str, digest: str) -> bool:
        """Whether an id did not come before in this import; count it or say so where it did."""
        if clip_id not in self._hashes:
            self._hashes[clip_id] = digest
            return True
        if self._hashes[clip_id] == digest:
            self._report.existing_count += 1
        else:
            error = AlreadyExists(
                f"the id {clip_id} came before in this import with other content; give each its own"
            )
            self._report.failures.append(BadClip(clip_id, error))
        return False

    async def _take_recordings(self, batch: Sequence[NewClip | BadClip]) -> None:
        found = await self._store.find_clips(self._pool.pool_id, [clip.clip_id for clip in batch])
        for clip, known in zip(batch, found, strict=True):
            if isinstance(clip, BadClip):
                self._report.failures.append(clip)
                continue
            try:
                await self._take_one(clip, known.content_hash if known else None)
            except LearnerError as error:
                self._report.failures.append(BadClip(clip.clip_id, error))
        updates, self._updates = self._updates, []
        for begin in range(0, len(updates), _UPDATED_AT_ONCE):
            await self._update(updates[begin : begin + _UPDATED_AT_ONCE])

    async def _update(self, updates: Sequence[ClipUpdate]) -> None:
        """Give clips that are there attributes; one that cannot have them fails alone."""
        try:
            self._report.updated_count += await self._store.update_clips(self._pool, updates)
        except (ClipNotFound, InvalidInput) as error:
            if len(updates) > 1:
                for each in updates:
                    await self._update([each])
                return
            self._report.existing_count -= 1
            self._report.failures.append(BadClip(updates[0].clip_id, error))

    async def _take_one(self, new: NewClip, known_hash: str | None) -> None:
        audio = new.audio
        if audio is None:
            if not new.uri:
                raise InvalidInput.of("audio", "unset; give audio, an embedding or a URI")
            file = await self._audio_store.read_uri(new.uri)
            audio = EncodedAudio(file.content, new.decoding)
        digest = content_hash(audio)
        if known_hash == digest:
            # What was lost or damaged since, or never kept, is mended.
            await self._keeper.keep(audio, digest)
            self._report.existing_count += 1
            if new.attributes:
                self._updates.append(ClipUpdate(new.clip_id, new.attributes, is_import=True))
            return
        # With one channel it may be the same as without a choice of one; its decoder will say.
        plain = of_any_channel(audio)
        is_known = known_hash is not None and not self._rules.replace
        if is_known and known_hash != (digest if plain is audio else content_hash(plain)):
            raise already_exists(self._pool, new.clip_id)
        if not self._is_first(new.clip_id, digest):
            return
        block = Block([Clip(new.clip_id, digest, new.uri, attributes=new.attributes)])
        self._appender.add(block)
        await self._encode(block, audio)

    async def _encode(self, block: Block, audio: Audio) -> None:
        if self._encoding is None:
            self._encoding = asyncio.create_task(self._run_encoder())
        self._at_encoder[self._sent_count] = block, audio
        self._share.grow(_byte_count(audio))
        await self._send((self._sent_count, audio))
        self._sent_count += 1

    async def _send(self, item: tuple[int, Audio] | None) -> None:
        """Queue for the encoder, or raise what ended it."""
        put = asyncio.ensure_future(self._to_encode.put(item))
        assert self._encoding is not None  # noqa: S101
        await asyncio.wait({put, self._encoding}, return_when=asyncio.FIRST_COMPLETED)
        if self._encoding.done() and not put.done():
            put.cancel()
            self._encoding.result()

    async def _run_encoder(self) -> None:
        # Keeping waits for the disk, which writes several files in the time of one.
        finishing = AtOnce(_MAX_KEEPING)
        try:
            async for number, result in self._encoder.embed_stream(
                self._pool.encoder, self._recordings()
            ):
                await finishing.begin(self._finish_block(number, result))
            await finishing.finish()
        finally:
            finishing.cancel()

    async def _finish_block(self, number: int, result: EmbeddedAudio | LearnerError) -> None:
        block, audio = self._at_encoder.pop(number)
        if isinstance(result, EmbeddedAudio):
            block.error = await self._keeper.keep_embedded(block, audio, result)
        else:
            block.error = result
        self._share.shrink(_byte_count(audio))
        await self._appender.append_ready()

    async def _with_kept(self, batch: EmbeddedClips) -> EmbeddedClips:
        """Keep the recordings that came with embeddings."""
        clips = list(batch.clips)
        for place, audio in batch.recordings.items():
            clip = clips[place]
            if isinstance(clip, Clip):
                clips[place] = await self._keeper.keep_given(clip, audio)
        return replace(batch, clips=clips)

    async def _with_recordings(self, batch: EmbeddedClips) -> EmbeddedClips:
        """Refuse windows of recordings that are not there."""
        ids = {
            each.window.recording_id
            for each in batch.clips
            if isinstance(each, Clip) and each.window
        } - self._known_recordings
        if ids:
            found = await self._store.read_recordings(self._pool, list(ids))
            self._known_recordings |= {each.recording_id for each in found if each}
        return replace(batch, clips=[self._with_recording(each) for each in batch.clips])

    def _with_recording(self, clip: Clip | BadClip) -> Clip | BadClip:
        window = clip.window if isinstance(clip, Clip) else None
        if window is None or window.recording_id in self._known_recordings:
            return clip
        what = f"pools/{self._pool.pool_id}/recordings/{window.recording_id} is not there"
        return BadClip(clip.clip_id, InvalidInput.of("recording", what))

    async def _recordings(self) -> AsyncIterator[tuple[int, Audio]]:
        while (item := await self._to_encode.get()) is not None:
            yield item


def _byte_count(audio: Audio) -> int:
    return len(audio.content if isinstance(audio, EncodedAudio) else audio.samples)
