"""`python -m tests.load.overload --json`: how much is answered where far more is asked for.

Predict, Query with SubmitLabels, Embed and ImportClips are offered at 1, 3 and 10 times their
capacity, which is found first, by 1,000 callers on connections of their own. Goodput is what was
answered within its deadline. Services have one half of the cores of this machine and callers the
other, so that neither takes from the other; what the callers could not offer is told. These cores
are often shared with others: the rates take turns, several times. Goodput over best is a rate's
part of the best goodput of its turn, or of what was planned where that is less: the median of all
turns.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Self

import grpc
import numpy as np
from tests.benchmarks.measuring import machine, resident_mb
from tests.load.callers import Outcome, Plan
from tests.load.works import KINDS, TASK, prepare

from aloe.client import connect
from aloe.local import ChildFailed, LocalStack, NoRedis, StackOptions
from aloe.v1 import learner_service_pb2_grpc, task_pb2

_TIMES = (1, 3, 10)
_PROCESSES = 2
_CAPACITY_CALLERS = 512
"""Enough for the largest batches, and too few for any to be refused."""
_PROBE_PAUSE_S = 0.05
_SERVICES = ("the learner", "the embedding service")


class CallersFailed(Exception):
    """A process of callers ended before it had told what came of its calls."""


class Probe:
    """Asks for a task now and then, as one more caller, and notes how long that took."""

    def __init__(self, address: str) -> None:
        self._address, self._stop = address, threading.Event()
        self.latencies_s: list[float] = []
        self.failures: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        request = task_pb2.GetTaskRequest(name=f"tasks/{TASK}")
        with grpc.insecure_channel(self._address) as channel:
            stub: Any = learner_service_pb2_grpc.LearnerServiceStub(channel)
            while not self._stop.wait(_PROBE_PAUSE_S):
                began = time.perf_counter()
                try:
                    stub.GetTask(request, timeout=10)
                except grpc.RpcError as error:
                    self.failures[error.code().name] += 1
                else:
                    self.latencies_s.append(time.perf_counter() - began)


def run_callers(plan: Plan) -> Outcome:
    """Let callers work, divided among processes; return what came of it in all.

    Raises:
        CallersFailed: one of the processes failed; what it said stands on standard error.
    """
    share = replace(
        plan,
        caller_count=plan.caller_count // _PROCESSES,
        connection_count=max(1, plan.connection_count // _PROCESSES),
        calls_per_s=None if plan.calls_per_s is None else plan.calls_per_s / _PROCESSES,
    )
    with tempfile.TemporaryDirectory(prefix="aloe-overload-") as name:
        planned = Path(name) / "plan.json"
        planned.write_text(json.dumps(asdict(share)))
        outcomes = [Path(name) / f"outcome-{number}.json" for number in range(_PROCESSES)]
        command = [sys.executable, "-m", "tests.load.callers", str(planned)]
        running = [subprocess.Popen([*command, str(outcome)]) for outcome in outcomes]
        try:
            codes = [process.wait() for process in running]
        finally:
            for process in running:
                process.kill()
        if any(codes):
            raise CallersFailed(
                f"callers of {plan.kind!r} ended with code {max(codes, key=abs)}, see above"
            )
        parts = [json.loads(outcome.read_text()) for outcome in outcomes]
    whole = Outcome(seconds=max(part["seconds"] for part in parts))
    for part in parts:
        whole.offered += part["offered"]
        whole.answered += part["answered"]
        whole.steadily += part["steadily"]
        whole.refused += part["refused"]
        for name, count in part["failed"].items():
            whole.failed[name] = whole.failed.get(name, 0) + count
        whole.latencies_s += part["latencies_s"]
    return whole


class Overload:
    """Offers one kind of work after the other to a stack that runs."""

    def __init__(self, stack: LocalStack, arguments: argparse.Namespace) -> None:
        self._stack, self._arguments = stack, arguments
        self._plan = Plan(
            kind="",
            learner=stack.learner_address,
            embedding=stack.embedding_address,
            caller_count=arguments.callers,
            connection_count=arguments.connections,
            lead_s=arguments.lead_s,
            seconds=arguments.seconds,
            deadline_s=arguments.deadline_s,
            calls_per_s=None,
        )

    def measure(self, kind: str) -> dict[str, Any]:
        """Return the figures of a kind of work."""
        plan = replace(self._plan, kind=kind)
        few = replace(plan, caller_count=min(_CAPACITY_CALLERS, plan.caller_count))
        run_callers(replace(few, lead_s=0.0, seconds=min(2.0, plan.seconds)))  # warm
        levels: dict[str, list[_Run]] = {}
        for turn in range(self._arguments.turns):
            said = f"{kind}, turn {turn + 1} of {self._arguments.turns}"
            found = self._run(few, f"{said}: the capacity")
            levels.setdefault("capacity", []).append(found)
            for times in self._arguments.times:
                level = replace(plan, calls_per_s=times * found.goodput_per_s)
                run = self._run(level, f"{said}: {times:g} times {found.goodput_per_s:,.0f}/s")
                levels.setdefault(f"{times:g}", []).append(run)
        # How fast the machine is changes from turn to turn: what ran in one is compared.
        turns = zip(*levels.values(), strict=True)
        best = [max(run.goodput_per_s for run in turn) for turn in turns]
        figures = {name: _figures(runs) for name, runs in levels.items()}
        for name, runs in levels.items():
            parts = [run.part_of(most) for run, most in zip(runs, best, strict=True)]
            figures[name]["goodput_over_best"] = round(median(parts), 3)
        return figures

    def _run(self, plan: Plan, said: str) -> "_Run":
        _say(said)
        with Probe(self._stack.learner_address) as probe:
            outcome = run_callers(plan)
        return _Run(plan, outcome, probe, self.memory_mb())

    def memory_mb(self) -> dict[str, float]:
        """Return the resident memory of each service."""
        return {name: round(resident_mb(self._stack.pids[name] or 0), 1) for name in _SERVICES}


@dataclass(frozen=True, slots=True)
class _Run:
    """What came of some seconds of callers at one rate."""

    plan: Plan
    outcome: Outcome
    probe: Probe
    memory_mb: dict[str, float]

    @property
    def offered_per_s(self) -> float:
        """The calls begun, by second, those of the lead as well."""
        return self.outcome.offered / (self.plan.lead_s + self.plan.seconds)

    @property
    def goodput_per_s(self) -> float:
        """The calls answered within their deadline, by second."""
        return self.outcome.steadily / self.plan.seconds

    def part_of(self, best_per_s: float) -> float:
        """Return which part was answered of what could be: of the best, if so much was planned."""
        planned = self.plan.calls_per_s
        return self.goodput_per_s / (best_per_s if planned is None else min(best_per_s, planned))


def _figures(runs: Sequence[_Run]) -> dict[str, Any]:
    """Return what several runs of one rate come to: medians of rates, percentiles of all calls."""
    planned = [run.plan.calls_per_s for run in runs if run.plan.calls_per_s is not None]
    latencies_s = [each for run in runs for each in run.outcome.latencies_s]
    probes_s = [each for run in runs for each in run.probe.latencies_s]
    return {
        "planned_per_s": _median(planned) if planned else None,
        "offered_per_s": _median(run.offered_per_s for run in runs),
        "goodput_per_s": _median(run.goodput_per_s for run in runs),
        "goodput_of_each_run": [round(run.goodput_per_s, 1) for run in runs],
        "p50_s": _percentile(latencies_s, 50),
        "p99_s": _percentile(latencies_s, 99),
        "refused_with_retry_info": sum(run.outcome.refused for run in runs),
        "failed": _sums(run.outcome.failed for run in runs),
        "other_rpc_p99_s": _percentile(probes_s, 99),
        "other_rpc_failed": _sums(run.probe.failures for run in runs),
        "memory_mb": runs[-1].memory_mb,
    }


def _median(values: Iterable[float]) -> float:
    return round(median(values), 1)


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _percentile(latencies_s: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(latencies_s, percent)), 4) if latencies_s else None


@contextmanager
def _running() -> Iterator[LocalStack]:
    with tempfile.TemporaryDirectory(prefix="aloe-overload-") as name:
        options = StackOptions(data_dir=Path(name))
        for_services, for_callers = _halves_of_cores()
        _stay_on(for_services)
        with LocalStack(options) as stack:
            _stay_on(for_callers)
            yield stack


def _halves_of_cores() -> tuple[set[int], set[int]]:
    """Return cores for services and for callers: the same ones where they cannot be parted."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    half = len(cores) // 2
    return (set(cores[:half]), set(cores[half:])) if half else (set(cores), set(cores))


