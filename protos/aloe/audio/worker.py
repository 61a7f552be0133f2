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
from dataclasses import asdict
from typing import Any, BinaryIO

from aloe.audio.decoder import Limits, decode
from aloe.audio.errors import BadAudio
from aloe.audio.windows import cut, measure
from aloe.values.audio import ChannelRule, Decoding

OUT_OF_MEMORY = "memory"
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
    while (job := read(jobs)) is not None:
        # Of processor time: on a busy machine a clip may take long.
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        head, data = _do(*job)
        signal.setitimer(signal.ITIMER_PROF, 0)
        write(results, head, data)


def read(file: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read a head and data; None at the end."""
    lengths = file.read(_LENGTH.size)
    if len(lengths) < _LENGTH.size:
        return None
    head_length, data_length = _LENGTH.unpack(lengths)
    head, data = file.read(head_length), file.read(data_length)
    if len(head) + len(data) < head_length + data_length:
        return None
    return json.loads(head), data


def write(file: BinaryIO, head: dict[str, Any], data: bytes | memoryview) -> None:
    """Write what `read` reads."""
    text = json.dumps(head).encode()
    file.write(_LENGTH.pack(len(text), len(data)))
    file.write(text)
    file.write(data)
    file.flush()


def _do(job: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes | memoryview]:
    try:
        match job["kind"]:
            case "decode":
                return _decode(job, content)
            case "cut":
                return {}, cut(content, job["start_s"], job["end_s"])
            case _:
                return {"measured": measure(content)}, b""
    except BadAudio as error:
        return {"error": str(error)}, b""
    except MemoryError:
        return {OUT_OF_MEMORY: True}, b""
    except Exception as error:  # noqa: BLE001  # it costs the clip, not the clips that follow
        return {"error": f"its decoder failed ({type(error).__name__}: {error})"}, b""


def _decode(job: dict[str, Any], content: bytes) -> tuple[dict[str, Any], memoryview]:
    rule, channel, accept_damaged = job["decoding"]
    decoding = Decoding(ChannelRule(rule) if rule else None, channel, accept_damaged)
    decoded = decode(content, decoding, Limits(**job["limits"]))
    report = asdict(decoded.report)
    report["warnings"] = [(each.problem.value, each.message) for each in decoded.report.warnings]
    return {"report": report}, decoded.samples.data.cast("B")


def _bound_memory(byte_count: int) -> None:
    # macOS knows the limit but does not take it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (byte_count, byte_count))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
