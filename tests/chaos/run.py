"""One run: start everything, let oracles work while things break, heal them, and judge."""

import asyncio
import os
import platform
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.chaos.checker import check
from tests.chaos.final_state import read_final, settle
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import FinalTask, History, Operation, Outcome, read_history
from tests.chaos.oracle import ChaoticOracle
from tests.chaos.recorded_client import RecordedClient
from tests.chaos.saboteur import Saboteur
from tests.chaos.scene import PLANS, Scene
from tests.chaos.system import LEARNERS, System

from aloe.client import AsyncLearnerClient, ConnectOptions, connect_async

ORACLE_COUNT = 8
_SETTLE_S = 120.0


@dataclass(frozen=True, slots=True)
class ChaosOptions:
    """How long to run, with what seed, and where to keep files."""

    minutes: float
    seed: int
    folder: Path
    """For the history, and all that the servers keep and log."""


@dataclass(frozen=True, slots=True)
class ChaosOutcome:
    """What a run found."""

    report: dict[str, Any]
    """For JSON: the number of findings of each kind, and what was done."""
    findings: Sequence[Finding]


async def run_chaos(options: ChaosOptions, on_step: Callable[[str], None]) -> ChaosOutcome:
    """Do one run.

    Raises:
        ChildFailed, NoRedis: nothing could be started.
        AloeError: the healed system cannot be read.
    """
    history_path = options.folder / "history.jsonl"
    # A folder of its own, since the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="aloe-chaos-") as socket_folder:
        async with System(options.folder, Path(socket_folder), ORACLE_COUNT) as system:
            on_step("everything runs")
            with History(history_path) as history:
                scene, saboteur = await _break(system, history, options, on_step)
            on_step("all is healed; waiting for rest")
            restless, finals, differing = await _read_truth(system, scene)
    operations = read_history(history_path)
    findings = [
        *check(operations, finals),
        *(Finding(FindingKind.UNSETTLED, task_id) for task_id in sorted(restless)),
        *(Finding(FindingKind.REPLICAS_DIFFER, task_id) for task_id in differing),
    ]
    return ChaosOutcome(_report(options, operations, finals, saboteur, findings), findings)


async def _break(
    system: System, history: History, options: ChaosOptions, on_step: Callable[[str], None]
) -> tuple[Scene, Saboteur]:
    rng, scene = random.Random(options.seed), Scene(options.seed)
    async with AsyncExitStack() as closing:
        clients = []
        for number in range(ORACLE_COUNT):
            # Short timeouts for some: their calls end while the server still works on them.
            calls = ConnectOptions(timeout=timedelta(seconds=rng.uniform(1, 8)))
            clients.append(await _connect(closing, system, history, number, calls))
        patient = ConnectOptions(timeout=timedelta(minutes=1))
        await scene.create((await _connect(closing, system, history, 0, patient))[0])
        oracles = [
            ChaoticOracle(each, scene, random.Random(rng.random()), raises_budgets=number == 0)
            for number, each in enumerate(clients)
        ]
        saboteur = Saboteur(system, history, random.Random(rng.random()))
        stopping = asyncio.Event()
        on_step(f"chaos for {options.minutes:g} min")
        # An error here is a defect of the chaos itself, and ends it at once.
        async with asyncio.TaskGroup() as working:
            for oracle in oracles:
                working.create_task(oracle.work(stopping))
            working.create_task(saboteur.work(stopping))
            await asyncio.sleep(options.minutes * 60)
            stopping.set()
    return scene, saboteur


async def _connect(
    closing: AsyncExitStack, system: System, history: History, number: int, calls: ConnectOptions
) -> list[RecordedClient]:
    return [
        RecordedClient(
            await closing.enter_async_context(connect_async(address, calls)),
            history,
            oracle_id=f"oracle-{number}",
            replica=replica,
        )
        for replica, address in enumerate(system.addresses[number])
    ]


async def _read_truth(system: System, scene: Scene) -> tuple[set[str], list[FinalTask], list[str]]:
    """Wait for rest, then read each task from every replica.

    Returns:
        Ids of tasks that did not come to rest, final states, and ids of those on which replicas
        differ.
    """
    async with AsyncExitStack() as closing:
        replicas: list[AsyncLearnerClient] = [
            await closing.enter_async_context(connect_async(address))
            for address in system.addresses[0]
        ]
        restless = await settle(replicas[0], scene.promised, _SETTLE_S)
        finals, differing = [], []
        for plan in PLANS:
            told = [await read_final(replica, plan.task_id) for replica in replicas]
            finals.append(told[0])
            if any(each != told[0] for each in told):
                differing.append(plan.task_id)
    return restless, finals, differing


def _report(
    options: ChaosOptions,
    operations: Sequence[Operation],
    finals: Sequence[FinalTask],
    saboteur: Saboteur,
    findings: Sequence[Finding],
) -> dict[str, Any]:
    found = Counter(finding.kind for finding in findings)
    outcomes = Counter(each.outcome for each in operations)
    acknowledged = [each for each in operations if each.outcome is Outcome.ACKNOWLEDGED]
    return {
        **{kind.value: found[kind] for kind in FindingKind},
        "kills": saboteur.kill_count,
        "faults": {each.value: n for each, n in sorted(saboteur.fault_counts.items(), key=str)},
        "operations": len(operations),
        "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
        "acknowledged_calls": dict(sorted(Counter(each.call for each in acknowledged).items())),
        "labels": {final.task_id: len(final.labels) for final in finals},
        "head_versions": {final.task_id: final.head_version for final in finals},
        "oracles": ORACLE_COUNT,
        "replicas": len(LEARNERS),
        "minutes": options.minutes,
        "seed": options.seed,
        "ended_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, Python"
        f" {platform.python_version()}",
    }