def _stay_on(cores: set[int]) -> None:
    """Have this thread, and what it starts, run on some cores."""
    if cores:
        os.sched_setaffinity(0, cores)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.overload", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--times", nargs="+", type=float, default=_TIMES, help="of the capacity")
    parser.add_argument("--callers", type=int, default=1_000, help="in all")
    parser.add_argument("--connections", type=int, default=200, help="they share")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run, that count")
    parser.add_argument("--lead-s", type=float, default=5.0, help="of each run, before those")
    parser.add_argument("--turns", type=int, default=3, help="runs of each rate")
    parser.add_argument("--deadline-s", type=float, default=5.0, help="of a call")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    arguments = parser.parse_args()
    try:
        with _running() as stack:
            with connect(stack.learner_address) as client:
                prepare(client)
            overload = Overload(stack, arguments)
            before = overload.memory_mb()
            works = {kind: overload.measure(kind) for kind in arguments.kinds}
            report = {
                "machine": machine(),
                "callers": arguments.callers,
                "connections": arguments.connections,
                "memory_before_mb": before,
                "memory_after_mb": overload.memory_mb(),
                "works": works,
            }
    except (CallersFailed, ChildFailed, NoRedis) as error:
        _say(f"overload: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(json.dumps(report, indent=None if arguments.json else 2) + "\n")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
