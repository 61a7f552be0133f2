"""`python -m tests.benchmarks.long_imports --hours 24`: a recording into a pool, and what is found.

A night at 48 kHz, mono, as FLAC, with a call of a second in the middle of each minute, is imported
in windows of a second; half-way the learner is killed. Then the clips most like one call are
searched, a hundred windows are labeled, and what the head makes of all is merged into a timeline.
Memory is the most that each process ever had, of the learner before and after the kill.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.measuring import machine, resident_mb, seconds
from tests.long_recordings import BLOCK_S, CALL_S, write_night

from aloe.client import Answer, GridCut, LearnerClient, Lease, RecordingProgress, connect
from aloe.local import LocalStack, StackOptions
from aloe.windows.timeline import EventRule, SoundEvent, timeline

POOL, NIGHT, TASK, CLASSES = "nights", "night", "calls", ("call", "other")
LEARNER = "the learner"
_FIRST_CALL_S = BLOCK_S // 2
_LABEL_COUNT, _BATCH, _FOUND_COUNT = 100, 5, 50
_RULE = EventRule(on=0.5, off=0.3)


class Watch:
    """Looks at the processes now and then, and kills the learner once."""

    def __init__(self, stack: LocalStack, kills_at: int) -> None:
        self._stack, self._kills_at = stack, kills_at
        self.peaks_mb: Counter[str] = Counter()
        self.stored_at_kill = 0

    def __call__(self, progress: RecordingProgress) -> None:
        self.look()
        pid = self._stack.pids[LEARNER]
        if progress.stored_count >= self._kills_at and not self.stored_at_kill and pid:
            self.stored_at_kill = progress.stored_count
            os.kill(pid, signal.SIGKILL)

    def look(self) -> None:
        """Note the most memory that each process had."""
        for name, pid in self._stack.pids.items():
            if pid is not None:
                self._note(name, pid)
                for child in decoders_of(pid):
                    self._note(f"a decoder of {name}", child)

    def _note(self, name: str, pid: int) -> None:
        with suppress(OSError, LookupError):  # It has just ended.
            self.peaks_mb[name] = max(self.peaks_mb[name], round(resident_mb(pid, peak=True)))


def decoders_of(parent: int) -> list[int]:
    """Return the processes that decode for another one."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            own = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            if own == parent and b"aloe.audio.worker" in (each / "cmdline").read_bytes():
                found.append(int(each.name))
    return found


def has_call(start_s: float) -> bool:
    """Whether a window of a second, on the grid of seconds, holds a call."""
    return start_s % BLOCK_S == _FIRST_CALL_S


def imported(
    client: LearnerClient, stack: LocalStack, file: Path, window_count: int
) -> dict[str, Any]:
    watch = Watch(stack, window_count // 2)
    client.create_pool(POOL)
    began = time.perf_counter()
    found = client.import_recording(
        POOL, NIGHT, file, GridCut(1.0), on_progress=watch, timeout=timedelta(minutes=2)
    )
    taken_s = time.perf_counter() - began
    watch.look()
    ids = Counter(each.clip_id for each in client.list_clips(POOL))
    return {
        "import_s": taken_s,
        "windows": len(ids),
        "windows_twice": sum(count > 1 for count in ids.values()),
        "windows_missing": window_count - len(ids),
        "stored_at_kill": watch.stored_at_kill,
        "embedded_again": found.imported_count + watch.stored_at_kill - window_count,
        "peak_mb": dict(watch.peaks_mb),
    }


def searched(client: LearnerClient, call_count: int) -> dict[str, Any]:
    """Look for the windows that are most like the first call."""
    example = f"{NIGHT}~{_FIRST_CALL_S * 1_000}-{(_FIRST_CALL_S + CALL_S) * 1_000}"
    found = client.search_clips(POOL, example, count=_FOUND_COUNT).found
    hits = sum(has_call(each.clip.start_s or 0.0) for each in found)
    return {"calls_in_first_50": hits, "other_calls": call_count - 1, "example": example}


def labeled(client: LearnerClient, example: str) -> dict[str, Any]:
    """Label a hundred windows, the first few by an example, and merge what its head predicts."""
    client.create_task(TASK, POOL, CLASSES)
    asked = client.query(TASK, "ann", max_clip_count=_BATCH, like=example).leases
    version, count = answered(client, asked), len(asked)
    while count < _LABEL_COUNT:
        asked = client.query(
            TASK, "ann", max_clip_count=_BATCH, min_head_version=version or 0
        ).leases
        version, count = answered(client, asked) or version, count + len(asked)
    client.query(TASK, "bob", max_clip_count=1, min_head_version=version or 0)
    blocks = list(client.predict_pool(TASK, timeout=timedelta(minutes=2)))
    starts = {each.clip_id: each.start_s or 0.0 for each in client.list_clips(POOL)}
    ids = [clip_id for block in blocks for clip_id in block.clip_ids]
    begins = np.array([starts[each] for each in ids])
    scores = np.concatenate([block.probabilities for block in blocks])
    events = timeline(begins, begins + 1, scores, _RULE)
    calls = [each for each in events if each.class_index == CLASSES.index("call")]
    return {"labels": count, "events": len(calls), **agreement(calls, int(begins.max()) + 1)}


def answered(client: LearnerClient, asked: Sequence[Lease]) -> int | None:
    answers = [
        Answer(each.lease_id, CLASSES[not has_call(each.start.total_seconds())])
        for each in asked
        if each.start is not None
    ]
    return client.submit_labels(TASK, "ann", answers).head_version


def agreement(events: Sequence[SoundEvent], length_s: int) -> dict[str, float]:
    """Compare events with the calls: one that overlaps another counts."""
    calls = range(_FIRST_CALL_S, length_s, BLOCK_S)
    right = sum(any(each.start_s < c + CALL_S and c < each.end_s for c in calls) for each in events)
    found = sum(any(each.start_s < c + CALL_S and c < each.end_s for each in events) for c in calls)
    return {"precision": right / max(1, len(events)), "recall": found / max(1, len(calls))}


def measure(hours: float, folder: Path) -> dict[str, Any]:
    file, length_s = folder / "night.flac", round(hours * 3_600)
    figures: dict[str, Any] = {"made_s": seconds(lambda: write_night(file, "flac", length_s))}
    figures["file_mb"] = file.stat().st_size / 1e6
    with LocalStack(StackOptions()) as stack, connect(stack.learner_address) as client:
        figures |= imported(client, stack, file, length_s)
        figures["times_real_time"] = length_s / figures["import_s"]
        figures |= searched(client, length_s // BLOCK_S)
        figures |= labeled(client, figures["example"])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--folder", help="where the recording is written; it is removed")
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures = measure(arguments.hours, Path(folder))
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
    if arguments.json:
        sys.stdout.write(json.dumps({"machine": machine(), **rounded}) + "\n")
        return
    sys.stdout.write(f"{machine()}\n")
    sys.stdout.writelines(f"  {name:20} {value}\n" for name, value in rounded.items())


if __name__ == "__main__":
    main()
