"""One recording: decoded, cut, and its windows to the encoder and into the pool."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aloe.audio.cutting.spans import BadCut, PastEnd
from aloe.audio.cutting.spans import Window as CutWindow
from aloe.learner.domain.errors import InvalidInput, LearnerError, Violation
from aloe.learner.domain.pool import Audio, Clip, PcmAudio, Pool
from aloe.learner.domain.windows import Recording, Window, window_hash, window_id, window_of
from aloe.learner.ports.encoder import EmbeddedAudio, EncoderPort
from aloe.learner.ports.pools import PoolStore
from aloe.learner.ports.recordings import RecordingDecoder, RecordingFile, RecordingStream
from aloe.learner.usecases.appending import Appender, BadClip, Block, ImportReport, already_exists
from aloe.learner.usecases.cut_plans import CutPlan, field_of_cut
from aloe.values.audio import DEFAULT_DECODING, AudioReport, AudioWarning
from aloe.values.cuts import Cut

_MOST_VIOLATIONS = 20
_STORED_EVERY_S = 5.0
"""Or sooner, where there are enough windows: what is not stored is lost where a process dies."""
_MOST_WARNINGS = 20


@dataclass(slots=True)
class Progress:
    """How far an import is."""

    decoded_s: float = 0.0
    promised_s: float | None = None
    window_count: int = 0
    """Windows that were cut out."""
    stored_count: int = 0
    """Those of them that are clips of the pool."""


class WindowRun:
    """Imports one recording once."""

    def __init__(
        self,
        store: PoolStore,
        encoder: EncoderPort,
        decoder: RecordingDecoder,
        *,
        appender: Appender,
        report: ImportReport,
        pool: Pool,
        recording: Recording,
    ) -> None:
        """Take the recording as it is to be stored; the appender tells the report."""
        self._store, self._encoder, self._decoder = store, encoder, decoder
        self._appender, self._report = appender, report
        self._pool, self._recording = pool, recording
        self._blocks: dict[int, Block] = {}
        """Windows at the encoder."""
        self._stream: RecordingStream | None = None
        self._window_count = self._sent_count = 0
        self._is_stored = False
        self._past_end: PastEnd | None = None
        self._warnings: dict[AudioWarning, None] = {}
        """What the encoder says of windows, which mostly is the same of all."""

    @property
    def progress(self) -> Progress:
        """How far it is."""
        report = self._report
        stored_count = report.imported_count + report.existing_count + len(report.duplicates)
        stream = self._stream
        if stream is None:
            return Progress(window_count=self._window_count, stored_count=stored_count)
        return Progress(stream.decoded_s, stream.promised_s, self._window_count, stored_count)

    async def run(self, file: RecordingFile, cut: Cut) -> Recording:
        """Do it; return the recording as it is then.

        Raises:
            InvalidInput: it cannot be decoded at all, or what is to be cut out is not there.
            RecordingNotFound: it was deleted meanwhile.
        """
        plan = await self._open(file, cut)
        stream = self._opened
        try:
            if plan.left_out_count:
                await self._begin()
            if not plan.is_done:
                await self._embed(self._sounds(stream, plan))
        finally:
            await stream.close()
            await self._appender.append_ready(all_of_them=True)
        if self._past_end is None or self._window_count:
            self._recording = await self._end(stream, decodes=not plan.is_done)
        if self._past_end is not None:
            raise _fault(self._past_end, plan)
        return self._recording

    async def _open(self, file: RecordingFile, cut: Cut) -> CutPlan:
        """Open the recording where what is missing begins."""
        decoding = self._recording.decoding
        stream = self._stream = await self._decoder.open(file, decoding)
        try:
            plan = CutPlan(cut, stream.sample_rate_hz)
            await plan.leave_out(self._are_there)
        except BadCut as error:
            await stream.close()
            raise InvalidInput.of(field_of_cut(error.field), error.description) from error
        except BaseException:
            await stream.close()
            raise
        self._report.existing_count += plan.left_out_count
        self._window_count += plan.left_out_count
        if plan.first_frame:
            await stream.close()
            self._stream = await self._decoder.open(file, decoding, plan.first_frame)
        return plan

    async def _embed(self, sounds: AsyncIterator[tuple[int, Audio]]) -> None:
        stored_at = time.monotonic()
        async for number, result in self._encoder.embed_stream(self._pool.encoder, sounds):
            block = self._blocks.pop(number)
            if isinstance(result, EmbeddedAudio):
                self._warnings.update(dict.fromkeys(result.report.warnings[:_MOST_WARNINGS]))
                (clip,) = block.clips
                block.clips = [replace(clip, duration_s=result.duration_s)]
                block.vectors = result.embedding[None]
            else:
                block.error = result
            is_due = time.monotonic() - stored_at > _STORED_EVERY_S
            await self._appender.append_ready(all_of_them=is_due)
            stored_at = time.monotonic() if is_due else stored_at

    async def _sounds(
        self, stream: RecordingStream, plan: CutPlan
    ) -> AsyncIterator[tuple[int, Audio]]:
        """Yield the windows that are not there yet, as samples."""
        try:
            async for some in stream.windows(plan.plan):
                self._window_count += len(some)
                if some:
                    await self._begin()
                for clip, window in await self._missing(stream, some):
                    block = self._blocks[self._sent_count] = Block([clip])
                    self._appender.add(block)
                    self._sent_count += 1
                    yield self._sent_count - 1, _samples_of(window, stream.sample_rate_hz)
        except PastEnd as error:
            self._past_end = error  # What is at the encoder is still to come.

    async def _missing(
        self, stream: RecordingStream, windows: Sequence[CutWindow]
    ) -> list[tuple[Clip, CutWindow]]:
        clips = [self._clip(stream, each) for each in windows]
        ids = [clip.clip_id for clip in clips]
        found = await self._store.find_clips(self._pool.pool_id, ids) if ids else []
        missing = []
        for clip, window, known in zip(clips, windows, found, strict=True):
            if known is None:
                missing.append((clip, window))
            elif known.content_hash == clip.content_hash:
                self._report.existing_count += 1
            else:
                error = already_exists(self._pool, clip.clip_id)
                self._report.failures.append(BadClip(clip.clip_id, error))
        return missing

    async def _are_there(self, spans: Sequence[tuple[int, int]]) -> list[bool]:
        """Say which windows, by their frames, are in the pool already."""
        stream = self._opened
        windows = [self._window(first, end, stream.sample_rate_hz) for first, end in spans]
        found = await self._store.find_clips(self._pool.pool_id, list(map(window_id, windows)))
        hashes = [self._hash(stream, first, end, 0) for first, end in spans]
        return [
            known is not None and known.content_hash == each
            for known, each in zip(found, hashes, strict=True)
        ]

    def _clip(self, stream: RecordingStream, cut: CutWindow) -> Clip:
        span = cut.span
        window = self._window(span.first, span.end, stream.sample_rate_hz)
        channel = stream.report.channel
        return Clip(
            window_id(window),
            self._hash(stream, span.first, span.end, span.padding),
            decoding=self._recording.decoding,
            report=AudioReport(stream.sample_rate_hz, stream.channel_count, channel),
            attributes=self._recording.attributes,
            window=window,
        )

    @property
    def _opened(self) -> RecordingStream:
        assert self._stream is not None  # noqa: S101
        return self._stream

    def _window(self, first: int, end: int, sample_rate_hz: int) -> Window:
        return window_of(self._recording.recording_id, first, end, sample_rate_hz)

    def _hash(self, stream: RecordingStream, first: int, end: int, padding: int) -> str:
        # With one channel it is the same whichever was asked for.
        decoding = self._recording.decoding if stream.channel_count > 1 else DEFAULT_DECODING
        return window_hash(self._recording, decoding, first, end, padding)

    async def _begin(self) -> None:
        """Have the recording stored before its first window."""
        if not self._is_stored:
            await self._store.put_recording(self._pool, self._recording)
            self._is_stored = True

    async def _end(self, stream: RecordingStream, *, decodes: bool) -> Recording:
        """Store what is known of the recording now."""
        done = self._recording
        if decodes:
            warnings = dict.fromkeys((*stream.report.warnings, *self._warnings))
            done = replace(
                done,
                duration_s=done.duration_s if stream.problem else stream.decoded_s,
                decoded_s=max(done.decoded_s, stream.decoded_s),
                problem=stream.problem,
                report=replace(stream.report, warnings=tuple(warnings)),
            )
        await self._store.put_recording(self._pool, done, is_known=self._is_stored)
        return done


def _samples_of(window: CutWindow, sample_rate_hz: int) -> PcmAudio:
    samples = np.ascontiguousarray(window.samples, "<f4").tobytes()
    return PcmAudio(samples, sample_rate_hz, "float32", 1)


def _fault(error: PastEnd, plan: CutPlan) -> LearnerError:
    fields = [plan.field(number) for number in error.numbers[:_MOST_VIOLATIONS]]
    return InvalidInput(
        *(Violation(field, str(error)) for field in fields), count=len(error.numbers)
    )
