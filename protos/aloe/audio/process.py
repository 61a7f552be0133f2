"""One process that decodes, and how it ends."""

import contextlib
import fcntl
import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from aloe.audio.content import CHUNK_BYTES, Content
from aloe.audio.worker import FETCH, MORE, OUT_OF_MEMORY, SAMPLES_PER_CPU_S, read, write

Answer = tuple[dict[str, Any], bytes]
"""A head and data."""

DEFAULT_MEMORY_BYTES = 2 * 1024**3
"""Address space, of which the libraries take a part."""
DEFAULT_CPU_S = 60.0
_END_PATIENCE_S = 2.0
_PIPE_BYTES = 1 << 20
"""So that it decodes on while what it gave is being used."""
_LOOK_AGAIN_S = 0.25
"""How often is asked whether a clip is still wanted: most are decoded before the first time, as to
start another process takes longer than they do."""


class NoDecoder(Exception):
    """A process that decodes cannot be started."""


class NotWanted(Exception):
    """Nobody waits for a recording any more; what was being done for it has ended."""


def always() -> bool:
    """Say that it is wanted."""
    return True


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one recording may cost."""

    memory_bytes: int = DEFAULT_MEMORY_BYTES
    cpu_s: float = DEFAULT_CPU_S
    """Of a stream beyond what is in proportion to its samples."""


class Died(Exception):
    """A process ended, or has to, and why."""

    def __init__(
        self, why: str, *, is_of_clip: bool = False, is_from_outside: bool = False
    ) -> None:
        super().__init__(why)
        self.is_of_clip = is_of_clip
        """Whether no earlier clip can have had a part in it."""
        self.is_from_outside = is_from_outside
        """Whether somebody killed it, such as a system that is short of memory."""


class Process:
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
                bufsize=0,  # or one answer hides in a buffer behind another
                # A thread of numpy's takes a part of the memory.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise NoDecoder(f"a decoder cannot be started: {error}") from error
        self._child, self._to, self._from = (
            child,
            io.BufferedWriter(cast("io.FileIO", child.stdin)),
            cast("BinaryIO", child.stdout),
        )
        for pipe in (self._to, self._from):
            with contextlib.suppress(AttributeError, OSError):  # Linux alone knows this
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        # Not select(), which knows the first 1,024 files only.
        self._answers = select.poll()
        self._answers.register(self._from, select.POLLIN)
        if read(self._from) is None:
            self.end()
            raise NoDecoder(
                f"a decoder cannot be started (exit status {self._child.returncode}): pip install"
                " 'aloe-speech[embedding]'"
            )

    def answers(
        self, job: dict[str, Any], content: Content, is_wanted: Callable[[], bool]
    ) -> Iterator[Answer]:
        """Yield what it says to a job; it reads on in the content as it needs to.

        Raises Died, NotWanted, and OSError where the content cannot be read.
        """
        is_stream = job["kind"] == "stream"
        self._send({**job, "size": len(content)}, content[:CHUNK_BYTES], is_stream=is_stream)
        while True:
            head, data = self._answer(is_wanted, is_stream=is_stream)
            if FETCH in head:
                begin, size = head[FETCH]
                self._send({}, content[begin : begin + size], is_stream=is_stream)
                continue
            if OUT_OF_MEMORY in head:
                mib = self._bounds.memory_bytes >> 20
                raise Died(f"decoding it takes over {mib:,} MiB of memory")
            yield head, data
            if MORE not in head:
                return

    def _send(self, head: dict[str, Any], data: bytes, *, is_stream: bool) -> None:
        try:
            write(self._to, head, data)
        except (OSError, ValueError):
            raise self._death(is_stream=is_stream) from None

    def _answer(self, is_wanted: Callable[[], bool], *, is_stream: bool) -> Answer:
        try:
            while not self._answers.poll(_LOOK_AGAIN_S * 1_000):
                if not is_wanted():
                    raise NotWanted
            answer = read(self._from)
        except (OSError, ValueError):
            answer = None
        if answer is None:
            raise self._death(is_stream=is_stream)
        return answer

    def kill(self) -> None:
        """Let it end; who waits for its answer gets Died."""
        self._child.kill()

    def end(self) -> None:
        """Kill it, and let go of it."""
        with contextlib.suppress(OSError):
            self._to.close()
        self._child.kill()
        self._child.wait()
        self._from.close()

    def _death(self, *, is_stream: bool) -> Died:
        """Say how the process ended."""
        try:
            code = self._child.wait(_END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            return Died("its decoder answers no more")
        if code == -signal.SIGPROF:
            why = f"decoding it takes over {self._bounds.cpu_s:g} s of processor time"
            if is_stream:
                why += f" beyond a second for {SAMPLES_PER_CPU_S:,} samples"
            return Died(why, is_of_clip=True)
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        is_from_outside = code in (-signal.SIGKILL, -signal.SIGTERM)
        return Died(f"its decoder crashed on it ({how})", is_from_outside=is_from_outside)
