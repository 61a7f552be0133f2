"""ImportClips: audio, embeddings or URIs into a pool, in the order they came."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.errors import (
    AlreadyExists,
    EncoderMismatch,
    InvalidInput,
    LearnerError,
)
from aloe.learner.domain.pool import (
    RANGE_RULE,
    Audio,
    Clip,
    EncodedAudio,
    Pool,
    content_hash,
    in_range,
)
from aloe.learner.ports import CHUNK_ROWS, AudioStore, EmbeddedAudio, EncoderPort, PoolStore

Float32Array = NDArray[np.float32]

_WINDOW = 64
"""Recordings that wait for the encoder's stream to take them."""
_APPEND_ROWS = 8 * CHUNK_ROWS
"""Clips written at once."""


@dataclass(frozen=True, slots=True)
class NewClip:
    """A clip to add: a recording, an embedding, or neither and then the URI is read."""

    clip_id: str
    uri: str = ""
    audio: Audio | None = None
    embedding: bytes | None = None
    """Little-endian float32."""
    duration_s: float | None = None
    """Of a clip that comes as an embedding."""
    content_hash: str = ""
    """Of a clip that comes as an embedding; empty hashes the embedding."""


@dataclass(frozen=True, slots=True)
class BadClip:
    """A clip that could not even be understood."""

    clip_id: str
    error: LearnerError


@dataclass(slots=True)
class ImportReport:
    """What became of an import."""

    imported_count: int = 0
    existing_count: int = 0
    failures: list[BadClip] = field(default_factory=list)


