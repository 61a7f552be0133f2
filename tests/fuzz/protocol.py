"""`python -m tests.fuzz.protocol --calls 100000 --json`: any bytes to every RPC of both services.

Garbage, damaged messages, messages of any values, broken, cancelled and hurried calls and streams,
and frames that are no gRPC reach a real stack, many at a time. Each call is to be answered with a
status of the documented kinds; the services live on, answer for their health, keep their memory,
and what is refused changes nothing. Exit code 1 if one of these promises was broken.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.caller import Caller, Tally
from tests.fuzz.calls import Call, CallMaker
from tests.fuzz.frames import FrameTally, send_frames
from tests.fuzz.scene import Scene, tame_texts

from aloe.local import LocalStack, StackOptions

MOST_GROWTH = 0.05
LONGEST_HEALTH_CHECK_S = 0.5
_PHASES = 10
"""Each ends with a quiet one, in which only calls are made that must be refused."""
_COMPARED_PHASES = 3
_WARM_UP_PHASES = 4
_HUGE_CALLS = 40
_CALLS_PER_FRAMES = 50
_QUIET_CALLS = 200
_REST_S = 2.0
_SHOWN = 20


@dataclass(slots=True)
class Run:
    """What is seen in a run."""

    tally: Tally = field(default_factory=Tally)
    frames: FrameTally = field(default_factory=FrameTally)
    memory_mib: list[dict[str, float]] = field(default_factory=list)
    """After each phase, by service."""
    changed_by_refused: list[str] = field(default_factory=list)
    quiet_count: int = 0
    deaths: list[str] = field(default_factory=list)


def main() -> int:
    """Make the calls and print what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.protocol", description=__doc__)
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0, help="fixes the calls")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    arguments = parser.parse_args()
    try:
        report = fuzz(arguments.calls, arguments.seed)
    except KeyboardInterrupt:
        return 130
    if arguments.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.writelines(f"{name:24} {value}\n" for name, value in report.items())
    return 0 if is_good(report) else 1


def is_good(report: dict[str, Any]) -> bool:
    """Whether every promise was kept."""
    none = ("internal", "unknown", "unavailable", "data_loss", "crashes", "stuck", "without_reason")
    return (
        not any(report[name] for name in none)
        and not report["changed_by_refused"]
        and report["memory_growth"] <= MOST_GROWTH
        and report["longest_health_check_s"] <= LONGEST_HEALTH_CHECK_S
    )


def fuzz(call_count: int, seed: int) -> dict[str, Any]:
    """Make calls to a stack of its own; return the figures."""
    run = Run()

    def told(step: str) -> None:
        # The stack tells of starts as well; a child that ended is started again.
        sys.stderr.write(f"{step}\n")
        if not step.startswith("starting "):
            run.deaths.append(step)

    with LocalStack(StackOptions(), on_step=told) as stack:
        scene = Scene(stack)
        scene.renew()
        with _health_watched(stack) as health:
            began, log_bytes = time.perf_counter(), scene.log_bytes()
            asyncio.run(_make_calls(stack, scene, run, call_count, seed))
            elapsed_s = time.perf_counter() - began
            log_bytes = scene.log_bytes() - log_bytes
            traces = scene.traces()
    for line in [*run.tally.wrong, *run.changed_by_refused, *traces][:_SHOWN]:
        sys.stderr.write(f"{line}\n")
    growth = {name: _growth([each[name] for each in run.memory_mib]) for name in run.memory_mib[-1]}
    made = run.tally.codes.total()
    return {
        "calls": made,
        "seed": seed,
        "internal": run.tally.codes["INTERNAL"],
        "unknown": run.tally.codes["UNKNOWN"],
        "unavailable": run.tally.codes["UNAVAILABLE"],
        "data_loss": run.tally.codes["DATA_LOSS"],
        "crashes": len(run.deaths),
        "stuck": run.tally.stuck_count,
        "without_reason": run.tally.without_reason_count,
        "memory_growth": round(max(growth.values()), 4),
        "memory_growth_by_service": {name: round(each, 4) for name, each in growth.items()},
        "memory_mib": {name: [round(each[name]) for each in run.memory_mib] for name in growth},
        "longest_health_check_s": round(max(each[0] for each in health), 3),
        "longest_health_check_s_by_service": [round(each[0], 3) for each in health],
        "health_checks": sum(each[1] for each in health),
        "health_failures": sum(each[2] for each in health),
        "changed_by_refused": len(run.changed_by_refused),
        "refused_in_quiet": run.quiet_count,
        "log_bytes_per_call": round(log_bytes / made, 2),
        "calls_per_s": round(made / elapsed_s),
        "codes": dict(run.tally.codes.most_common()),
        "kinds": dict(run.tally.kinds.most_common()),
        "connections_of_frames": run.frames.count,
        "statuses_of_frames": dict(run.frames.statuses.most_common()),
    }


