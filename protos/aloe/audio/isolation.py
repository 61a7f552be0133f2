"""Decoders in processes of their own: a file that crashes one costs a clip, never the service."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Self, cast

import numpy as np

from aloe.audio.decoder import Decoded, Limits, decode
from aloe.audio.errors import BadAudio
from aloe.audio.joined import parts_of
from aloe.audio.sources import is_plain
from aloe.audio.windows import cut, measure
from aloe.audio.worker import OUT_OF_MEMORY, read, write
from aloe.values.audio import AudioProblem, AudioReport, AudioWarning, Decoding

DEFAULT_MEMORY_BYTES = 2 * 1024**3
"""Address space, of which the libraries take a part."""
DEFAULT_CPU_S = 60.0
_END_PATIENCE_S = 2.0


class NoDecoder(Exception):
    """A process that decodes cannot be started."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one recording may cost."""

    memory_bytes: int = DEFAULT_MEMORY_BYTES
    cpu_s: float = DEFAULT_CPU_S


class IsolatedDecoder:
    """Decodes in at most so many processes, which are started as they are needed.

    Any number of threads may use it; each waits until a process is free. Plain WAV files are
    decoded where they are: no native code looks at them. Methods raise NoDecoder where a process
    cannot be started, and after `close`.
    """

    def __init__(self, process_count: int = 1, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._process_count = process_count
        self._idle: queue.LifoQueue[_Process | None] = queue.LifoQueue()
        for _ in range(process_count):
            self._idle.put(None)
        self._lock = threading.Lock()
        self._running: set[_Process] = set()
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
        idle: list[_Process | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for each in idle:
            if each:
                self._end(each)
            self._idle.put(None)  # Nobody is to wait for ever.

    def decode(self, content: bytes, decoding: Decoding, limits: Limits) -> Decoded:
        """Do what `decoder.decode` does. Raises BadAudio as it does, and where a decoder dies."""
        parts = list(parts_of(content))
        if is_plain(parts):
            return decode(content, decoding, limits, parts)
        rule = decoding.channel_rule
        job = {
            "kind": "decode",
            "decoding": (rule and rule.value, decoding.channel, decoding.accept_damaged),
            "limits": asdict(limits),
        }
        head, data = self._do(job, content)
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

    def _do(self, job: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._idle.get()
        try:
            while True:
                is_fresh = process is None
                process = process or self._start()
                try:
                    head, data = process.do(job, content)
                except BaseException as error:
                    # Whatever it was, an answer may be left in the pipe: it is another clip's.
                    self._end(process)
                    process = None
                    if not isinstance(error, _Died):
                        raise
                    self._judge(error, is_fresh=is_fresh)
                else:
                    break
        finally:
            self._idle.put(process)
        if "error" in head:
            raise BadAudio(head["error"])
        return head, data

    def _judge(self, death: "_Died", *, is_fresh: bool) -> None:
        """Return where the clip may be tried again; raise what its death means otherwise."""
        if self._is_closed:
            raise NoDecoder("the decoders have ended")
        if death.is_of_clip:
            raise BadAudio(str(death))
        # What an earlier clip left behind must not fail this one.
        if is_fresh:
            raise BadAudio(str(death)) if not death.is_from_outside else NoDecoder(str(death))

    def _start(self) -> "_Process":
        process = _Process(self._bounds)
        with self._lock:
            if not self._is_closed:
                self._running.add(process)
                return process
        process.end()
        raise NoDecoder("the decoders have ended")

    def _end(self, process: "_Process") -> None:
        with self._lock:
            self._running.discard(process)
        process.end()


class _Died(Exception):
    """A process ended, or has to, and why."""

    def __init__(
        self, why: str, *, is_of_clip: bool = False, is_from_outside: bool = False
    ) -> None:
        super().__init__(why)
        self.is_of_clip = is_of_clip
        """Whether no earlier clip can have had a part in it."""
        self.is_from_outside = is_from_outside
        """Whether somebody killed it, such as a system that is short of memory."""


class _Process:
    """One process that decodes."""

    def __init__(self, bounds: Bounds) -> None:
        """Start it. Raises NoDecoder."""
        self._bounds = bounds
        command = [sys.executable, "-m", "aloe.audio.worker"]
        try:
            child = subprocess.Popen(  # noqa: S603
                [*command, str(bounds.memory_bytes), str(bounds.cpu_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # A thread of numpy's takes a part of the memory.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise NoDecoder(f"a decoder cannot be started: {error}") from error
        self._child, self._to, self._from = (
            child,
            cast("BinaryIO", child.stdin),
            cast("BinaryIO", child.stdout),
        )
        if read(self._from) is None:
            self.end()
            raise NoDecoder(
                f"a decoder cannot be started (exit status {self._child.returncode}): pip install"
                " 'aloe-speech[embedding]'"
            )

    def do(self, job: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
        """Return the result. Raises _Died."""
        try:
            write(self._to, job, content)
            result = read(self._from)
        except (OSError, ValueError):
            result = None
        if result is None:
            raise self._death()
        if OUT_OF_MEMORY in result[0]:
            mib = self._bounds.memory_bytes >> 20
            raise _Died(f"decoding it takes over {mib:,} MiB of memory")
        return result

    def kill(self) -> None:
        """Let it end; who waits for its answer gets _Died."""
        self._child.kill()

    def end(self) -> None:
        """Kill it, and let go of it."""
        with contextlib.suppress(OSError):
            self._to.close()
        self._child.kill()
        self._child.wait()
        self._from.close()

    def _death(self) -> _Died:
        """Say how the process ended."""
        try:
            code = self._child.wait(_END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            return _Died("its decoder answers no more")
        if code == -signal.SIGPROF:
            why = f"decoding it takes over {self._bounds.cpu_s:g} s of processor time"
            return _Died(why, is_of_clip=True)
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        is_from_outside = code in (-signal.SIGKILL, -signal.SIGTERM)
        return _Died(f"its decoder crashed on it ({how})", is_from_outside=is_from_outside)