class Importer:
    """Serves ImportClips."""

    def __init__(
        self,
        store: PoolStore,
        encoder: EncoderPort,
        audio: AudioStore,
        on_growth: Callable[[str], None],
    ) -> None:
        """Take what it needs; `on_growth` is told the id of a pool that clips were added to."""
        self._store, self._encoder, self._audio = store, encoder, audio
        self._on_growth = on_growth

    async def import_clips(
        self, pool_id: str, fingerprint: str, batches: AsyncIterator[Sequence[NewClip | BadClip]]
    ) -> ImportReport:
        """Add clips to a pool. A clip that cannot be taken fails alone.

        Args:
            pool_id: the pool.
            fingerprint: of the encoder that made the embeddings; empty means the pool's.
            batches: the clips, some at a time.

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
        run = _Import(self._store, self._encoder, self._audio, pool)
        try:
            async for batch in batches:
                await run.take(batch)
            return await run.finish()
        finally:
            run.cancel()
            self._on_growth(pool_id)


@dataclass(slots=True)
class _Entry:
    """A clip on its way, in its place in the order."""

    clip: Clip
    result: Float32Array | LearnerError | None = None


class _Import:
    """One import. Entries leave it in the order they came, whatever the encoder's order."""

    def __init__(
        self, store: PoolStore, encoder: EncoderPort, audio: AudioStore, pool: Pool
    ) -> None:
        self._store, self._encoder, self._audio_store, self._pool = store, encoder, audio, pool
        self._report = ImportReport()
        self._entries: deque[_Entry] = deque()
        self._ready_count = 0
        """Entries in front that have their result."""
        self._appending = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        """The last append, while more clips come in."""
        self._until_whole = -pool.clip_count % CHUNK_ROWS
        """Clips that fill up the pool's last piece, so that those behind it are written once."""
        self._hashes: dict[str, str] = {}
        self._to_encode: asyncio.Queue[tuple[int, Audio] | None] = asyncio.Queue(_WINDOW)
        self._at_encoder: dict[int, tuple[_Entry, Audio]] = {}
        self._sent_count = 0
        self._encoding: asyncio.Task[None] | None = None

    async def take(self, batch: Sequence[NewClip | BadClip]) -> None:
        """Take the next clips; waits while the encoder is behind."""
        found = await self._store.find_clips(self._pool.pool_id, [clip.clip_id for clip in batch])
        unfit = _out_of_range(batch, self._pool.encoder.embedding_dim)
        for place, (clip, known) in enumerate(zip(batch, found, strict=True)):
            if isinstance(clip, BadClip):
                self._report.failures.append(clip)
                continue
            try:
                known_hash = known.content_hash if known else None
                await self._take_one(clip, known_hash, is_fit=place not in unfit)
            except LearnerError as error:
                self._report.failures.append(BadClip(clip.clip_id, error))
        await self._append_ready()

    async def finish(self) -> ImportReport:
        """Wait for what is at the encoder and store the rest."""
        if self._encoding:
            await self._send(None)
            await self._encoding
        await self._append_ready(all_of_them=True)
        await self._written()
        return self._report

    def cancel(self) -> None:
        """Let go of the encoder and the store, if they still work for this import."""
        for task in (self._encoding, self._writing):
            if task:
                task.cancel()

    async def _take_one(self, new: NewClip, known_hash: str | None, *, is_fit: bool) -> None:
        audio = new.audio
        if audio is None and new.embedding is None:
            if not new.uri:
                raise InvalidInput.of("audio", "unset; give audio, an embedding or a URI")
            audio = EncodedAudio((await self._audio_store.read_uri(new.uri)).content)
        content = audio if audio is not None else new.embedding or b""
        digest = new.content_hash or content_hash(content)
        seen = known_hash or self._hashes.get(new.clip_id)
        if seen is not None:
            if seen != digest:
                raise AlreadyExists(
                    f"pools/{self._pool.pool_id}/clips/{new.clip_id} exists with other content;"
                    " give the new recording another id"
                )
            self._report.existing_count += 1
            return
        entry = _Entry(Clip(new.clip_id, digest, new.uri, duration_s=new.duration_s))
        if audio is None:
            entry.result = _embedding(new.embedding or b"", self._pool)
            if not is_fit:
                raise InvalidInput.of("embedding", RANGE_RULE)
        self._hashes[new.clip_id] = digest
        self._entries.append(entry)
        if audio is not None:
            await self._encode(entry, audio)

    async def _encode(self, entry: _Entry, audio: Audio) -> None:
        if self._encoding is None:
            self._encoding = asyncio.create_task(self._run_encoder())
        self._at_encoder[self._sent_count] = entry, audio
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
        async for number, result in self._encoder.embed_stream(
            self._pool.encoder, self._recordings()
        ):
            entry, audio = self._at_encoder.pop(number)
            if isinstance(result, EmbeddedAudio):
                # Only now: nothing may be kept of a recording that cannot be read.
                key = await self._keep(audio, entry.clip.content_hash)
                entry.clip = replace(entry.clip, audio_key=key, duration_s=result.duration_s)
                entry.result = result.embedding
            else:
                entry.result = result
            await self._append_ready()

    async def _keep(self, audio: Audio, digest: str) -> str:
        return await self._audio_store.keep(audio, digest) if self._pool.keep_audio else ""

    async def _recordings(self) -> AsyncIterator[tuple[int, Audio]]:
        while (item := await self._to_encode.get()) is not None:
            yield item

    async def _append_ready(self, *, all_of_them: bool = False) -> None:
        """Begin to store the entries in front that are ready, if there are enough."""
        async with self._appending:
            while (
                self._ready_count < len(self._entries)
                and self._entries[self._ready_count].result is not None
            ):
                self._ready_count += 1
            count = self._ready_count if all_of_them else self._until_whole + _APPEND_ROWS
            if count == 0 or count > self._ready_count:
                return
            self._ready_count -= count
            self._until_whole = 0
            await self._written()
            ready = [self._entries.popleft() for _ in range(count)]
            self._writing = asyncio.create_task(self._append_entries(ready))

    async def _written(self) -> None:
        """Wait for the last append; one at a time keeps the order."""
        if self._writing:
            await self._writing

    async def _append_entries(self, entries: Sequence[_Entry]) -> None:
        clips, vectors = [], []
        for entry in entries:
            if isinstance(entry.result, LearnerError):
                self._report.failures.append(BadClip(entry.clip.clip_id, entry.result))
            elif entry.result is not None:
                clips.append(entry.clip)
                vectors.append(entry.result)
        if clips:
            await self._append(clips, np.stack(vectors))

    async def _append(self, clips: Sequence[Clip], vectors: Float32Array) -> None:
        found = await self._store.append_clips(self._pool, clips, vectors)
        for clip, other in zip(clips, found, strict=True):
            if other is None:
                self._report.imported_count += 1
            elif other.content_hash == clip.content_hash:
                self._report.existing_count += 1
            else:
                error = AlreadyExists(f"clip {clip.clip_id!r} was added with other content")
                self._report.failures.append(BadClip(clip.clip_id, error))


def _embedding(data: bytes, pool: Pool) -> Float32Array:
    expected = 4 * pool.encoder.embedding_dim
    if len(data) != expected:
        raise InvalidInput.of(
            "embedding",
            f"{len(data)} bytes; {pool.encoder.embedding_dim} float32 values take {expected}",
        )
    return np.frombuffer(data, dtype="<f4").astype(np.float32, copy=False)


def _out_of_range(batch: Sequence[NewClip | BadClip], embedding_dim: int) -> set[int]:
    """Return the places of embeddings with values that are out of range.

    All of a batch at once: to look at one by itself takes longer than its values do.
    """
    places, data = [], []
    for place, clip in enumerate(batch):
        if isinstance(clip, NewClip) and len(clip.embedding or b"") == 4 * embedding_dim:
            places.append(place)
            data.append(clip.embedding or b"")
    values = np.frombuffer(b"".join(data), dtype="<f4").reshape(len(places), embedding_dim)
    return {places[index] for index in np.flatnonzero(~in_range(values).all(axis=1))}
