"""Decoders in processes of their own: a file that crashes one costs a clip, never the service."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, Self

import numpy as np

from aloe.audio.content import Content, Recording, opened
from aloe.audio.decoder import ALL, Decoded, Limits, Stream, Stretch, decode
from aloe.audio.errors import BadAudio
from aloe.audio.excerpts import Excerpt, View, excerpt_of
from aloe.audio.process import Answer, Bounds, Died, NoDecoder, NotWanted, Process, always
from aloe.audio.remote import IsolatedStream
from aloe.audio.sources import is_plain
from aloe.audio.windows import cut, measure
from aloe.audio.worker import packed, unpacked
from aloe.values.audio import Decoding

__all__ = ["Bounds", "IsolatedDecoder", "NoDecoder", "NotWanted"]


class IsolatedDecoder:
    """Decodes in at most so many processes, which are started as they are needed.

    Any number of threads may use it; each waits until a process is free. Plain WAV files are
    decoded where they are: no native code looks at them. Methods raise NoDecoder where a process
    cannot be started, and after `close`.
    """

    def __init__(self, process_count: int = 1, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._process_count = process_count
        self._idle: queue.LifoQueue[Process | None] = queue.LifoQueue()
        for _ in range(process_count):
            self._idle.put(None)
        self._lock = threading.Lock()
        self._running: set[Process] = set()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start every process, so that no clip has to wait for it. Raises NoDecoder."""
        slots = [self._idle.get() for _ in range(self._process_count)]
        try:
            slots = [process or self._start() for process in slots]
        finally:
            for process in slots:
                self._idle.put(process)

    def close(self) -> None:
        """End the processes, also those at work: whoever waits for one gets NoDecoder."""
        with self._lock:
            self._is_closed = True
            running = list(self._running)
        for process in running:
            process.kill()
        idle: list[Process | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for each in idle:
            if each:
                self._end(each)
            self._idle.put(None)  # Nobody is to wait for ever.

    def decode(
        self,
        content: bytes,
        decoding: Decoding,
        limits: Limits,
        is_wanted: Callable[[], bool] = always,
    ) -> Decoded:
        """Do what `decoder.decode` does. Raises BadAudio as it does, and where a decoder dies.

        Raises NotWanted soon after `is_wanted`, which is asked now and then, says no.
        """
        if is_plain(content):
            return decode(content, decoding, limits)
        job = {"kind": "decode", "decoding": packed(decoding), "limits": asdict(limits)}
        head, data = self._do(job, content, is_wanted)
        return Decoded(np.frombuffer(data, np.float32), unpacked(head["report"]))

    @contextmanager
    def stream(
        self,
        recording: Recording,
        decoding: Decoding,
        limits: Limits,
        stretch: Stretch = ALL,
        is_wanted: Callable[[], bool] = always,
    ) -> Iterator[Stream | IsolatedStream]:
        """Open a recording of any length, to be read block by block, as `decoder.Stream` does.

        It breaks off at the first thing that is wrong and not accepted. A process is taken until
        the end; where somebody kills it, another one goes through what was read, and on from there.

        Raises:
            BadAudio: it cannot be opened.
            NotWanted: soon after `is_wanted`, which is asked now and then, says no.
            OSError: the file cannot be read.
        """
        with opened(recording) as content:
            stream: Stream | IsolatedStream
            if is_plain(content):
                stream = _stream_here(content, decoding, limits, stretch, is_wanted)
            else:
                stream = IsolatedStream(
                    partial(self._answers, content=content, is_wanted=is_wanted),
                    {"decoding": packed(decoding), "limits": asdict(limits)},
                    stretch,
                )
            with closing(stream):
                yield stream

    def excerpt(
        self, recording: Recording, decoding: Decoding, limits: Limits, view: View
    ) -> Excerpt:
        """Return a window of a recording with what is around it, the same samples as in its stream.

        Raises:
            BadAudio: it cannot be opened, ends before the window does, or breaks off there.
            OSError: the file cannot be read.
        """
        with self.stream(recording, decoding, limits, view.stretch) as stream:
            return excerpt_of(stream, view)

    def cut(self, content: bytes, start_s: float, end_s: float | None) -> bytes:
        """Do what `windows.cut` does. Raises BadAudio."""
        if is_plain(content):
            return cut(content, start_s, end_s)
        _, data = self._do({"kind": "cut", "start_s": start_s, "end_s": end_s}, content)
        return data

    def measure(self, content: bytes) -> tuple[int, int]:
        """Do what `windows.measure` does. Raises BadAudio."""
        if is_plain(content):
            return measure(content)
        head, _ = self._do({"kind": "measure"}, content)
        frame_count, rate_hz = head["measured"]
        return frame_count, rate_hz

    def _do(
        self, job: dict[str, Any], content: Content, is_wanted: Callable[[], bool] = always
    ) -> Answer:
        (answer,) = self._answers(lambda: job, content, is_wanted)
        return answer

    def _answers(
        self,
        job: Callable[[], dict[str, Any]],
        content: Content,
        is_wanted: Callable[[], bool],
    ) -> Generator[Answer]:
        """Yield what a process says to a job.

        Where one dies, another one gets the job, as it is by then. Raises BadAudio where the
        recording has killed it.
        """
        process = self._idle.get()
        try:
            while True:
                is_fresh = process is None
                answer_count = 0
                process = process or self._start()
                try:
                    for head, data in process.answers(job(), content, is_wanted):
                        if "error" in head:
                            raise BadAudio(head["error"])
                        answer_count += 1
                        yield head, data
                except BadAudio:
                    raise
                except BaseException as error:
                    # Whatever it was, an answer may be left in the pipe: it is another clip's.
                    self._end(process)
                    process = None
                    if not isinstance(error, Died):
                        raise
                    self._judge(error, is_fresh=is_fresh, has_gone_on=answer_count > 1)
                else:
                    return
        finally:
            self._idle.put(process)

    def _judge(self, death: Died, *, is_fresh: bool, has_gone_on: bool) -> None:
        """Return where the clip may be tried again; raise what its death means otherwise."""
        if self._is_closed:
            raise NoDecoder("the decoders have ended")
        if death.is_of_clip:
            raise BadAudio(str(death))
        if death.is_from_outside and has_gone_on:
            return
        # What an earlier clip left behind must not fail this one.
        if is_fresh:
            raise BadAudio(str(death)) if not death.is_from_outside else NoDecoder(str(death))

    def _start(self) -> Process:
        process = Process(self._bounds)
        with self._lock:
            if not self._is_closed:
                self._running.add(process)
                return process
        process.end()
        raise NoDecoder("the decoders have ended")

    def _end(self, process: Process) -> None:
        with self._lock:
            self._running.discard(process)
        process.end()


def _stream_here(
    content: Content,
    decoding: Decoding,
    limits: Limits,
    stretch: Stretch,
    is_wanted: Callable[[], bool],
) -> Stream:
    def go_on(_: int) -> None:
        if not is_wanted():
            raise NotWanted

    return Stream(content, decoding, limits, stretch, breaks_off=True, spend=go_on)
