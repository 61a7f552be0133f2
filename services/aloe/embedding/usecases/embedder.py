"""The use case: audio in, embeddings out, through decoding, the length policy and the batcher."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np

from aloe.admission.budget import Budget, Hold
from aloe.audio.cost import Cost
from aloe.embedding.audio.clip import Audio, DecodedClip
from aloe.embedding.audio.decode_pool import Clips, DecodePool
from aloe.embedding.batching.batch_queue import Embedded
from aloe.embedding.batching.batcher import Batcher
from aloe.embedding.batching.dedupe import DedupingBatcher
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import (
    EmbeddingError,
    InvalidAudio,
    InvalidClips,
    InvalidRequest,
)
from aloe.embedding.ports.encoder import Encoder, EncoderInfo
from aloe.embedding.ports.recorder import Recorder
from aloe.embedding.usecases.intake import Intake
from aloe.values.audio import AudioReport


@dataclass(frozen=True, slots=True)
class EmbeddedClip:
    """What became of a clip."""

    embedding: Float32Array
    """(embedding_dim,)"""
    duration_s: float
    """Of the audio as it was sent."""
    report: AudioReport
    """What was found in decoding it."""
    queue_s: float
    inference_s: float


@dataclass(frozen=True, slots=True)
class EmbeddedRequest:
    """What became of the clips of one call, and where its time went."""

    clips: Sequence[EmbeddedClip]
    """In the order of the request."""
    decode_s: float

    @property
    def queue_s(self) -> float:
        """The longest wait of any clip in the queue."""
        return max(clip.queue_s for clip in self.clips)

    @property
    def inference_s(self) -> float:
        """The time of the longest batch."""
        return max(clip.inference_s for clip in self.clips)


@dataclass(frozen=True, slots=True)
class _DecodedClip:
    index: int
    clip: DecodedClip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one clip of several: its embedding, or why there is none."""

    index: int
    """Its place in the sequence of clips."""
    result: EmbeddedClip | Exception


