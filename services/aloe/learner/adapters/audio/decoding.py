"""The RecordingDecoder: processes that decode, of aloe.audio, and what cuts windows out."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial

from aloe.audio.arrays import Float32Array
from aloe.audio.cutting.cutter import cut
from aloe.audio.cutting.spans import PastEnd, Plan
from aloe.audio.cutting.spans import Window as CutWindow
from aloe.audio.decoder import Limits, Stream, Stretch
from aloe.audio.errors import BadAudio, BrokenOff
from aloe.audio.excerpts import View
from aloe.audio.isolation import IsolatedDecoder, NoDecoder, NotWanted
from aloe.audio.remote import IsolatedStream
from aloe.audio.wav_writing import wav_of
from aloe.learner.adapters.audio.recording_files import OpenFile
from aloe.learner.bulkheads import CUT_AUDIO, HEARD_WINDOWS, Threads
from aloe.learner.domain.errors import AudioNotFound, InvalidInput, StoreUnavailable
from aloe.learner.domain.windows import Window, frames_of
from aloe.learner.ports.recordings import Context, RecordingFile, WindowSound
from aloe.values.audio import AudioReport, Decoding

MAX_RECORDING_S = 31 * 24 * 3_600.0
_LIMITS = Limits(MAX_RECORDING_S)
_BATCH_BYTES = 1 << 20
"""Of samples that are handed over at once."""
_BATCH_S = 0.5
"""How long a batch may take, so that it is told how far the decoder is."""


class WindowDecoder:
    """Decodes recordings in processes, which start when they are first needed."""

    def __init__(self) -> None:
        self._cutting = IsolatedDecoder(CUT_AUDIO.thread_count)
        self._hearing = IsolatedDecoder(HEARD_WINDOWS.thread_count)
        self._cut_threads, self._heard_threads = Threads(CUT_AUDIO), Threads(HEARD_WINDOWS)
        self._places = asyncio.Semaphore(CUT_AUDIO.thread_count)
        """One for each process: who waited for one on a thread would keep it from others."""

    def close(self) -> None:
        """End the processes; streams that are open fail."""
        self._cutting.close()
        self._hearing.close()
        self._cut_threads.close()
        self._heard_threads.close()

    async def open(
        self, file: RecordingFile, decoding: Decoding, first_frame: int = 0
    ) -> "WindowStream":
        assert isinstance(file, OpenFile)  # noqa: S101 - files and decoder go together
        await self._places.acquire()
        stream = WindowStream(self._cutting, self._cut_threads, self._places.release)
        try:
            await stream.open(file, decoding, Stretch(first_frame, is_sought=True))
        except BaseException:
            await stream.close()
            raise
        return stream

    async def excerpt(
        self,
        file: RecordingFile,
        decoding: Decoding,
        window: Window,
        sample_rate_hz: int,
        context: Context,
    ) -> WindowSound:
        assert isinstance(file, OpenFile)  # noqa: S101
        rate_hz = sample_rate_hz
        first, end = frames_of(window, rate_hz)
        around = round(context.before_s * rate_hz), round(context.after_s * rate_hz)
        view = View(first, end, *around, is_sought=True)
        try:
            found = await self._heard_threads.run(
                lambda: self._hearing.excerpt(file.file, decoding, _LIMITS, view)
            )
        except (BadAudio, OSError) as error:  # TimeoutError is one
            raise AudioNotFound(f"its recording cannot be decoded there: {error}") from error
        except NoDecoder as error:
            raise StoreUnavailable(str(error)) from error
        begins = first - found.first
        return WindowSound(
            wav_of(found.samples, rate_hz), begins / rate_hz, (begins + end - first) / rate_hz
        )


class WindowStream:
    """A recording that is being decoded, for one task at a time; any may close it."""

    def __init__(
        self, decoder: IsolatedDecoder, threads: Threads, release: Callable[[], None]
    ) -> None:
        """Take a place among the decoder's, which `release` gives back."""
        self._decoder, self._threads, self._release = decoder, threads, release
        self._lock = threading.Lock()
        """Held by the thread that decodes."""
        self._opened = contextlib.ExitStack()
        self._stream: Stream | IsolatedStream | None = None
        self._first_frame = 0
        self._is_closed = False
        self.problem = ""

    @property
    def sample_rate_hz(self) -> int:
        return self._there.sample_rate_hz

    @property
    def channel_count(self) -> int:
        return self._there.channel_count

    @property
    def decoded_s(self) -> float:
        return self._there.frame_count / self.sample_rate_hz

    @property
    def promised_s(self) -> float | None:
        frames = self._there.promised_frame_count
        return None if frames is None else frames / self.sample_rate_hz

    @property
    def report(self) -> AudioReport:
        there, report = self._there, self._there.report
        if report.sample_rate_hz:
            return report
        return AudioReport(there.sample_rate_hz, there.channel_count, there.channel)

    @property
    def _there(self) -> Stream | IsolatedStream:
        assert self._stream is not None  # noqa: S101
        return self._stream

    async def open(self, file: OpenFile, decoding: Decoding, stretch: Stretch) -> None:
        """Begin. Raises InvalidInput where it cannot be decoded at all."""

        def begin() -> Stream | IsolatedStream:
            with self._lock:
                return self._opened.enter_context(
                    self._decoder.stream(
                        file.file, decoding, _LIMITS, stretch, lambda: not self._is_closed
                    )
                )

        self._first_frame = stretch.first
        try:
            self._stream = await self._threads.run(begin)
        except (BadAudio, OSError) as error:
            raise InvalidInput.of("chunk", f"it cannot be decoded: {error}") from error
        except (NoDecoder, NotWanted) as error:
            raise StoreUnavailable(str(error)) from error

    async def windows(self, plan: Plan) -> AsyncIterator[Sequence[CutWindow]]:
        coming = cut(self._blocks(), plan, self._first_frame)
        is_left = True
        while is_left:
            found: list[CutWindow] = []
            try:
                is_left = await self._threads.run(partial(self._take, coming, found))
            except PastEnd:
                yield found
                raise
            except BrokenOff as error:
                self.problem, is_left = str(error), False
            except (NoDecoder, NotWanted) as error:
                raise StoreUnavailable(str(error)) from error
            yield found

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        loop = asyncio.get_running_loop()

        def ended(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                loop.call_soon_threadsafe(self._release)

        # Whoever waits for this may be cancelled; it ends all the same.
        ending = self._threads.submit(self._end)
        ending.add_done_callback(ended)
        await asyncio.shield(asyncio.wrap_future(ending))

    def _blocks(self) -> Iterator[Float32Array]:
        for block in self._there.blocks():
            if self._is_closed:
                raise NotWanted
            yield block

    def _take(self, coming: Iterator[CutWindow], found: list[CutWindow]) -> bool:
        """Take the next windows; return whether there may be more."""
        with self._lock:
            began, byte_count = time.monotonic(), 0
            for window in coming:
                found.append(window)
                byte_count += window.samples.nbytes
                if byte_count >= _BATCH_BYTES or time.monotonic() - began > _BATCH_S:
                    return True
        return False

    def _end(self) -> None:
        with self._lock:
            self._opened.close()
