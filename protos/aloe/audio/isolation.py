"""Decoders in processes of their own: a file that crashes one costs a clip, never the service."""

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Self

import numpy as np

from aloe.audio.decoder import Decoded, Limits, decode
from aloe.audio.errors import BadAudio
from aloe.audio.joined import parts_of
from aloe.audio.process import Bounds, Died, NoDecoder, NotWanted, Process, always
from aloe.audio.sources import is_plain
from aloe.audio.windows import cut, measure
from aloe.values.audio import AudioProblem, AudioReport, AudioWarning, Decoding

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
        parts = list(parts_of(content))
        if is_plain(parts):
            return decode(content, decoding, limits, parts)
        rule = decoding.channel_rule
        job = {
            "kind": "decode",
            "decoding": (rule and rule.value, decoding.channel, decoding.accept_damaged),
            "limits": asdict(limits),
        }
        head, data = self._do(job, content, is_wanted)
        report = head["report"]
        warnings = [AudioWarning(AudioProblem(kind), text) for kind, text in report["warnings"]]
        samples = np.frombuffer(data, np.float32)
        return Decoded(samples, AudioReport(**{**report, "warnings": tuple(warnings)}))

    def cut(self, content: bytes, start_s: float, end_s: float | None) -> bytes:
        """Do what `windows.cut` does. Raises BadAudio."""
        if is_plain(parts_of(content)):
            return cut(content, start_s, end_s)
        _, data = self._do({"kind": "cut", "start_s": start_s, "end_s": end_s}, content)
        return data

    def measure(self, content: bytes) -> tuple[int, int]:
        """Do what `windows.measure` does. Raises BadAudio."""
        if is_plain(parts_of(content)):
            return measure(content)
        head, _ = self._do({"kind": "measure"}, content)
        frame_count, rate_hz = head["measured"]
        return frame_count, rate_hz

    def _do(
        self, job: dict[str, Any], content: bytes, is_wanted: Callable[[], bool] = always
    ) -> tuple[dict[str, Any], bytes]:
        process = self._idle.get()
        try:
            while True:
                is_fresh = process is None
                process = process or self._start()
                try:
                    head, data = process.do(job, content, is_wanted)
                except BaseException as error:
                    # Whatever it was, an answer may be left in the pipe: it is another clip's.
                    self._end(process)
                    process = None
                    if not isinstance(error, Died):
                        raise
                    self._judge(error, is_fresh=is_fresh)
                else:
                    break
        finally:
            self._idle.put(process)
        if "error" in head:
            raise BadAudio(head["error"])
        return head, data

    def _judge(self, death: "Died", *, is_fresh: bool) -> None:
        """Return where the clip may be tried again; raise what its death means otherwise."""
        if self._is_closed:
            raise NoDecoder("the decoders have ended")
        if death.is_of_clip:
            raise BadAudio(str(death))
        # What an earlier clip left behind must not fail this one.
        if is_fresh:
            raise BadAudio(str(death)) if not death.is_from_outside else NoDecoder(str(death))

    def _start(self) -> "Process":
        process = Process(self._bounds)
        with self._lock:
            if not self._is_closed:
                self._running.add(process)
                return process
        process.end()
        raise NoDecoder("the decoders have ended")

    def _end(self, process: "Process") -> None:
        with self._lock:
            self._running.discard(process)
        process.end()