class Embedder:
    """Embeds with one encoder. For one event loop."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        decode_pool: DecodePool,
        batcher: Batcher | DedupingBatcher,
        budget: Budget,
        intake: Intake,
        recorder: Recorder,
    ) -> None:
        self._encoder = encoder
        self._batcher = batcher
        self._budget = budget
        self._intake = intake
        self._recorder = recorder
        self._decode_pool = decode_pool

    @property
    def encoder_id(self) -> str:
        return self._encoder.info.encoder_id

    @property
    def info(self) -> EncoderInfo:
        """What its encoder is."""
        return self._encoder.info

    async def embed(
        self, audios: Sequence[Audio], *, deadline: float = math.inf
    ) -> EmbeddedRequest:
        """Embed all clips or none.

        Raises:
            InvalidRequest: there are no clips.
            TooMuch: there are more than the service ever holds.
            InvalidClips: some cannot be embedded; all of them are named.
            Overloaded: the queue is full.
            DeadlineExpired: `deadline`, on the batcher's clock, passed first.
            ShuttingDown: the server ends.
        """
        if not audios:
            raise InvalidRequest("clips", "holds no clips; send at least one")
        with self._budget.enter(clips=len(audios)) as hold:
            costs = self.costs(audios)
            faults = ((index, self._intake.fault(cost)) for index, cost in enumerate(costs))
            _raise_faults([Outcome(index, fault) for index, fault in faults if fault])
            self._budget.grow(hold, **self._intake.amounts(audios, costs))
            clips, found, decode_s = await self._decode(audios, costs, hold, deadline)
            _raise_faults(found)
            futures = self._submit(clips, deadline)
            await _settle(futures)
        outcomes = [_outcome(clip, future) for clip, future in zip(clips, futures, strict=True)]
        _raise_faults(outcomes)
        results = [item.result for item in outcomes if isinstance(item.result, EmbeddedClip)]
        return EmbeddedRequest(results, decode_s)

    def costs(self, audios: Sequence[Audio]) -> list[Cost]:
        """Return what each clip costs to decode, by its header."""
        return self._decode_pool.costs(audios)

    async def embed_each(
        self,
        audios: Sequence[Audio],
        costs: Sequence[Cost],
        hold: Hold,
        on_outcome: Callable[[Outcome], None],
        *,
        deadline: float = math.inf,
    ) -> None:
        """Embed clips of a stream, each on its own; `hold` is the room that was taken for them.

        `on_outcome` is called once per clip as soon as its outcome is known; the same exceptions
        as above are outcomes here.
        """
        try:
            clips, faults, _ = await self._decode(audios, costs, hold, deadline, is_bulk=True)
        except EmbeddingError as error:
            clips, faults = [], [Outcome(index, error) for index in range(len(audios))]
        for fault in faults:
            on_outcome(fault)
        futures = self._submit(clips, deadline)
        for clip, future in zip(clips, futures, strict=True):
            future.add_done_callback(partial(_tell, on_outcome, clip))
        await _settle(futures)

    def _submit(
        self, clips: Sequence[_DecodedClip], deadline: float
    ) -> list[asyncio.Future[Embedded]]:
        return self._batcher.submit(self._encoder, [clip.clip.samples for clip in clips], deadline)

    async def _decode(
        self,
        audios: Sequence[Audio],
        costs: Sequence[Cost],
        hold: Hold,
        deadline: float,
        *,
        is_bulk: bool = False,
    ) -> tuple[list[_DecodedClip], list[Outcome], float]:
        """Decode every clip; return the decoded ones, the faulty ones, and how long it took."""

        def count(part: slice, clips: Clips, elapsed_s: float) -> None:
            self._intake.count(hold, costs[part], clips, elapsed_s, is_bulk=is_bulk)

        started = time.perf_counter()
        clips = await self._decode_pool.decode(audios, costs, deadline=deadline, on_part=count)
        decode_s = time.perf_counter() - started
        self._intake.decoded(hold, costs)
        self._recorder.decoded(self.encoder_id, decode_s)
        decoded = list(enumerate(clips))
        return (
            [_DecodedClip(index, clip) for index, clip in decoded if isinstance(clip, DecodedClip)],
            [Outcome(index, clip) for index, clip in decoded if isinstance(clip, InvalidAudio)],
            decode_s,
        )


def byte_count(audios: Iterable[Audio]) -> int:
    """Return how many bytes the clips take as they came."""
    return sum(audio.byte_count for audio in audios)


def _outcome(clip: _DecodedClip, future: asyncio.Future[Embedded]) -> Outcome:
    error = future.exception()
    if error is not None:
        # The batcher sets nothing but subclasses of Exception.
        assert isinstance(error, Exception)  # noqa: S101
        return Outcome(clip.index, error)
    embedded = future.result()
    if not np.isfinite(embedded.embedding).all():
        fault = InvalidAudio("", "the encoder finds no finite embedding for this clip")
        return Outcome(clip.index, fault)
    result = EmbeddedClip(
        embedded.embedding,
        clip.clip.duration_s,
        clip.clip.report,
        embedded.queue_s,
        embedded.inference_s,
    )
    return Outcome(clip.index, result)


def _tell(
    on_outcome: Callable[[Outcome], None],
    clip: _DecodedClip,
    future: asyncio.Future[Embedded],
) -> None:
    if not future.cancelled():
        on_outcome(_outcome(clip, future))


def _raise_faults(outcomes: Sequence[Outcome]) -> None:
    faults = []
    for outcome in outcomes:
        if isinstance(outcome.result, InvalidAudio):
            faults.append((outcome.index, outcome.result))
        elif isinstance(outcome.result, Exception):
            raise outcome.result
    if faults:
        raise InvalidClips(faults)


async def _settle(futures: Iterable[asyncio.Future[Embedded]]) -> None:
    """Wait until all are done, failed ones included; if this is cancelled, cancel them too."""
    try:
        # One after the other: cheaper than asyncio.wait, which adds callbacks to every future.
        for future in futures:
            with suppress(Exception):
                await future
    finally:
        for future in futures:
            future.cancel()
