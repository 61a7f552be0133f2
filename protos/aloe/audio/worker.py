"""`python -m aloe.audio.worker`: decodes what it is sent, with bounds on memory and time.

Decoders are native code on files from anywhere. Where one crashes or runs wild, this process dies,
and one clip fails.
"""

import contextlib
import json
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO

from aloe.audio.content import Chunks, Content
from aloe.audio.decoder import Limits, Stream, Stretch, decode
from aloe.audio.errors import BadAudio, BrokenOff
from aloe.audio.windows import cut, measure
from aloe.values.audio import AudioProblem, AudioReport, AudioWarning, ChannelRule, Decoding

Message = tuple[dict[str, Any], bytes | memoryview]

MORE, FETCH, OUT_OF_MEMORY = "more", "fetch", "memory"
"""In the head of an answer: others follow; a part of the recording is asked for; there is none."""
SAMPLES_PER_CPU_S = 1_000_000
"""A stream may take so long; decoders go through thirty times as many."""
_LENGTH = struct.Struct("<II")


def main() -> None:
    """Serve jobs from standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    memory_bytes, cpu_s = int(sys.argv[1]), float(sys.argv[2])
    jobs, results = sys.stdin.buffer, sys.stdout.buffer
    # Before the bound: loading the libraries takes more than most clips.
    import av  # noqa: F401
    import soundfile  # noqa: F401

    _bound_memory(memory_bytes)
    write(results, {}, b"")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def fetch(begin: int, size: int) -> bytes:
        write(results, {FETCH: (begin, size)}, b"")
        answer = read(jobs)
        if answer is None:
            raise OSError("nobody answers")
        return answer[1]

    while (message := read(jobs)) is not None:
        job, first = message
        budget = _Budget(cpu_s)
        content = first if job["size"] == len(first) else Chunks(job["size"], fetch, first)
        for head, data in _do(job, content, budget):
            write(results, head, data)
        budget.end()


class _Budget:
    """Processor time, not what passes on a clock: on a busy machine a clip may take long."""

    def __init__(self, cpu_s: float) -> None:
        self._end_s = time.process_time() + cpu_s
        signal.setitimer(signal.ITIMER_PROF, cpu_s)

    def extend(self, sample_count: int) -> None:
        """Allow for some more samples."""
        self._end_s += sample_count / SAMPLES_PER_CPU_S
        left_s = self._end_s - time.process_time()
        signal.setitimer(signal.ITIMER_PROF, max(1e-6, left_s))

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def read(file: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read a head and data; None at the end."""
    lengths = _exactly(file, _LENGTH.size)
    head_length, data_length = _LENGTH.unpack(lengths) if lengths else (0, 0)
    head = _exactly(file, head_length)
    data = _exactly(file, data_length)
    return (json.loads(head), data) if head and data is not None else None


def _exactly(file: BinaryIO, size: int) -> bytes | None:
    """Read so many bytes, of a pipe that may give a few at a time; None if it ends before."""
    data = file.read(size)
    if len(data) == size:
        return data
    pieces = [data]
    while (size := size - len(data)) and (data := file.read(size)):
        pieces.append(data)
    return b"".join(pieces) if not size else None


def write(file: BinaryIO, head: dict[str, Any], data: bytes | memoryview) -> None:
    """Write what `read` reads."""
    text = json.dumps(head).encode()
    file.write(_LENGTH.pack(len(text), len(data)))
    file.write(text)
    file.write(data)
    file.flush()


def _do(job: dict[str, Any], content: Content, budget: _Budget) -> Iterator[Message]:
    """Yield the answers to a job; all but the last one say that others follow."""
    try:
        match job["kind"]:
            case "stream":
                yield from _stream(job, content, budget)
            case "decode":
                decoded = decode(content, _decoding(job), Limits(**job["limits"]))
                yield {"report": _packed(decoded.report)}, decoded.samples.data.cast("B")
            case "cut":
                yield {}, cut(content, job["start_s"], job["end_s"])
            case _:
                yield {"measured": measure(content)}, b""
    except BadAudio as error:
        yield {"error": str(error)}, b""
    except MemoryError:
        yield {OUT_OF_MEMORY: True}, b""
    except Exception as error:  # noqa: BLE001  # it costs the clip, not the clips that follow
        yield {"error": f"its decoder failed ({type(error).__name__}: {error})"}, b""


def _stream(job: dict[str, Any], content: Content, budget: _Budget) -> Iterator[Message]:
    limits, stretch = Limits(**job["limits"]), Stretch(**job["stretch"])
    stream = Stream(content, _decoding(job), limits, stretch, breaks_off=True, spend=budget.extend)
    opened = {
        "sample_rate_hz": stream.sample_rate_hz,
        "channel_count": stream.channel_count,
        "channel": stream.channel,
        "decoded_from": stream.decoded_from,
        "promised_frame_count": stream.promised_frame_count,
    }
    yield {MORE: True, "opened": opened}, b""
    known = job["known_frame_count"]
    try:
        for block in stream.blocks():
            new = block[max(0, len(block) - (stream.frame_count - known)) :]
            if stream.frame_count > known:
                yield {MORE: True}, new.data.cast("B")
    except BrokenOff as error:
        broken = (error.why, error.frame_count, error.promised_frame_count)
        yield {"broken_off": broken}, b""
    else:
        yield {"report": _packed(stream.report)}, b""


def _decoding(job: dict[str, Any]) -> Decoding:
    rule, channel, accept_damaged = job["decoding"]
    return Decoding(ChannelRule(rule) if rule else None, channel, accept_damaged)


def packed(decoding: Decoding) -> tuple[str | None, int, bool]:
    """Return what stands for a decoding in a job."""
    rule = decoding.channel_rule
    return rule and rule.value, decoding.channel, decoding.accept_damaged


def _packed(report: AudioReport) -> dict[str, Any]:
    warnings = [(each.problem.value, each.message) for each in report.warnings]
    return {**asdict(report), "warnings": warnings}


def unpacked(report: dict[str, Any]) -> AudioReport:
    """Return the report of an answer."""
    warnings = [AudioWarning(AudioProblem(kind), text) for kind, text in report["warnings"]]
    return AudioReport(**{**report, "warnings": tuple(warnings)})


def _bound_memory(byte_count: int) -> None:
    # macOS knows the limit but does not take it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (byte_count, byte_count))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # The parent has ended; what is buffered is not to be tried again.
        os._exit(1)