def _growth(memory_mib: list[float]) -> float:
    """Return by which part the memory of the last phases is more than after the warm-up.

    Medians of some phases, since what large requests leave varies. In the first ones heaps and
    caches find their size: a leak goes on behind them, in a longer run the more.
    """
    warm = statistics.median(memory_mib[_WARM_UP_PHASES:][:_COMPARED_PHASES])
    return statistics.median(memory_mib[-_COMPARED_PHASES:]) / warm - 1


async def _make_calls(
    stack: LocalStack, scene: Scene, run: Run, call_count: int, seed: int
) -> None:
    rng = random.Random(seed)
    maker, huge_numbers = CallMaker(rng, tame_texts), iter(range(10**9))
    async with Caller(stack.learner_address, stack.embedding_address) as caller:
        for phase in range(1, _PHASES + 1):
            count = call_count // _PHASES
            huge = _HUGE_CALLS // _PHASES
            calls = _shuffled_in(maker, count - huge, [next(huge_numbers) for _ in range(huge)])
            frames = asyncio.create_task(
                send_frames(
                    (stack.learner_address, stack.embedding_address),
                    rng.random(),
                    count // _CALLS_PER_FRAMES,
                    run.frames,
                )
            )
            refused = await caller.make_all(calls, run.tally)
            await frames
            await asyncio.to_thread(scene.renew)
            await asyncio.to_thread(scene.settle)
            some = rng.sample(refused, min(len(refused), _QUIET_CALLS))
            await _check_refused(caller, scene, run, some)
            # What is to be given back is given back soon, not at once.
            await asyncio.sleep(_REST_S)
            run.memory_mib.append(scene.memory_mib())
            sys.stderr.write(
                f"{run.tally.codes.total():,} calls, phase {phase} of {_PHASES};"
                f" {len(run.tally.wrong)} wrong; memory {run.memory_mib[-1]}\n"
            )


def _shuffled_in(maker: CallMaker, count: int, huge_numbers: list[int]) -> Iterator[Call]:
    """Yield calls with some huge ones among them."""
    every = max(1, count // (len(huge_numbers) + 1))
    for number in range(count):
        if huge_numbers and number % every == every - 1:
            yield maker.huge(huge_numbers.pop())
        yield maker.next()


async def _check_refused(caller: Caller, scene: Scene, run: Run, calls: list[Call]) -> None:
    """Make calls that were refused, again; they must be refused and change nothing."""
    before = await asyncio.to_thread(scene.digest)
    taken = Tally()
    await caller.make_all(calls, taken)
    after = await asyncio.to_thread(scene.digest)
    if taken.codes["OK"]:
        # What they asked for has become possible meanwhile.
        return
    run.quiet_count += len(calls)
    run.changed_by_refused += [
        f"changed by refused calls: {key}"
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    ]


@contextmanager
def _health_watched(stack: LocalStack) -> Iterator[list[list[float]]]:
    """Ask for health meanwhile; yield what is filled in at the end: seconds, checks, failures."""
    found: list[list[float]] = []
    command = [sys.executable, "-m", "tests.fuzz.health"]
    watcher = subprocess.Popen(
        [*command, stack.learner_address, stack.embedding_address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    try:
        yield found
        said, _ = watcher.communicate(timeout=60)
        found += json.loads(said)
    finally:
        watcher.kill()
        watcher.wait()


if __name__ == "__main__":
    sys.exit(main())
