"""`python -m tests.benchmarks.recordings --hours 24 --json`: long recordings cut into windows.

A night at 48 kHz, mono, as FLAC, is decoded in a process of its own as a stream, and cut into
windows of five seconds. Beside it: libsndfile reading the same file, which looks for nothing (it
knows no M4A: there FFmpeg does). Then single windows are read again, where they are. Memory is the
most that each process ever had.
"""

import argparse
import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import av
import soundfile
from tests.benchmarks.measuring import machine, resident_mb, seconds
from tests.long_recordings import KINDS, RATE_HZ, write_night
from tests.unit.audio.processes import children

from aloe.audio.cutting.cutter import cut
from aloe.audio.cutting.grid import Grid, GridPlan
from aloe.audio.decoder import Limits
from aloe.audio.excerpts import View
from aloe.audio.isolation import IsolatedDecoder
from aloe.values.audio import Decoding

_LIMITS = Limits(1e6)
_BLOCK_FRAMES = 1 << 18
_EXCERPT_COUNT = 20


def stream(path: Path, window_s: str, hop_s: str) -> dict[str, float]:
    """Cut a recording into windows, in a process that did nothing else."""
    began = time.perf_counter()
    with IsolatedDecoder(1) as decoder:
        with decoder.stream(path, Decoding(), _LIMITS) as recording:
            plan = GridPlan(Grid.of(recording.sample_rate_hz, window_s, hop_s))
            first_s, count = 0.0, 0
            for _ in cut(recording.blocks(), plan):
                first_s = first_s or time.perf_counter() - began
                count += 1
        taken_s = time.perf_counter() - began
        pids = children()
        return {
            "seconds": taken_s,
            "first_window_s": first_s,
            "windows": count,
            "reader_mib": resident_mb(os.getpid(), peak=True),
            "decoder_mib": max((resident_mb(pid, peak=True) for pid in pids), default=0.0),
            "reader_cpu_s": time.process_time(),
            "decoder_cpu_s": sum(map(_cpu_s, pids)),
        }


def read_plainly(path: Path, kind: str) -> None:
    """Read a file with what looks for nothing."""
    if kind == "m4a":
        with av.open(str(path)) as container:
            for packet in container.demux(container.streams.audio[0]):
                for frame in packet.decode():
                    frame.to_ndarray()
        return
    with soundfile.SoundFile(path) as file:
        while len(file.read(_BLOCK_FRAMES, dtype="float32")):
            pass


def excerpt_ms(path: Path, hours: float) -> float | None:
    """Return the median time of a window of five seconds with a second on either side."""
    rng, taken = random.Random(0), []
    with IsolatedDecoder(1) as decoder:
        decoder.start()
        for _ in range(_EXCERPT_COUNT):
            first = rng.randrange(round((hours * 3_600 - 7) * RATE_HZ))
            view = View(first, first + 5 * RATE_HZ, RATE_HZ, RATE_HZ, is_sought=True)
            taken.append(seconds(partial(decoder.excerpt, path, Decoding(), _LIMITS, view)))
    return 1_000 * statistics.median(taken)


def measure(path: Path, kind: str, arguments: argparse.Namespace) -> dict[str, Any]:
    write_night(path, kind, round(arguments.hours * 3_600))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as alone:
        found = alone.submit(stream, path, arguments.window, arguments.hop).result()
    plain_s = seconds(lambda: read_plainly(path, kind))
    figures = {
        "file_mib": path.stat().st_size / (1 << 20),
        **found,
        "times_real_time": arguments.hours * 3_600 / found["seconds"],
        "over_plain_reading": found["seconds"] / plain_s,
    }
    if kind in ("flac", "wav"):
        figures["excerpt_ms"] = excerpt_ms(path, arguments.hours)
    return {name: round(value, 2) for name, value in figures.items()}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--kinds", default="flac", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--window", default="5", help="seconds")
    parser.add_argument("--hop", default="5", help="seconds")
    parser.add_argument("--folder", help="where the recordings are written; they are removed")
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    arguments = parser.parse_args()
    figures = {}
    for kind in arguments.kinds.split(","):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            figures[kind] = measure(Path(folder) / f"night.{kind}", kind, arguments)
    if arguments.json:
        sys.stdout.write(json.dumps({"machine": machine(), **figures}) + "\n")
        return
    sys.stdout.write(f"{machine()}\n")
    for kind, each in figures.items():
        sys.stdout.write(f"{kind}\n")
        sys.stdout.writelines(f"  {name:20} {value}\n" for name, value in each.items())


if __name__ == "__main__":
    main()
